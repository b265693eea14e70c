"""Write the trained network as one ONNX graph that needs nothing but ids.

Inputs ``hist`` int64 [20] (0 = empty, newest last) and ``cand`` int64 [n]; output ``score`` float32
[n], the sigmoid of the logit. Popularity, price, categories and embeddings are in the graph.
Opset 13 and only operators of the default wasm build.
"""

from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from demo_h5.models.din import EXCLUDED, Inputs, Parameters
from demo_h5.models.sessions import HISTORY_LENGTH

OPSET = 13
IR_VERSION = 8
Array = NDArray[np.generic]

# (operator, inputs, output, attributes): what the forward pass in din.py does, for one history.
GRAPH: tuple[tuple[str, str, str, dict[str, Any]], ...] = (
    ("Gather", "item_category hist", "hist_category", {}),
    ("Gather", "item_category cand", "cand_category", {}),
    ("Gather", "item hist", "hist_item_vector", {}),
    ("Gather", "category hist_category", "hist_category_vector", {}),
    ("Concat", "hist_item_vector hist_category_vector", "seen", {"axis": 1}),
    ("Gather", "item cand", "cand_item_vector", {}),
    ("Gather", "category cand_category", "cand_category_vector", {}),
    ("Concat", "cand_item_vector cand_category_vector", "shown", {"axis": 1}),
    ("Mul", "shown attention", "query", {}),
    ("Transpose", "seen", "seen_transposed", {"perm": [1, 0]}),
    ("MatMul", "query seen_transposed", "similarity", {}),
    ("Add", "similarity recency", "biased", {}),
    ("Equal", "hist zero", "empty", {}),
    ("Where", "empty excluded biased", "attended", {}),
    ("Softmax", "attended", "weights", {"axis": 1}),
    ("MatMul", "weights seen", "interest", {}),
    ("Mul", "interest shown", "product", {}),
    ("Not", "empty", "filled", {}),
    ("Unsqueeze", "cand last_axis", "cand_column", {}),
    ("Equal", "cand_column hist", "item_equal", {}),
    ("And", "item_equal filled", "item_match", {}),
    ("Cast", "item_match", "same_item", {"to": TensorProto.FLOAT}),
    ("Unsqueeze", "cand_category last_axis", "category_column", {}),
    ("Equal", "category_column hist_category", "category_equal", {}),
    ("And", "category_equal filled", "category_match", {}),
    ("Cast", "category_match", "same_category", {"to": TensorProto.FLOAT}),
    ("ReduceSum", "same_item last_axis", "item_count", {"keepdims": 1}),
    ("Add", "item_count one", "item_count_1", {}),
    ("Log", "item_count_1", "item_seen", {}),
    ("ReduceSum", "same_category last_axis", "category_count", {"keepdims": 1}),
    ("Add", "category_count one", "category_count_1", {}),
    ("Log", "category_count_1", "category_seen", {}),
    ("MatMul", "same_item item_recency", "item_recent", {}),
    ("MatMul", "same_category category_recency", "category_recent", {}),
    ("Gather", "static cand", "cand_static", {}),
    (
        "Concat",
        "shown interest product cand_static item_seen category_seen item_recent category_recent",
        "x",
        {"axis": 1},
    ),
    ("Gemm", "x w1 b1", "sum1", {}),
    ("Relu", "sum1", "hidden1", {}),
    ("Gemm", "hidden1 w2 b2", "sum2", {}),
    ("Relu", "sum2", "hidden2", {}),
    ("Gemm", "hidden2 w3 b3", "logit", {}),
    ("Sigmoid", "logit", "probability", {}),
    ("Squeeze", "probability last_axis", "score", {}),
)


def ranker_bytes(parameters: Parameters, inputs: Inputs) -> bytes:
    """Return the checked ONNX file of a trained ranker."""
    nodes = [
        helper.make_node(operator, names.split(), [output], name=output, **attributes)
        for operator, names, output, attributes in GRAPH
    ]
    graph = helper.make_graph(
        nodes,
        "feed_ranker",
        [
            helper.make_tensor_value_info("hist", TensorProto.INT64, [HISTORY_LENGTH]),
            helper.make_tensor_value_info("cand", TensorProto.INT64, ["n"]),
        ],
        [helper.make_tensor_value_info("score", TensorProto.FLOAT, ["n"])],
        [numpy_helper.from_array(value, name) for name, value in constants(parameters, inputs)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    model.producer_name = "demo_h5.models"
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def constants(parameters: Parameters, inputs: Inputs) -> list[tuple[str, Array]]:
    """Return the graph's initializers by name, in the shapes the graph needs."""
    learnt: dict[str, Array] = {
        name: np.ascontiguousarray(value, np.float32) for name, value in parameters.items()
    }
    for name in ("item_recency", "category_recency"):
        learnt[name] = learnt[name].reshape(-1, 1)
    fixed: dict[str, Array] = {
        "item_category": inputs.category.astype(np.int32),
        "static": np.ascontiguousarray(inputs.static, np.float32),
        "zero": np.array(0, np.int64),
        "one": np.array(1, np.float32),
        "last_axis": np.array([1], np.int64),
        "excluded": np.array(EXCLUDED, np.float32),
    }
    return [*learnt.items(), *fixed.items()]
