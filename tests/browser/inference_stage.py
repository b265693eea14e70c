"""Inference as a page meets it: models for one purpose each, a task that runs them, faults."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import TensorProto, helper
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from .edge_page import EdgePage
from .lanes import graph_model
from .site import SYSTEM, Model, Task, write_site

SQUARE = (512, 512)
ASK = """
from array import array
from math import prod

from edge_runtime.task import Tensor

async def run(ctx, activation):
    ask = activation.ext_data
    if ask.get("release"):
        return await ctx.release(ask["model"])
    shape = tuple(ask["shape"])
    x = Tensor("float32", shape, (array("f", [ask["value"]]) * prod(shape)).tobytes())
    outputs = await ctx.infer(ask["model"], {"x": x})
    return outputs["y"].tolist()[:2]
"""
KNOWN = """(it) => {
  const plans = NAMES.flatMap((name) => it.models[name].plans);
  return plans.length && plans.every(({ ms, refused }) => ms !== null || refused !== null);
}"""
# Lets a test act inside inference workers: they obey code from a channel and keep the GPU device.
OBEY = """
if (self.GPUAdapter) {
  const { requestDevice } = GPUAdapter.prototype;
  GPUAdapter.prototype.requestDevice = async function (...args) {
    return (self.testDevice = await requestDevice.apply(this, args));
  };
}
new BroadcastChannel("test").onmessage = ({ data: { lane, code } }) => {
  if (!self.name.endsWith(lane)) return;
  self.eval(code);
  new BroadcastChannel("done").postMessage("");
};
"""
TELL = """(order) => new Promise((resolve) => {
  new BroadcastChannel("done").onmessage = resolve;
  new BroadcastChannel("test").postMessage(order);
})"""


def order(model: str, shape: Sequence[int], value: float = 1) -> dict[str, Any]:
    """Return what ``EdgeAI.infer`` takes to run a model on ``x`` of one value."""
    ext = {"model": model, "shape": list(shape), "value": value}
    return {"systemCode": SYSTEM, "businessCode": "ask", "extData": ext}


class PrefixedWorker:
    """The runtime's server, whose inference workers run some code before their own.

    Args:
        app: The server.
        script: The built worker.
        code: What comes first.
    """

    def __init__(self, app: ASGIApp, script: Path, code: str) -> None:
        self._app = app
        self._script = script
        self._code = code

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        app = self._app
        if scope["type"] == "http" and scope["path"].endswith(self._script.name):
            text = f"{self._code}\n{self._script.read_text()}"
            app = Response(text, media_type="text/javascript")
        await app(scope, receive, send)


def write_models_site(
    folder: Path, models: Mapping[str, bytes | Model], config: Mapping[str, Any]
) -> Path:
    """Write a site with models and the task ``ask``, which runs any of them."""
    options = {"models": list(models), "timeout_ms": 100_000}
    task = Task("Ask", "ask", ASK, options)
    return write_site(folder, tasks=[task], models=models, config=config)


def cnn(layers: int = 2, channels: int = 64, size: int = 56) -> bytes:
    """Return convolutions of ``x[1, channels, size, size]``: WebNN is many times faster."""
    random = np.random.default_rng(1)
    shape = (channels, channels, 3, 3)
    scale = (channels * 9) ** -0.5
    weights = {f"w{i}": (random.normal(0, scale, shape)).astype(np.float32) for i in range(layers)}
    names = ["x", *(f"h{i}" for i in range(1, layers)), "y"]
    nodes = [
        helper.make_node("Conv", [names[i], f"w{i}"], [names[i + 1]], pads=[1, 1, 1, 1])
        for i in range(layers)
    ]
    whole = [1, channels, size, size]
    return graph_model(nodes, (whole, whole), weights)


def looping(count: int) -> bytes:
    """Return a model that multiplies ``x[512, 512]`` of ones so often, and one of zeros once."""
    body = helper.make_graph(
        [
            helper.make_node("MatMul", ["before", "before"], ["product"]),
            helper.make_node("Tanh", ["product"], ["after"]),
            helper.make_node("ReduceMax", ["after"], ["greatest"], keepdims=0),
            helper.make_node("Cast", ["greatest"], ["going"], to=TensorProto.BOOL),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", TensorProto.INT64, []),
            helper.make_tensor_value_info("go", TensorProto.BOOL, []),
            helper.make_tensor_value_info("before", TensorProto.FLOAT, SQUARE),
        ],
        [
            helper.make_tensor_value_info("going", TensorProto.BOOL, []),
            helper.make_tensor_value_info("after", TensorProto.FLOAT, SQUARE),
        ],
    )
    constants = {"count": np.array(count, np.int64), "true": np.array(True)}
    loop = helper.make_node("Loop", ["count", "true", "x"], ["y"], body=body)
    return graph_model([loop], (SQUARE, SQUARE), constants)


class InferencePage(EdgePage):
    """An open page whose one task runs any model."""

    def ask(self, model: str, shape: Sequence[int], value: float = 1, **options: Any) -> Any:
        """Return ``{"ok": Result}`` or ``{"error": …}``."""
        return self.infer("ask", order(model, shape, value)["extData"], **options)

    def run(self, model: str, shape: Sequence[int], value: float = 1) -> tuple[Any, dict[str, Any]]:
        """Return the first two numbers of ``y``, and where it ran."""
        settled = self.ask(model, shape, value)
        assert "ok" in settled, settled
        return settled["ok"]["value"], settled["ok"]["backend"][model]

    def run_all(self, *orders: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Call :meth:`infer` for all at once and return how each ended."""
        code = "(orders) => Promise.all(orders.map((each) => settle(EdgeAI.infer(each))))"
        ended: list[dict[str, Any]] = self.page.evaluate(code, orders)
        return ended

    def statistics(self) -> dict[str, Any]:
        settled = self.call("statistics")
        assert "ok" in settled, settled
        found: dict[str, Any] = settled["ok"]
        return found

    def until_figures(self, condition: str) -> dict[str, Any]:
        """Return the figures when they meet a condition, a function in JavaScript."""
        found: dict[str, Any] = self.page.evaluate(
            f"""async () => {{
              const condition = {condition};
              for (;;) {{
                const statistics = await EdgeAI.statistics();
                if (condition(statistics)) return statistics;
              }}
            }}"""
        )
        return found

    def measured(self, *models: str) -> dict[str, Any]:
        """Return the figures when all plans of ``models`` are measured or refused."""
        return self.until_figures(KNOWN.replace("NAMES", json.dumps(models)))

    def tell(self, lane: str, code: str) -> None:
        """Have code run inside the worker of a lane."""
        self.page.evaluate(TELL, {"lane": lane, "code": code})
