"""Remarks: each kind is found, names its place, and a model without it has none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

from web_runtime.optimize.findings import Finding
from web_runtime.optimize.lint import MAX_IR_VERSION, MAX_OPSET, lint
from web_runtime.optimize.source import load_model

from .made_models import FLOAT, INT64, mlp, model, one_node, saved


def findings(proto: onnx.ModelProto, folder: Path, **dimensions: int) -> list[Finding]:
    return lint(load_model(saved(proto, folder / "made.onnx"), dimensions))


def told(found: list[Finding], host: str) -> str:
    return " | ".join(f"{each.where}: {each.what}" for each in found if each.host == host)


def test_a_plain_model_of_fixed_shapes_has_no_remarks(tmp_path: Path) -> None:
    assert findings(mlp(), tmp_path) == []


@pytest.mark.parametrize(
    ("dtype", "hosts"),
    [
        (TensorProto.INT64, {"mini-program", "accelerators"}),
        (TensorProto.DOUBLE, {"mini-program", "accelerators"}),
        (TensorProto.FLOAT16, {"mini-program"}),
        (TensorProto.BOOL, {"mini-program"}),
        (TensorProto.STRING, {"mini-program", "accelerators"}),
        (TensorProto.INT32, set()),
        (TensorProto.UINT8, set()),
    ],
)
def test_dtypes_at_the_border(tmp_path: Path, dtype: int, hosts: set[str]) -> None:
    found = findings(one_node("Identity", [("x", dtype, [2])], ("y", dtype, [2])), tmp_path)

    assert {each.host for each in found} == hosts
    assert {each.where for each in found} <= {"input x", "output y"}


def test_dtypes_within_the_graph(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Cast", ["x"], ["wide"], "widen", to=TensorProto.DOUBLE),
        helper.make_node("Cast", ["wide"], ["y"], "narrow", to=FLOAT),
    ]
    found = findings(model(nodes, [("x", FLOAT, [2])], [("y", FLOAT, [2])]), tmp_path)

    assert "widen: computes in float64" in told(found, "accelerators")


def test_a_free_dimension_names_what_to_fix_and_a_fixed_one_nothing(tmp_path: Path) -> None:
    found = findings(mlp("batch"), tmp_path)

    assert "input x, axis 0: free dimension batch" in told(found, "webnn")
    assert "`--dimension batch=SIZE`" in found[0].remedy
    assert "free dimension batch" in told(found, "mini-program")
    assert findings(mlp("batch"), tmp_path, batch=4) == []


def test_a_free_dimension_without_a_name_says_so(tmp_path: Path) -> None:
    proto = one_node("Relu", [("x", FLOAT, [None, 2])], ("y", FLOAT, [None, 2]))

    assert "without a name" in told(findings(proto, tmp_path), "webnn")


def test_operators_without_kernels_name_the_backend_and_the_node(tmp_path: Path) -> None:
    proto = one_node("Det", [("x", FLOAT, [2, 2])], ("y", FLOAT, []))
    found = findings(proto, tmp_path)

    assert told(found, "webgpu").startswith("only: Det: not among the kernels onnxruntime-web 1.30")
    assert told(found, "webnn").startswith("only: Det: not among")


def test_an_operator_that_one_backend_has_is_told_of_the_other(tmp_path: Path) -> None:
    proto = one_node("Softplus", [("x", FLOAT, [2])], ("y", FLOAT, [2]))
    found = findings(proto, tmp_path)

    assert "Softplus" in told(found, "webgpu")
    assert told(found, "webnn") == ""


def test_what_is_folded_before_it_runs_is_no_matter(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Det", ["c"], ["d"], "folded"),
        helper.make_node("Add", ["x", "d"], ["y"], "add"),
    ]
    constants = {"c": np.eye(2, dtype=np.float32)}
    found = findings(model(nodes, [("x", FLOAT, [2])], [("y", FLOAT, [2])], constants), tmp_path)

    assert found == []


def test_operators_within_a_branch_are_looked_at(tmp_path: Path) -> None:
    def branch(operator: str) -> onnx.GraphProto:
        node = helper.make_node(operator, ["x"], ["out"], f"inner-{operator}")
        return helper.make_graph(
            [node], operator, [], [helper.make_tensor_value_info("out", 1, [])]
        )

    node = helper.make_node(
        "If", ["c"], ["y"], "if", then_branch=branch("Det"), else_branch=branch("ReduceSum")
    )
    inputs = [("x", FLOAT, [2, 2]), ("c", TensorProto.BOOL, [])]
    found = findings(model([node], inputs, [("y", FLOAT, [])]), tmp_path)

    assert "inner-Det" in told(found, "webnn")


def test_a_computed_input_that_webnn_wants_constant_is_told(tmp_path: Path) -> None:
    inputs = [("x", FLOAT, [2, 3]), ("s", INT64, [1])]
    computed = one_node("Reshape", inputs, ("y", FLOAT, [None]))
    fixed = one_node("Reshape", inputs[:1], ("y", FLOAT, [6]), {"s": np.array([6])})

    assert "Reshape with a computed `shape`" in told(findings(computed, tmp_path), "webnn")
    assert told(findings(fixed, tmp_path), "webnn") == ""


def test_a_shape_read_from_the_feeds_is_constant_once_their_sizes_are_fixed(tmp_path: Path) -> None:
    nodes = [
        helper.make_node("Relu", ["x"], ["r"]),
        helper.make_node("Shape", ["r"], ["s"], "shape"),
        helper.make_node("Reshape", ["z", "s"], ["y"], "reshape"),
    ]
    inputs = [("x", FLOAT, ["n", 2]), ("z", FLOAT, ["m"])]
    proto = model(nodes, inputs, [("y", FLOAT, [None, None])])

    assert "reshape: Reshape with a computed `shape`" in told(findings(proto, tmp_path), "webnn")
    assert "computed" in told(findings(proto, tmp_path, m=6), "webnn")
    assert findings(proto, tmp_path, n=3, m=6) == []


def test_operators_of_classic_learning_stay_on_wasm(tmp_path: Path) -> None:
    proto = one_node(
        "Scaler",
        [("x", FLOAT, [1, 2])],
        ("y", FLOAT, [1, 2]),
        domains=["ai.onnx.ml"],
        attributes={"offset": [0.0], "scale": [1.0]},
    )

    assert "only: operators of ai.onnx.ml" in told(findings(proto, tmp_path), "accelerators")


@pytest.mark.parametrize(
    ("opset", "ir_version", "name"),
    [(MAX_OPSET + 1, MAX_IR_VERSION, "opset"), (MAX_OPSET, MAX_IR_VERSION + 1, "IR version")],
)
def test_versions_the_builds_do_not_open_are_errors(
    tmp_path: Path, opset: int, ir_version: int, name: str
) -> None:
    loaded = load_model(saved(mlp(), tmp_path / "made.onnx"), {})
    loaded.proto.opset_import[0].version, loaded.proto.ir_version = opset, ir_version
    (found,) = lint(loaded)

    assert found.is_error
    assert found.what.startswith(name)
    assert found.to_dict()["severity"] == "error"


def test_the_newest_versions_that_open_are_no_errors(tmp_path: Path) -> None:
    loaded = load_model(saved(mlp(), tmp_path / "made.onnx"), {})
    loaded.proto.opset_import[0].version = MAX_OPSET
    loaded.proto.ir_version = MAX_IR_VERSION

    assert lint(loaded) == []


def test_external_data_are_told(tmp_path: Path) -> None:
    path = tmp_path / "big.onnx"
    onnx.save(mlp(), str(path), save_as_external_data=True, location="big.data")

    assert told(lint(load_model(path, {})), "mini-program").startswith("big.data: external data")


@pytest.mark.parametrize(
    ("file_mib", "hosts"),
    [(200, set()), (201, {"mini-program"}), (1025, {"mini-program", "every"})],
)
def test_great_files_are_told(tmp_path: Path, file_mib: int, hosts: set[str]) -> None:
    loaded = load_model(saved(mlp(), tmp_path / "made.onnx"), {})
    great = tmp_path / "great.onnx"
    with great.open("wb") as sparse:
        sparse.truncate(file_mib * 1024 * 1024)
    found = lint(replace(loaded, path=great))

    assert {each.host for each in found} == hosts
    assert all(f"{file_mib * 1024 * 1024:,} bytes" in each.what for each in found)
