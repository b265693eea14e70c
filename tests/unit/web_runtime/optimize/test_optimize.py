"""The command as a person runs it: files, golden cases, table, report."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from edge_runtime.config import parse_config
from edge_runtime.pure.agreement import compare, judge
from edge_runtime.pure.golden import TOLERANCES, parse_golden
from edge_runtime.tensor import Tensor
from edge_runtime.types import TensorSpec
from onnx import TensorProto, helper, numpy_helper

from tests.unit.web_runtime.test_cli import run
from web_runtime.optimize import one_per_precision
from web_runtime.optimize.measure import Measured
from web_runtime.optimize.source import sha256_of

from .made_models import FLOAT, INT64, mlp, model, one_node, saved

X, Y = TensorSpec("x", "float32", (None, 64)), TensorSpec("y", "float32", (None, 10))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that optimizing the MLP on given samples fills."""
    folder = tmp_path_factory.mktemp("mlp")
    samples = np.random.default_rng(3).normal(0, 1, (6, 4, 64)).astype(np.float32)
    np.savez(folder / "samples.npz", x=samples)
    path = saved(mlp(), folder / "mlp.onnx")
    code, out, err = run(
        "optimize", path, "-o", folder / "out", "--samples", folder / "samples.npz", "--runs", 2
    )
    assert (code, err) == (0, "")
    (folder / "out" / "printed.txt").write_text(out)
    return folder / "out"


def report_of(folder: Path, name: str) -> Any:
    return json.loads((folder / f"{name}.report.json").read_text(encoding="utf-8"))


def answer(path: Path, feeds: dict[str, Any]) -> dict[str, Tensor]:
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    outputs = session.run(names, feeds)
    return {name: Tensor.from_numpy(each) for name, each in zip(names, outputs, strict=True)}


def test_each_precision_has_one_smaller_file_that_keeps_inputs_and_outputs(made: Path) -> None:
    sizes = {path.name: path.stat().st_size for path in made.glob("*.onnx")}

    assert set(sizes) == {"mlp.onnx", "mlp.fp16.onnx", "mlp.int8.onnx"}
    assert sizes["mlp.fp16.onnx"] < 0.6 * sizes["mlp.onnx"]
    assert sizes["mlp.int8.onnx"] < 0.5 * sizes["mlp.onnx"]
    for name in sizes:
        graph = onnx.load(str(made / name)).graph
        ends = [(end.name, end.type.tensor_type.elem_type) for end in (*graph.input, *graph.output)]
        assert ends == [("x", FLOAT), ("y", FLOAT)]


def test_the_report_says_what_was_measured_and_what_was_dropped(made: Path) -> None:
    report = report_of(made, "mlp")
    rows = {row["method"]: row for row in report["variants"]}

    assert set(rows) == {"as given", "fp16", "int8 dynamic", "int8 static"}
    assert report["measuredWith"]["samples"] == "6 given in samples.npz"
    assert "1 thread" in report["measuredWith"]["engine"]
    assert 0 < rows["fp16"]["maxError"] < 0.01
    kept = [row["method"] for row in rows.values() if row["isKept"] and row["precision"] == "int8"]
    (dropped,) = [row for row in rows.values() if not row["isKept"]]
    assert dropped["reason"] == f"{kept[0]} is closer to fp32"
    assert dropped["maxError"] >= rows[kept[0]]["maxError"]


def test_the_snippet_names_the_kept_files_as_they_are(made: Path) -> None:
    snippet = report_of(made, "mlp")["models"]["mlp"]

    assert snippet["golden"] == "models/mlp.golden.json"
    assert [(each["precision"], each["url"]) for each in snippet["variants"]] == [
        ("fp32", "models/mlp.onnx"),
        ("fp16", "models/mlp.fp16.onnx"),
        ("int8", "models/mlp.int8.onnx"),
    ]
    assert snippet["variants"][1]["requires"] == ["shader-f16"]
    for each in snippet["variants"]:
        assert each["sha256"] == sha256_of(made / Path(each["url"]).name)


def test_the_snippet_is_a_configuration(made: Path) -> None:
    model = parse_config({"models": report_of(made, "mlp")["models"]}).models["mlp"]

    assert [each.precision for each in model.variants] == ["fp32", "fp16", "int8"]
    assert model.golden == "models/mlp.golden.json"


def test_the_golden_file_accepts_its_variants_and_refuses_another_model(made: Path) -> None:
    plain = json.loads((made / "mlp.golden.json").read_text(encoding="utf-8"))
    golden = parse_golden(plain, [X], [Y])
    proto = onnx.load(str(made / "mlp.onnx"))
    weights = numpy_helper.to_array(proto.graph.initializer[0])
    proto.graph.initializer[0].CopyFrom(numpy_helper.from_array(weights[::-1].copy(), "w1"))
    wrong = saved(proto, made.parent / "wrong.onnx")

    assert plain["sha256"] == sha256_of(made / "mlp.onnx")
    assert len(golden.cases) == 4
    for case in golden.cases:
        feeds = {"x": case.feeds["x"].numpy()}
        for precision, name in (("fp32", "mlp"), ("fp16", "mlp.fp16"), ("int8", "mlp.int8")):
            found = compare(case.outputs, answer(made / f"{name}.onnx", feeds))
            assert judge(found, TOLERANCES[precision]) is None
        assert judge(compare(case.outputs, answer(wrong, feeds)), TOLERANCES["int8"])


def test_the_table_and_what_it_rests_on_are_printed(made: Path) -> None:
    printed = (made / "printed.txt").read_text()

    assert "samples: 6 given in samples.npz" in printed
    assert "median of 2 runs here (onnxruntime" in printed
    assert "is closer to fp32" in printed
    assert '"url": "models/mlp.fp16.onnx"' in printed
    assert "Random values" not in printed


def test_without_samples_random_ones_are_named_and_nothing_is_calibrated(tmp_path: Path) -> None:
    path = saved(mlp("n"), tmp_path / "my model.v2.onnx")
    code, out, _ = run("optimize", path, "--runs", 1, "--dimension", "n=2", "--url", "/m/")
    folder = tmp_path / "my model.v2-variants"
    report = report_of(folder, "my-model-v2")
    golden = json.loads((folder / "my-model-v2.golden.json").read_text())

    assert code == 0
    assert "Random values say little" in out
    assert [row["method"] for row in report["variants"]] == ["as given", "fp16", "int8 dynamic"]
    assert golden["cases"][0]["inputs"] == {"x": {"random": [1, -1, 1], "shape": [2, 64]}}
    snippet = report["models"]["my-model-v2"]
    assert parse_config({"models": report["models"]}).models["my-model-v2"].dimensions == {"n": 2}
    assert snippet["golden"] == "/m/my-model-v2.golden.json"


def test_variants_out_of_tolerance_or_not_smaller_are_dropped_and_not_written(
    tmp_path: Path,
) -> None:
    # fp16 ends at 65,504.
    proto = one_node(
        "Sub", [("x", FLOAT, [1, 4])], ("y", FLOAT, [1, 4]), {"c": np.full((1, 4), 9e4, "f")}
    )
    path = saved(proto, tmp_path / "tiny.onnx")
    stale = tmp_path / "tiny-variants" / "tiny.fp16.onnx"
    stale.parent.mkdir()
    stale.write_bytes(b"of an earlier run")
    code, out, _ = run("optimize", path, "--runs", 1)
    reasons = {row["method"]: row["reason"] for row in report_of(stale.parent, "tiny")["variants"]}

    assert code == 0
    assert "expected an error of at most 0.02 of its scale" in reasons["fp16"]
    assert reasons["int8 dynamic"].startswith("not smaller: expected at most ")
    assert f"dropped int8 dynamic: {reasons['int8 dynamic']}" in out
    assert not stale.exists()
    assert [path.name for path in stale.parent.glob("*.onnx")] == ["tiny.onnx"]


def test_remarks_alone_end_with_code_0(tmp_path: Path) -> None:
    proto = one_node("Add", [("a", INT64, [2]), ("b", INT64, [2])], ("y", INT64, [2]))
    code, out, _ = run("optimize", saved(proto, tmp_path / "ids.onnx"), "--runs", 1)

    assert code == 0
    assert "warning: mini-program: input a: int64" in out


def test_large_answers_leave_one_golden_case_and_random_feeds_stay_short(tmp_path: Path) -> None:
    proto = one_node("Relu", [("x", FLOAT, [30_000])], ("y", FLOAT, [30_000]))
    path = saved(proto, tmp_path / "wide.onnx")
    np.savez(tmp_path / "samples.npz", x=np.ones((2, 30_000), "f"))
    code, out, _ = run("optimize", path, "--samples", tmp_path / "samples.npz", "--runs", 1)
    (case,) = json.loads((tmp_path / "wide-variants/wide.golden.json").read_text())["cases"]

    assert code == 0
    assert "samples: 2 given in samples.npz" in out
    assert "golden:  1 cases (3 of random values, seed 1: x [30000])" in out
    assert case["inputs"] == {"x": {"random": [1, -1, 1], "shape": [30_000]}}


def test_weights_computed_from_constants_are_quantised_too(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Mul", ["w", "scale"], ["scaled"]),
        helper.make_node("MatMul", ["x", "scaled"], ["y"]),
    ]
    weights = np.random.default_rng(1).normal(0, 1, (64, 64)).astype("f")
    constants = {"w": weights, "scale": np.array(0.5, "f")}
    proto = model(nodes, [("x", FLOAT, [4, 64])], [("y", FLOAT, [4, 64])], constants)
    run("optimize", saved(proto, tmp_path / "scaled.onnx"), "--runs", 1)
    rows = report_of(tmp_path / "scaled-variants", "scaled")["variants"]

    assert rows[2]["method"] == "int8 dynamic"
    assert rows[2]["bytes"] < 0.5 * rows[0]["bytes"]


@pytest.mark.parametrize(
    "order", [("int8 dynamic", "int8 static"), ("int8 static", "int8 dynamic")]
)
def test_of_two_files_of_a_precision_the_closer_one_stays(order: tuple[str, str]) -> None:
    errors = {"int8 dynamic": 0.03, "int8 static": 0.01}
    rows = [Measured("fp32", "as given", max_error=0.0)]
    rows += [Measured("int8", method, max_error=errors[method]) for method in order]
    reasons = {row.method: row.reason for row in one_per_precision(rows)}

    assert reasons == {
        "as given": None,
        "int8 static": None,
        "int8 dynamic": "int8 static is closer to fp32",
    }


def test_texts_pass_through(tmp_path: Path) -> None:
    proto = one_node("Identity", [("t", TensorProto.STRING, [2])], ("y", TensorProto.STRING, [2]))
    np.savez(tmp_path / "texts.npz", t=np.array(["猫粮", "cat"]))
    path = saved(proto, tmp_path / "texts.onnx")
    code, out, _ = run("optimize", path, "--samples", tmp_path / "texts.npz", "--runs", 1)
    (case,) = json.loads((tmp_path / "texts-variants/texts.golden.json").read_text())["cases"]

    assert code == 0
    assert "warning: accelerators: input t: string" in out
    assert case["outputs"]["y"] == {"dtype": "string", "shape": [2], "values": ["猫粮", "cat"]}


def test_external_data_come_along(tmp_path: Path) -> None:
    path = tmp_path / "big.onnx"
    onnx.save(mlp(), str(path), save_as_external_data=True, location="big.data", size_threshold=9)
    code, _, _ = run("optimize", path, "-o", tmp_path / "out", "--runs", 1, "--precision", "fp16")
    report = report_of(tmp_path / "out", "big")
    fp32, fp16 = report["models"]["big"]["variants"]

    assert code == 0
    assert fp32["external"] == [
        {"path": "big.data", "url": "models/big.data", "sha256": sha256_of(tmp_path / "big.data")}
    ]
    assert "external" not in fp16
    assert parse_config({"models": report["models"]}).models["big"].variants[0].external
    assert answer(tmp_path / "out" / "big.onnx", {"x": np.ones((4, 64), "f")})
