"""EfficientNet-Lite0 as one ONNX file: pixels in, class probabilities and an embedding out.

Source: the TensorFlow TPU repository's EfficientNet-lite (no squeeze-and-excite, ReLU6, fixed stem
and head), after Tan and Le, "EfficientNet", ICML 2019. Weights are stored as int8 with one scale a
channel (a quarter of the bytes) and computed with in float32.

Input ``image`` uint8 [1, 224, 224, 3] RGB; outputs ``probs`` float32 [1, 1000] and ``embedding``
float32 [1, 1280]. Opset 13.
"""

from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from demo_h5.models.quantise import BatchNorm, fold, quantise

OPSET = 13
IR_VERSION = 8
SIDE_PIXELS = 224
CLASSES = 1000
EMBEDDING_WIDTH = 1280
PIXEL_MEAN = 127.0
PIXEL_SCALE = 1 / 128
NORM_EPSILON = 1e-3

Array = NDArray[Any]


class Stage(NamedTuple):
    """Inverted-residual blocks of one shape; the stride is the first block's."""

    blocks: int
    kernel: int
    stride: int
    expands: bool


STAGES = (
    Stage(1, 3, 1, False),
    Stage(2, 3, 2, True),
    Stage(2, 5, 2, True),
    Stage(3, 3, 2, True),
    Stage(3, 5, 1, True),
    Stage(4, 5, 2, True),
    Stage(1, 3, 1, True),
)


class _Graph:
    """Nodes and constants of the growing graph; methods return the name of what they made."""

    def __init__(self, weights: dict[str, Array]) -> None:
        self.weights = weights
        self.nodes: list[onnx.NodeProto] = []
        self.constants: list[onnx.TensorProto] = []

    def constant(self, name: str, value: Array) -> str:
        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def node(self, operator: str, inputs: list[str], output: str, **attributes: Any) -> str:
        self.nodes.append(helper.make_node(operator, inputs, [output], name=output, **attributes))
        return output

    def weight(self, name: str, value: Array) -> str:
        """Store a weight as int8 and its scales; nodes turn it into float32 again.

        Cast and Mul of constants are folded once, when the model is opened. DequantizeLinear is
        not: it would run at every inference (measured: 41 ms against 11 ms on one CPU thread).
        """
        packed = quantise(value)
        values = self.constant(f"{name}.int8", packed.values)
        scales = self.constant(f"{name}.scale", packed.scales)
        whole = self.node("Cast", [values], f"{name}.whole", to=TensorProto.FLOAT)
        return self.node("Mul", [whole, scales], f"{name}.float")

    def convolution(
        self, source: str, name: str, norm: str, stride: int = 1, clip: bool = True
    ) -> str:
        """Add a convolution with the batch norm behind it folded in, and ReLU6 unless told not."""
        raw = self.weights[f"{name}.weight"]
        weight, bias = fold(raw, self._norm(norm))
        groups = len(raw) if "depthwise" in name else 1
        inputs = [source, self.weight(name, weight), self.constant(f"{name}.bias", bias)]
        output = self.node(
            "Conv",
            inputs,
            f"{name}.out",
            kernel_shape=list(raw.shape[2:]),
            strides=[stride, stride],
            group=groups,
            auto_pad="SAME_UPPER",
        )
        return self.node("Clip", [output, "zero", "six"], f"{name}.relu6") if clip else output

    def _norm(self, name: str) -> BatchNorm:
        return BatchNorm(
            scale=self.weights[f"{name}.weight"],
            shift=self.weights[f"{name}.bias"],
            mean=self.weights[f"{name}.running_mean"],
            variance=self.weights[f"{name}.running_var"],
            epsilon=NORM_EPSILON,
        )


def classifier_bytes(weights: dict[str, Array]) -> bytes:
    """Return the checked ONNX file for a state dictionary of EfficientNet-Lite0."""
    graph = _Graph(weights)
    graph.constant("zero", np.array(0, np.float32))
    graph.constant("six", np.array(6, np.float32))
    trunk = graph.convolution(_pixels(graph), "_conv_stem", "_bn0", stride=2)
    block = 0
    for stage in STAGES:
        for repeat in range(stage.blocks):
            stride = stage.stride if repeat == 0 else 1
            trunk = _block(graph, trunk, f"_blocks.{block}.", stage, stride, repeat > 0)
            block += 1
    trunk = graph.convolution(trunk, "_conv_head", "_bn1")
    _head(graph, trunk)
    return _serialise(graph)


def _pixels(graph: _Graph) -> str:
    """Scale uint8 pixels to about -1 … 1 and put the channels first."""
    graph.constant("pixel_mean", np.array(PIXEL_MEAN, np.float32))
    graph.constant("pixel_scale", np.array(PIXEL_SCALE, np.float32))
    graph.node("Cast", ["image"], "pixels", to=TensorProto.FLOAT)
    graph.node("Sub", ["pixels", "pixel_mean"], "centred")
    graph.node("Mul", ["centred", "pixel_scale"], "scaled")
    return graph.node("Transpose", ["scaled"], "channels_first", perm=[0, 3, 1, 2])


def _block(
    graph: _Graph, source: str, prefix: str, stage: Stage, stride: int, residual: bool
) -> str:
    """Expand, filter each channel, project; add the input where shapes allow it."""
    inner = source
    if stage.expands:
        inner = graph.convolution(inner, f"{prefix}_expand_conv", f"{prefix}_bn0")
    inner = graph.convolution(inner, f"{prefix}_depthwise_conv", f"{prefix}_bn1", stride)
    inner = graph.convolution(inner, f"{prefix}_project_conv", f"{prefix}_bn2", clip=False)
    return graph.node("Add", [inner, source], f"{prefix}sum") if residual else inner


def _head(graph: _Graph, source: str) -> None:
    graph.node("GlobalAveragePool", [source], "pooled")
    graph.node("Flatten", ["pooled"], "embedding", axis=1)
    weight = graph.weight("_fc", graph.weights["_fc.weight"])
    bias = graph.constant("_fc.bias", graph.weights["_fc.bias"])
    graph.node("Gemm", ["embedding", weight, bias], "logits", transB=1)
    graph.node("Softmax", ["logits"], "probs", axis=1)


def _serialise(graph: _Graph) -> bytes:
    image = [1, SIDE_PIXELS, SIDE_PIXELS, 3]
    proto = helper.make_graph(
        graph.nodes,
        "photo_classifier",
        [helper.make_tensor_value_info("image", TensorProto.UINT8, image)],
        [
            helper.make_tensor_value_info("probs", TensorProto.FLOAT, [1, CLASSES]),
            helper.make_tensor_value_info("embedding", TensorProto.FLOAT, [1, EMBEDDING_WIDTH]),
        ],
        graph.constants,
    )
    model = helper.make_model(proto, opset_imports=[helper.make_opsetid("", OPSET)])
    model.ir_version = IR_VERSION
    model.producer_name = "demo_h5.models"
    onnx.checker.check_model(model, full_check=True)
    return bytes(model.SerializeToString(deterministic=True))
