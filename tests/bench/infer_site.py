"""A site with models and one task that runs them, and how the figures ask it and raw engines."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.sync_api import Browser, Page

from tests.browser.site import SYSTEM, Task
from web_runtime.browser import launch_options

from .harness import ASSETS, DIST
from .infer_models import BenchModel
from .sites import plain_site
from .tasks import inferring

PEER: Final = "onnxruntime-web 1.30.0 in its worker"
CALL: Final = {"systemCode": SYSTEM, "businessCode": "inferring"}
START: Final = """async () => {
  await inferBench.load();
  await EdgeAI.start({ config: "/config.json", capture: false });
}"""
SCRIPTS: Final = ("/edge/edge.js", "/peers.js", "/infer.js")


@dataclass(frozen=True)
class Way:
    """A backend as raw onnxruntime-web is told it; ``threads`` None: the engine's default."""

    key: str
    threads: int | None

    @property
    def options(self) -> dict[str, Any]:
        """Return what ``inferBench.openRaw`` wants: provider, build, threads."""
        kind, _, device = self.key.partition("-")
        provider = {"name": kind, "deviceType": device} if device else kind
        build = "wasm" if kind == "wasm" else "jspi"
        return {"provider": provider, "build": build, "threads": self.threads}


def infer_site(folder: Path, models: Sequence[BenchModel], inference: Mapping[str, Any]) -> Path:
    """Write a site with ``models``, their feeds, and the section ``inference``."""
    source = Path(inferring.__file__).read_text()
    options = {"timeout_ms": 120_000, "models": [model.name for model in models]}
    task = Task("Inferring", "inferring", source, options)
    data = {model.name: model.data for model in models}
    listed = {
        model.name: {
            "variants": [{"url": f"models/{model.name}.onnx", "sha256": model.sha256}],
            "dimensions": dict(model.dimensions),
            **({} if model.mismatches is None else {"golden": f"feeds/{model.name}.json"}),
        }
        for model in models
    }
    site = plain_site(
        folder,
        tasks=[task],
        models=data,
        config={"models": listed, "inference": dict(inference)},
        extra=[ASSETS / "infer-worker.js", ASSETS / "peers.js", ASSETS / "infer.js"],
        scripts=SCRIPTS,
    )
    write_feeds(site / "feeds", models)
    return site


def write_feeds(folder: Path, models: Sequence[BenchModel]) -> None:
    """Write each feed as its bytes, and what they are; golden files, too."""
    folder.mkdir()
    listed: dict[str, list[dict[str, Any]]] = {}
    for model in models:
        if model.mismatches is not None:
            (folder / f"{model.name}.json").write_text(json.dumps(model.golden()))
        for name, array in model.feeds.items():
            file = f"{model.name}-{name}.bin"
            (folder / file).write_bytes(np.ascontiguousarray(array).tobytes())
            feed = {"name": name, "dtype": str(array.dtype), "shape": array.shape, "file": file}
            listed.setdefault(model.name, []).append(feed)
    (folder / "feeds.json").write_text(json.dumps(listed))


def ort_dir() -> str:
    """Return the served folder of the engine's builds: the runtime's own files."""
    assets = json.loads((DIST / "manifest.json").read_text())["assets"]
    return f"/edge/{assets['ort']}"


@contextmanager
def accelerated(browser: Browser) -> Iterator[Browser]:
    """Start another browser like ``browser``, with WebNN and WebGPU."""
    other = browser.browser_type.launch(**launch_options(webgpu=True, webnn=True))
    try:
        yield other
    finally:
        other.close()


def edge_runs(page: Page, model: str, count: int, **options: Any) -> dict[str, Any]:
    """Have our task infer ``count`` times: ``timesMs``, ``backend``, ``elapsedMs`` of the call."""
    ask = "([call, model, count, options]) => inferBench.edge(call, model, count, options)"
    return dict(page.evaluate(ask, [CALL, model, count, options]))


def open_raw(page: Page, side: str, model: BenchModel, way: Way) -> dict[str, Any]:
    """Open a model in a raw engine of its own: ``openMs``, ``elapsedMs`` from nothing."""
    sizes = dict(model.dimensions)
    options = {**way.options, "model": model.name, "dimensions": sizes, "ortDir": ort_dir()}
    ask = "([side, options]) => inferBench.openRaw(side, options)"
    return dict(page.evaluate(ask, [side, options]))


def raw_runs(page: Page, side: str, model: str, count: int) -> dict[str, Any]:
    """Run a raw engine ``count`` times: ``timesMs`` inside the worker, ``roundTripMs``."""
    ask = "([side, model, count]) => inferBench.raw(side, model, count)"
    return dict(page.evaluate(ask, [side, model, count]))


def expect_same(page: Page, side: str, other: str, most: float, what: str) -> None:
    """Refuse times of sides whose last outputs differ by more than ``most`` of their range."""
    apart = page.evaluate("(sides) => inferBench.difference(...sides)", [side, other])
    if apart > most:
        text = f"outputs of {side} and {other} to be equal within {most}, got {apart:.3g}"
        raise RuntimeError(f"inference bench, {what}: expected {text}")
