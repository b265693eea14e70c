"""The models of the inference figures: 0.1 to 23 MB, made here from seeds or the demo's own."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw, ImageFont

from .harness import ROOT
from .sites import MLP_ROWS, MLP_WIDTHS, mlp

DEMO_MODELS: Final = ROOT / "demo_h5" / "models"
CNN_CHANNELS: Final = (3, 32, 64, 128, 256, 256)
CNN_SIZE: Final = 96
TEXT_SIZE: Final = 320
TOWER_WIDTH: Final = 1024
TOWER_LAYERS: Final = 5
TOWER_ROWS: Final = 16


@dataclass(frozen=True)
class BenchModel:
    """An ONNX file with feeds.

    Attributes:
        name: As tasks call it.
        data: The file.
        feeds: By input.
        is_cnn: Whether it is what WebNN is good at.
        dimensions: Sizes of named axes.
        mismatches: Share of outputs that are no floats in which a backend may differ from
            onnxruntime; None: it needs no golden file.
    """

    name: str
    data: bytes
    feeds: Mapping[str, NDArray[np.generic]]
    is_cnn: bool = False
    dimensions: Mapping[str, int] = field(default_factory=dict)
    mismatches: float | None = None

    @property
    def sha256(self) -> str:
        """Return the file's digest."""
        return hashlib.sha256(self.data).hexdigest()

    def golden(self) -> dict[str, Any]:
        """Return its golden file: what onnxruntime answers."""
        session = onnxruntime.InferenceSession(self.data)
        names = [output.name for output in session.get_outputs()]
        outputs = session.run(names, dict(self.feeds))
        case = {
            "inputs": {name: _written(array) for name, array in self.feeds.items()},
            "outputs": {name: _written(array) for name, array in zip(names, outputs, strict=True)},
        }
        tolerance = {"fp32": {"mismatches": self.mismatches}}
        return {"sha256": self.sha256, "tolerance": tolerance, "cases": [case]}


def all_models() -> list[BenchModel]:
    """Return them, the smallest first.

    Raises:
        FileNotFoundError: The demo was not built.
    """
    return [mlp_model(), ranker(), cnn(), text_detector(), classifier(), tower(), sentence()]


def mlp_model() -> BenchModel:
    """Return the MLP, 0.1 MB: what an inference costs when the engine has nothing to do."""
    x = np.random.default_rng(3).normal(size=(MLP_ROWS, MLP_WIDTHS[0])).astype(np.float32)
    return BenchModel("mlp", mlp(), {"x": x})


def ranker() -> BenchModel:
    """Return the demo's ranking model, 0.5 MB, with the shapes the shop uses."""
    data = (DEMO_MODELS / "ranker.onnx").read_bytes()
    rng = np.random.default_rng(4)
    feeds = {
        each.name: rng.integers(1, 500, _shape(each, 60)).astype(
            helper.tensor_dtype_to_np_dtype(each.type.tensor_type.elem_type)
        )
        for each in onnx.load_from_string(data).graph.input
    }
    return BenchModel("ranker", data, feeds)


def classifier() -> BenchModel:
    """Return the demo's photo classifier, int8, 4.8 MB."""
    data = _built("classifier.onnx").read_bytes()
    image = np.random.default_rng(5).integers(0, 256, (1, 224, 224, 3)).astype(np.uint8)
    return BenchModel("classifier", data, {"image": image}, is_cnn=True)


def text_detector() -> BenchModel:
    """Return the demo's finder of text lines, 4.7 MB, on a picture with some, of fixed size."""
    data = _built("text-detector.onnx").read_bytes()
    picture = Image.new("RGB", (TEXT_SIZE, TEXT_SIZE), "white")
    draw = ImageDraw.Draw(picture)
    for line in range(4):
        draw.text((20, 20 + 75 * line), f"text line {line}", "black", ImageFont.load_default(40))
    feeds = {"image": np.asarray(picture)[np.newaxis]}
    sizes = {"height": TEXT_SIZE, "width": TEXT_SIZE}
    # Its outputs are bytes: one that is rounded the other way is another value.
    return BenchModel("text-detector", data, feeds, True, sizes, mismatches=0.02)


def sentence() -> BenchModel:
    """Return the demo's MiniLM, int8, 23 MB, with twelve tokens."""
    data = _built("sentence.onnx").read_bytes()
    ids = np.random.default_rng(6).integers(1000, 20_000, (1, 12))
    ones, zeros = np.ones_like(ids), np.zeros_like(ids)
    feeds = {"input_ids": ids, "attention_mask": ones, "token_type_ids": zeros}
    return BenchModel("sentence", data, feeds)


def cnn() -> BenchModel:
    """Return a float32 CNN of 3x3 convolutions, ReLU and pooling, 4 MB, for ``[1, 3, 96, 96]``."""
    rng = np.random.default_rng(8)
    nodes, weights, value = [], [], "x"
    for layer, (fan_in, fan_out) in enumerate(zip(CNN_CHANNELS, CNN_CHANNELS[1:], strict=False)):
        kernel = rng.normal(0, (9 * fan_in) ** -0.5, (fan_out, fan_in, 3, 3)).astype(np.float32)
        weights.append(numpy_helper.from_array(kernel, f"k{layer}"))
        stride = 2 if layer else 1
        nodes += [
            helper.make_node(
                "Conv", [value, f"k{layer}"], [f"c{layer}"], pads=[1] * 4, strides=[stride] * 2
            ),
            helper.make_node("Relu", [f"c{layer}"], [f"r{layer}"]),
        ]
        value = f"r{layer}"
    nodes.append(helper.make_node("GlobalAveragePool", [value], ["y"]))
    data = _model("cnn", nodes, weights, [1, 3, CNN_SIZE, CNN_SIZE], [1, CNN_CHANNELS[-1], 1, 1])
    x = rng.normal(size=(1, 3, CNN_SIZE, CNN_SIZE)).astype(np.float32)
    return BenchModel("cnn", data, {"x": x}, is_cnn=True)


def tower() -> BenchModel:
    """Return five float32 layers of 1024x1024 with ReLU, 21 MB, for ``[16, 1024]``."""
    rng = np.random.default_rng(9)
    nodes, weights, value = [], [], "x"
    for layer in range(TOWER_LAYERS):
        matrix = rng.normal(0, TOWER_WIDTH**-0.5, (TOWER_WIDTH, TOWER_WIDTH)).astype(np.float32)
        weights.append(numpy_helper.from_array(matrix, f"w{layer}"))
        is_last = layer == TOWER_LAYERS - 1
        nodes += [
            helper.make_node("MatMul", [value, f"w{layer}"], [f"z{layer}"]),
            helper.make_node("Relu", [f"z{layer}"], ["y" if is_last else f"h{layer}"]),
        ]
        value = f"h{layer}"
    shape = [TOWER_ROWS, TOWER_WIDTH]
    x = rng.normal(size=shape).astype(np.float32)
    return BenchModel("tower", _model("tower", nodes, weights, shape, shape), {"x": x})


def _model(
    name: str,
    nodes: list[onnx.NodeProto],
    weights: list[onnx.TensorProto],
    x_shape: list[int],
    y_shape: list[int],
) -> bytes:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, x_shape)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, y_shape)
    graph = helper.make_graph(nodes, name, [x], [y], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def _written(array: NDArray[np.generic]) -> dict[str, Any]:
    return {"shape": list(array.shape), "values": array.ravel().tolist()}


def _shape(value: onnx.ValueInfoProto, dynamic: int) -> list[int]:
    """Return a declared shape, with ``dynamic`` where it names no size."""
    return [axis.dim_value or dynamic for axis in value.type.tensor_type.shape.dim]


def _built(name: str) -> Path:
    path = DEMO_MODELS / "built" / name
    if not path.exists():
        raise FileNotFoundError(f"{path.relative_to(ROOT)}: run `make demo-site` first.")
    return path
