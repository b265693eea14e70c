"""Models that cannot be optimized: an error for people each, never a traceback."""

from pathlib import Path

import numpy as np
import onnx
import pytest
from edge_runtime.types import TensorSpec

from web_runtime.errors import ToolError
from web_runtime.optimize.source import load_model

from .made_models import FLOAT, mlp, one_node, saved


def refusal(path: Path, **dimensions: int) -> str:
    with pytest.raises(ToolError) as caught:
        load_model(path, dimensions)
    text = str(caught.value)
    assert "\n" not in text
    return text


def test_a_model_is_loaded_with_what_it_declares(tmp_path: Path) -> None:
    model = load_model(saved(mlp("n"), tmp_path / "mlp.onnx"), {"n": 3})

    assert model.inputs == (TensorSpec("x", "float32", (3, 64)),)
    assert model.outputs == (TensorSpec("y", "float32", (3, 10)),)
    assert model.file_bytes == (tmp_path / "mlp.onnx").stat().st_size


def test_a_free_dimension_keeps_its_name(tmp_path: Path) -> None:
    model = load_model(saved(mlp("n"), tmp_path / "mlp.onnx"), {})

    assert model.inputs == (TensorSpec("x", "float32", ("n", 64)),)


def test_no_file_is_told(tmp_path: Path) -> None:
    assert "No such file" in refusal(tmp_path / "none.onnx")
    assert "Is a directory" in refusal(tmp_path)


@pytest.mark.parametrize("content", [b"", b"<html>not found</html>", b"\x00" * 64, b"{}"])
def test_other_bytes_are_no_onnx(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "page.onnx"
    path.write_bytes(content)

    assert "expected an ONNX model" in refusal(path)


def test_a_truncated_model_is_no_onnx(tmp_path: Path) -> None:
    path = saved(mlp(), tmp_path / "cut.onnx")
    path.write_bytes(path.read_bytes()[:2000])

    assert "expected an ONNX model" in refusal(path)


def test_custom_operators_are_named(tmp_path: Path) -> None:
    proto = one_node("Fancy", [("x", FLOAT, [2])], ("y", FLOAT, [2]), domains=["acme"])

    text = refusal(saved(proto, tmp_path / "custom.onnx"))

    assert "got the custom acme:Fancy. No browser has them" in text


def test_an_operator_that_no_engine_has_is_told_in_its_words(tmp_path: Path) -> None:
    proto = one_node("Fancy", [("x", FLOAT, [2])], ("y", FLOAT, [2]))

    assert "Fancy" in refusal(saved(proto, tmp_path / "unknown.onnx"))


def external_model(folder: Path) -> Path:
    path = folder / "big.onnx"
    onnx.save(
        mlp(), str(path), save_as_external_data=True, location="big.data", size_threshold=1024
    )
    return path


def test_external_data_are_loaded_and_counted(tmp_path: Path) -> None:
    path = external_model(tmp_path)
    model = load_model(path, {})

    assert model.external == ("big.data",)
    assert model.file_bytes == path.stat().st_size + (tmp_path / "big.data").stat().st_size
    weights = next(each for each in model.proto.graph.initializer if each.name == "w1")
    assert onnx.numpy_helper.to_array(weights).shape == (64, 96)


def test_missing_external_data_are_named(tmp_path: Path) -> None:
    path = external_model(tmp_path)
    (tmp_path / "big.data").unlink()

    assert "big.data" in refusal(path)


def test_a_dimension_nobody_declares_is_refused(tmp_path: Path) -> None:
    path = saved(mlp("n"), tmp_path / "mlp.onnx")

    assert "expected one of n, got 'batch'" in refusal(path, batch=1)


def test_a_sequence_is_no_tensor(tmp_path: Path) -> None:
    proto = one_node(
        "SplitToSequence", [("x", FLOAT, [2])], ("y", FLOAT, [1]), {"s": np.array([1, 1])}
    )
    proto.graph.output[0].CopyFrom(onnx.helper.make_tensor_sequence_value_info("y", FLOAT, [None]))

    assert "expected a tensor, got seq" in refusal(saved(proto, tmp_path / "sequence.onnx"))
