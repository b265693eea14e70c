"""A page with the inference lanes alone: no Python between a test and the workers."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import NodeProto, TensorProto, helper, numpy_helper
from playwright.sync_api import Page

from .bundle import bundle_worker
from .site import double_model

ROOT = Path(__file__).parents[2]
WASM = {"backend": "wasm", "build": "wasm", "threads": 1}
WEBGPU = {"backend": "webgpu", "build": "jspi", "threads": 1}
WEBNN = {"backend": "webnn", "device": "cpu", "build": "jspi", "threads": 1}


def graph_model(
    nodes: Sequence[NodeProto],
    shapes: tuple[Sequence[int | str], Sequence[int | str]],
    constants: Mapping[str, np.ndarray] | None = None,
) -> bytes:
    """Return a model from float32 ``x`` to float32 ``y`` of these shapes."""
    graph = helper.make_graph(
        list(nodes),
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shapes[0])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shapes[1])],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)])
    model.ir_version = 8
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def matmul(rows: int | str) -> bytes:
    """Return ``y = x @ w`` for ``x[rows, 4]``; all weights are one half."""
    weights = {"w": np.full((4, 4), 0.5, np.float32)}
    return graph_model(
        [helper.make_node("MatMul", ["x", "w"], ["y"])], ([rows, 4], [rows, 4]), weights
    )


def filled() -> bytes:
    """Return a model that makes a tensor of the size that ``x`` asks for."""
    nodes = [
        helper.make_node("Cast", ["x"], ["size"], to=TensorProto.INT64),
        helper.make_node(
            "ConstantOfShape",
            ["size"],
            ["filled"],
            value=helper.make_tensor("value", TensorProto.FLOAT, [1], [1.0]),
        ),
        helper.make_node("ReduceSum", ["filled"], ["y"], keepdims=0),
    ]
    return graph_model(nodes, (["n"], []))


def slow() -> bytes:
    """Return a model that multiplies ``x[512, 512]`` a few thousand times."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["before", "before"], ["product"]),
            helper.make_node("Tanh", ["product"], ["after"]),
            helper.make_node("Identity", ["go"], ["going"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, [512, 512]),
        ],
        [
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, [512, 512]),
        ],
    )
    constants = {"count": np.array(100_000, np.int64), "true": np.array(True)}
    loop = helper.make_node("Loop", ["count", "true", "x"], ["y"], body=body)
    return graph_model([loop], ([512, 512], [512, 512]), constants)


def unique() -> bytes:
    """Return a model of the distinct numbers in ``x``, which no accelerator has an operator for."""
    return graph_model([helper.make_node("Unique", ["x"], ["y"])], (["n"], ["distinct"]))


def weighty() -> bytes:
    """Return ``y = x @ w`` for ``x[1, 1024]`` with 4 MiB of weights."""
    weights = {"w": np.full((1024, 1024), 0.5, np.float32)}
    product = helper.make_node("MatMul", ["x", "w"], ["y"])
    return graph_model([product], ([1, 1024], [1, 1024]), weights)


def write_parted(folder: Path) -> bytes:
    """Write the weights of :func:`matmul` to ``parted.bin`` and return the model without them."""
    onnx.save_model(
        onnx.load_from_string(matmul(2)),
        folder / "parted.onnx",
        save_as_external_data=True,
        location="parted.bin",
        size_threshold=0,
    )
    return (folder / "parted.onnx").read_bytes()


MODELS = {
    "double": double_model,
    "fixed": lambda: matmul(2),
    "again": lambda: matmul(2),
    "dynamic": lambda: matmul("rows"),
    "filled": filled,
    "slow": slow,
    "unique": unique,
    "weighty": weighty,
    "broken": lambda: b"not an onnx file",
}


def write_lanes_site(folder: Path) -> Path:
    """Fill ``folder`` with the page, its script and the models."""
    (folder / "models").mkdir(parents=True)
    models = {name: make() for name, make in MODELS.items()}
    for name, data in models.items():
        (folder / "models" / f"{name}.onnx").write_bytes(data)
    models["parted"] = write_parted(folder / "models")
    models["parted.bin"] = (folder / "models" / "parted.bin").read_bytes()
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in models.items()}
    (folder / "digests.js").write_text(f"globalThis.digests = {json.dumps(digests)};")
    bundle_worker(ROOT / "tests" / "browser" / "lanes-page.js", folder)
    (folder / "index.html").write_text(
        '<!doctype html><title>lanes</title><script src="digests.js"></script>'
        '<script type="module" src="lanes-page.js"></script>'
    )
    return folder


class Lanes:
    """Drives the page's ``inference``; what fails comes back as ``{"error": …}``."""

    def __init__(self, page: Page, url: str) -> None:
        self.page = page
        page.goto(url)

    def call(self, code: str, argument: Any = None) -> Any:
        return self.page.evaluate(f"async (it) => ended(({code})(it))", argument)

    def ok(self, code: str, argument: Any = None) -> Any:
        settled = self.call(code, argument)
        assert "ok" in settled, settled
        return settled["ok"]

    def error(self, code: str, argument: Any = None) -> dict[str, Any]:
        settled = self.call(code, argument)
        assert "error" in settled, settled
        error = settled["error"]
        assert isinstance(error, dict), error
        return error

    def open(self, lane: str, model: str, target: Mapping[str, Any]) -> dict[str, Any]:
        return self.ok("(it) => open(...it)", [lane, model, target])

    def run(self, lane: str, model: str, values: Sequence[float], shape: Sequence[int]) -> Any:
        return self.ok("(it) => run(...it)", [lane, model, list(values), list(shape)])
