"""Models made on the spot: one per property that the tool looks at."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

FLOAT, INT64 = TensorProto.FLOAT, TensorProto.INT64
RNG_SEED = 5


def model(
    nodes: Sequence[onnx.NodeProto],
    inputs: Sequence[tuple[str, int, Sequence[Any]]],
    outputs: Sequence[tuple[str, int, Sequence[Any]]],
    constants: dict[str, Any] | None = None,
    opset: int = 17,
    ir_version: int = 8,
    domains: Sequence[str] = (),
) -> onnx.ModelProto:
    graph = helper.make_graph(
        nodes,
        "made",
        [helper.make_tensor_value_info(*each) for each in inputs],
        [helper.make_tensor_value_info(*each) for each in outputs],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    imports = [helper.make_opsetid("", opset), *(helper.make_opsetid(each, 1) for each in domains)]
    made = helper.make_model(graph, opset_imports=imports)
    made.ir_version = ir_version
    return made


def saved(proto: onnx.ModelProto, path: Path) -> Path:
    onnx.save(proto, str(path))
    return path


def mlp(batch: int | str = 4, width: int = 64) -> onnx.ModelProto:
    """Two layers of 64 and 96 units: large enough that each variant is smaller."""
    rng = np.random.default_rng(RNG_SEED)
    weights = {
        "w1": rng.normal(0, 0.2, (width, 96)).astype(np.float32),
        "b1": rng.normal(0, 0.2, 96).astype(np.float32),
        "w2": rng.normal(0, 0.2, (96, 10)).astype(np.float32),
    }
    nodes = [
        helper.make_node("MatMul", ["x", "w1"], ["h"], "first"),
        helper.make_node("Add", ["h", "b1"], ["hb"], "bias"),
        helper.make_node("Relu", ["hb"], ["r"], "relu"),
        helper.make_node("MatMul", ["r", "w2"], ["y"], "second"),
    ]
    return model(nodes, [("x", FLOAT, [batch, width])], [("y", FLOAT, [batch, 10])], weights)


def one_node(
    operator: str,
    inputs: Sequence[tuple[str, int, Sequence[Any]]],
    output: tuple[str, int, Sequence[Any]],
    constants: dict[str, Any] | None = None,
    **more: Any,
) -> onnx.ModelProto:
    """Return a model of one operator whose inputs are the feeds, then the constants."""
    attributes = more.pop("attributes", {})
    domain = more.get("domains", [""])[0]
    names = [name for name, *_ in inputs] + list(constants or {})
    node = helper.make_node(operator, names, [output[0]], "only", domain=domain, **attributes)
    return model([node], inputs, [output], constants, **more)
