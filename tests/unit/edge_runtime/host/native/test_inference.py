"""onnxruntime under CPython: what a model is refused for, in words."""

import asyncio

import pytest
from edge_runtime.errors import HostError
from edge_runtime.host.native.inference import OnnxInference
from edge_runtime.host.native.network import FileNetwork
from edge_runtime.tensor import Tensor
from onnx import TensorProto, helper

from tests.contract.lanes import LANE, open_model
from tests.contract.tensor_models import serialized, tensor_models

MODELS = tensor_models()


def engine() -> OnnxInference:
    """Return an engine that fetches nothing."""
    return OnnxInference(FileNetwork(None))


def refused(data: bytes, **external: bytes) -> str:
    """Return the message of an opening that must fail."""
    with pytest.raises(HostError) as error:
        asyncio.run(open_model(engine(), "m", data, external))
    assert error.value.code == "inference-failed"
    return error.value.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("refused_bfloat16", "m, x: expected one of float32, .*, string, got tensor.bfloat16."),
        ("refused_sequence", r"m, x: expected one of .*, got seq\(tensor\(float\)\)"),
        ("refused_optional", r"m, x: expected one of .*, got optional\(tensor\(float\)\)"),
        ("refused_output", r"m, y: expected one of .*, got seq\(tensor\(float\)\)"),
    ],
)
def test_what_is_no_tensor_of_a_known_dtype_is_refused_by_name(name: str, message: str) -> None:
    with pytest.raises(HostError, match=message):
        asyncio.run(open_model(engine(), "m", MODELS[name]))


def test_weights_that_are_missing_are_named() -> None:
    assert "weights/outside.bin" in refused(MODELS["outside"])
    assert "outside.bin" in refused(MODELS["outside"], other=bytes(12))


def test_a_text_with_nul_that_a_model_makes_is_the_models_failure() -> None:
    text = helper.make_tensor("t", TensorProto.STRING, [1], [b"a\0b"])
    made = helper.make_value_info("y", helper.make_tensor_type_proto(TensorProto.STRING, [1]))
    node = helper.make_node("Constant", [], ["y"], value=text)
    data = serialized(helper.make_graph([node], "texts", [], [made]))

    async def run() -> None:
        inference = engine()
        await open_model(inference, "m", data)
        await inference.run(LANE, "m", dict[str, Tensor]())

    with pytest.raises(HostError, match=r"m, y: expected an output that is a tensor.*without NUL"):
        asyncio.run(run())
