"""The models of ``tensor_suite``, as ONNX files and for the fake engine; CPython only."""

from collections.abc import Mapping
from typing import Any

import onnx
from edge_runtime.tensor import Tensor
from edge_runtime.testing.fake_inference import FakeInference, FakeModel
from edge_runtime.types import TensorSpec
from onnx import TensorProto, helper

ONNX_DTYPES = {
    "float32": TensorProto.FLOAT,
    "float64": TensorProto.DOUBLE,
    "float16": TensorProto.FLOAT16,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "int16": TensorProto.INT16,
    "uint16": TensorProto.UINT16,
    "int32": TensorProto.INT32,
    "uint32": TensorProto.UINT32,
    "int64": TensorProto.INT64,
    "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
    "string": TensorProto.STRING,
}
SHAPES: dict[str, list[int | str | None]] = {
    "scalar": [],
    "line": [None],
    "cube": ["rows", None, 3],
}


def tensor_models() -> dict[str, bytes]:
    """Return the models of ``tensor_suite`` by name."""
    return {
        **{f"tensors_{dtype}": _echoes(element) for dtype, element in ONNX_DTYPES.items()},
        "compare": _compare(),
        "outside": _outside(),
        "refused_bfloat16": _identity(helper.make_tensor_type_proto(TensorProto.BFLOAT16, [2])),
        "refused_sequence": _identity(_sequence()),
        "refused_optional": _identity(helper.make_optional_type_proto(_floats())),
        "refused_output": _one("SequenceConstruct", _floats(), _sequence()),
    }


def define_tensor_models(inference: FakeInference, models: Mapping[str, bytes]) -> None:
    """Teach the fake engine the same models; what is refused it does not know."""
    for dtype in ONNX_DTYPES:
        ins = tuple(TensorSpec(name, dtype, tuple(shape)) for name, shape in SHAPES.items())
        outs = tuple(TensorSpec(f"{spec.name}_out", dtype, spec.shape) for spec in ins)
        inference.define(models[f"tensors_{dtype}"], FakeModel(ins, outs, _echoed))
    a, less, total = (
        TensorSpec(name, dtype, ("n",))
        for name, dtype in (("a", "float32"), ("less", "bool"), ("sum", "float32"))
    )
    inference.define(models["compare"], FakeModel((a,), (less, total), _compared))
    a, total = (TensorSpec(name, "float32", (3,)) for name in ("a", "sum"))
    inference.define(models["outside"], FakeModel((a,), (total,), _weighed))


def serialized(graph: onnx.GraphProto, opset: int = 17) -> bytes:
    """Return a checked model, by default of an opset and format that every engine reads."""
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8)
    onnx.checker.check_model(model)
    data: bytes = model.SerializeToString()
    return data


def _echoes(element: int) -> bytes:
    info = helper.make_tensor_value_info
    return serialized(
        helper.make_graph(
            [helper.make_node("Identity", [name], [f"{name}_out"]) for name in SHAPES],
            "echoes",
            [info(name, element, shape) for name, shape in SHAPES.items()],
            [info(f"{name}_out", element, shape) for name, shape in SHAPES.items()],
        )
    )


def _compare() -> bytes:
    info = helper.make_tensor_value_info
    nodes = [
        helper.make_node("Less", ["a", "b"], ["less"]),
        helper.make_node("Add", ["a", "b"], ["sum"]),
    ]
    inputs = [info("a", TensorProto.FLOAT, ["n"]), info("b", TensorProto.FLOAT, [1])]
    outputs = [info("less", TensorProto.BOOL, ["n"]), info("sum", TensorProto.FLOAT, ["n"])]
    one = helper.make_tensor("b", TensorProto.FLOAT, [1], [1.0])
    return serialized(helper.make_graph(nodes, "compare", inputs, outputs, [one]))


def _outside() -> bytes:
    a, total = (helper.make_value_info(name, _three()) for name in ("a", "sum"))
    weights = helper.make_tensor("w", TensorProto.FLOAT, [3], [0.0] * 3)
    add = helper.make_node("Add", ["a", "w"], ["sum"])
    model = onnx.load_model_from_string(
        serialized(helper.make_graph([add], "outside", [a], [total], [weights]))
    )
    # The checker would look for the file.
    outside = model.graph.initializer[0]
    outside.ClearField("float_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="weights/outside.bin")
    data: bytes = model.SerializeToString()
    return data


def _three() -> Any:
    return helper.make_tensor_type_proto(TensorProto.FLOAT, [3])


def _floats() -> Any:
    return helper.make_tensor_type_proto(TensorProto.FLOAT, [2])


def _sequence() -> Any:
    return helper.make_sequence_type_proto(_floats())


def _identity(kind: Any) -> bytes:
    return _one("Identity", kind, kind)


def _one(operator: str, given: Any, made: Any) -> bytes:
    x, y = helper.make_value_info("x", given), helper.make_value_info("y", made)
    node = helper.make_node(operator, ["x"], ["y"])
    return serialized(helper.make_graph([node], operator, [x], [y]))


def _echoed(feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {f"{name}_out": feed for name, feed in feeds.items()}


def _compared(feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
    values = feeds["a"].tolist()
    return {
        "less": Tensor.of("bool", [value < 1 for value in values]),
        "sum": Tensor.float32([value + 1 for value in values]),
    }


def _weighed(feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
    pairs = zip(feeds["a"].tolist(), (1, 2, 3), strict=True)
    return {"sum": Tensor.float32([value + weight for value, weight in pairs])}
