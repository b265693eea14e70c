"""infer.mlp_overhead_ms: a task's inference seen from the page, over onnxruntime-web alone."""

import json
from pathlib import Path

import numpy as np
from playwright.sync_api import Browser

from tests.browser.site import SYSTEM, Task

from .harness import ASSETS, DIST, fresh_page, p50, p99, served
from .report import Measure
from .sites import MLP_ROWS, MLP_WIDTHS, mlp, plain_site

ROUNDS, RUNS_A_ROUND = 6, 60

TASK = """
from edge_runtime.task import Tensor

async def run(ctx, activation):
    x = Tensor("float32", (50, 64), activation.ext_data["x"])
    outputs = await ctx.infer("mlp", {"x": x})
    return outputs["y"].data
"""

PAGE_RUNS = """async ([system, count]) => {
  const total = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    const call = { systemCode: system, businessCode: "mlp", extData: { x: input } };
    const { value } = await EdgeAI.infer(call);
    total.push(performance.now() - started);
    window.edgeOutput = [...new Float32Array(value.slice().buffer)];
  }
  return total;
}"""

RAW_RUNS = """async (count) => {
  const inside = [], roundTrip = [];
  for (let i = 0; i < count; i++) {
    const started = performance.now();
    const feeds = [{ name: "x", dtype: "float32", data: input, shape: [50, 64] }];
    const { runMs, outputs } = await ask(ort, { method: "run", feeds });
    roundTrip.push(performance.now() - started);
    inside.push(runMs);
    window.rawOutput = [...outputs[0]];
  }
  return { inside, roundTrip };
}"""


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Run both in turns on one page; the first round of each warms up and is dropped."""
    assets = json.loads((DIST / "manifest.json").read_text())["assets"]
    task = Task("Mlp", "mlp", TASK, {"models": ["mlp"]})
    extra = [ASSETS / "ort-worker.js", ASSETS / "peers.js"]
    site = plain_site(folder, tasks=[task], models={"mlp": mlp()}, extra=extra)
    edge_ms: list[float] = []
    raw_ms: list[float] = []
    raw_round_trip_ms: list[float] = []
    with served(site, isolated=True) as server, fresh_page(browser) as page:
        page.goto(server.url)
        page.evaluate("async () => { await EdgeAI.start({ config: '/config.json' }); }")
        page.evaluate(
            "(values) => { window.input = new Float32Array(values); }",
            input_rows().ravel().tolist(),
        )
        page.evaluate(
            """async ([ortDir, system]) => {
              const first = { systemCode: system, businessCode: "mlp", extData: { x: input } };
              const { threads } = (await EdgeAI.infer(first)).backend.mlp;
              window.ort = await startWorker("/ort-worker.js");
              await ask(ort, { method: "open", ortDir, model: "/models/mlp.onnx", threads });
            }""",
            [f"/edge/{assets['ort']}", SYSTEM],
        )
        for _ in range(ROUNDS + 1):
            edge_ms += page.evaluate(PAGE_RUNS, [SYSTEM, RUNS_A_ROUND])
            raw = page.evaluate(RAW_RUNS, RUNS_A_ROUND)
            raw_ms += raw["inside"]
            raw_round_trip_ms += raw["roundTrip"]
        same = page.evaluate(
            "() => rawOutput.every((value, i) => Math.abs(value - edgeOutput[i]) < 1e-5)"
        )
    if not same:
        raise RuntimeError("inference bench: expected equal outputs from both, got different ones")
    edge, raw_p50 = edge_ms[RUNS_A_ROUND:], p50(raw_ms[RUNS_A_ROUND:])
    details = {
        "page_p50_ms": round(p50(edge), 3),
        "page_p99_ms": round(p99(edge), 3),
        "raw_p50_ms": round(raw_p50, 3),
        "raw_round_trip_p50_ms": round(p50(raw_round_trip_ms[RUNS_A_ROUND:]), 3),
    }
    peer = "onnxruntime-web 1.30.0, in its worker"
    return [Measure("infer.mlp_overhead_ms", p50(edge) - raw_p50, 3, peer, details=details)]


def input_rows() -> np.ndarray:
    """Return seeded float32 input ``[50, 64]``."""
    return np.random.default_rng(3).normal(size=(MLP_ROWS, MLP_WIDTHS[0])).astype(np.float32)
