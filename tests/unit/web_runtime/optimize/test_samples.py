"""Samples: random ones of the declared shapes, and those of files that fit the model."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from edge_runtime.pure.golden import TOLERANCES
from onnx import TensorProto, helper

from web_runtime.errors import ToolError
from web_runtime.optimize.samples import load_samples, seeded_samples
from web_runtime.optimize.source import Model, load_model

from .made_models import FLOAT, INT64, mlp, model, one_node, saved


def loaded(proto: onnx.ModelProto, folder: Path) -> Model:
    return load_model(saved(proto, folder / "made.onnx"), {})


def embedding_model() -> onnx.ModelProto:
    nodes = [
        helper.make_node("Unsqueeze", ["ids", "axis"], ["column"]),
        helper.make_node("Gather", ["table", "column"], ["rows"]),
        helper.make_node("Gather", ["small", "column"], ["y"]),
    ]
    table, small = np.zeros((500, 2), np.float32), np.zeros((40, 2), np.float32)
    constants = {"table": table, "small": small, "axis": np.array([0])}
    inputs = [("ids", INT64, ["n"])]
    return model(nodes, inputs, [("y", FLOAT, [1, "n", 2])], constants)


def test_random_feeds_have_the_declared_dtypes_and_chosen_sizes(tmp_path: Path) -> None:
    image = loaded(one_node("Relu", [("x", FLOAT, ["n", 3, "h", "w"])], ("y", FLOAT, [])), tmp_path)
    samples = seeded_samples(image, 1)

    assert [each.feeds["x"].shape for each in samples.items] == [(1, 3, 64, 64)] * 3
    assert samples.origin == "3 of random values, seed 1: x [1, 3, 64, 64]"
    assert not samples.are_given
    first, second = samples.items[0].feeds["x"], samples.items[1].feeds["x"]
    assert (first.min(), first.max()) == (-1, 1)
    assert not np.array_equal(first, second)


def test_random_feeds_are_the_same_each_time_and_others_for_another_seed(tmp_path: Path) -> None:
    plain = loaded(mlp(), tmp_path)
    one, same, other = (seeded_samples(plain, seed).items[0].feeds["x"] for seed in (1, 1, 2))

    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_random_indices_stay_within_the_smallest_table_they_choose_from(tmp_path: Path) -> None:
    values = [
        each.feeds["ids"] for each in seeded_samples(loaded(embedding_model(), tmp_path), 1).items
    ]

    assert max(each.max() for each in values) in range(20, 40)


def test_strings_are_not_made_up(tmp_path: Path) -> None:
    text = one_node("Identity", [("x", TensorProto.STRING, [1])], ("y", TensorProto.STRING, [1]))

    with pytest.raises(ToolError, match="got strings. Give --samples"):
        seeded_samples(loaded(text, tmp_path), 1)


def npz(folder: Path, **arrays: Any) -> Path:
    path = folder / "samples.npz"
    np.savez(path, **arrays)
    return path


def test_arrays_of_the_inputs_shape_are_one_sample(tmp_path: Path) -> None:
    values = np.arange(256, dtype=np.float32).reshape(4, 64)
    samples = load_samples(loaded(mlp(), tmp_path), npz(tmp_path, x=values))

    assert np.array_equal(samples.items[0].feeds["x"], values)
    assert samples.items[0].plain is not None
    assert samples.items[0].plain["x"]["shape"] == [4, 64]
    assert (samples.origin, samples.are_given) == ("1 given in samples.npz", True)


def test_arrays_with_one_more_axis_are_as_many_samples(tmp_path: Path) -> None:
    values = np.arange(512, dtype=np.float32).reshape(2, 4, 64)
    samples = load_samples(loaded(mlp(), tmp_path), npz(tmp_path, x=values))

    assert [each.feeds["x"].tolist() for each in samples.items] == values.tolist()


def test_feeds_too_large_for_a_golden_file_are_used_all_the_same(tmp_path: Path) -> None:
    proto = one_node("Relu", [("x", FLOAT, [1, 30_000])], ("y", FLOAT, [1, 30_000]))
    samples = load_samples(loaded(proto, tmp_path), npz(tmp_path, x=np.ones((1, 30_000), "f")))

    assert samples.items[0].plain is None


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"z": np.ones((4, 64), "f")}, "Name them x"),
        ({"x": np.ones((4, 64), "f"), "z": np.ones(1)}, "Name them x"),
        ({"x": np.ones((4, 64))}, "Make it float32[4, 64]"),
        ({"x": np.ones((4, 65), "f")}, "x float32[4, 65]. Make it"),
        ({"x": np.ones(64, "f")}, "Give arrays of the inputs' shapes"),
        ({"x": np.ones((0, 4, 64), "f")}, "no sample"),
        ({"x": np.array([None])}, "allow_pickle"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(
    tmp_path: Path, arrays: dict[str, Any], told: str
) -> None:
    with pytest.raises(ToolError) as caught:
        load_samples(loaded(mlp(), tmp_path), npz(tmp_path, **arrays))

    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["samples.npz", "samples.json"])
@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"[1", b"{}", b"\xff\xfe"])
def test_files_that_are_no_samples_are_refused(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)

    with pytest.raises(ToolError, match="expected samples"):
        load_samples(loaded(mlp(), tmp_path), path)
    with pytest.raises(ToolError, match="No such file"):
        load_samples(loaded(mlp(), tmp_path), tmp_path / f"none-{name}")


def test_a_golden_file_gives_its_feeds_and_its_tolerances(tmp_path: Path) -> None:
    path = tmp_path / "made.golden.json"
    inputs = {"x": {"random": [1, 0, 1]}}
    case = {"inputs": inputs, "outputs": {"y": [0] * 40}}
    path.write_text(json.dumps({"tolerance": 0.01, "cases": [case, case]}))
    samples = load_samples(loaded(mlp(), tmp_path), path)

    assert [each.plain for each in samples.items] == [inputs, inputs]
    assert samples.items[0].feeds["x"].shape == (4, 64)
    assert samples.tolerances["fp32"].max_error == 0.01
    assert samples.tolerances["int8"] == TOLERANCES["int8"]
