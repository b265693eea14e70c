"""infer.memory_growth_*: memory of the engine and of the process after many runs and openings."""

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from .harness import expect_equal, fresh_page, served
from .infer_models import classifier, cnn, mlp_model, ranker
from .infer_site import START, edge_runs, infer_site
from .process_memory import launch_collectable, renderer_bytes
from .report import Measure

# A hundred runs, in this order.
HUNDRED: Final = {"mlp": 50, "ranker": 40, "cnn": 10}
HUNDREDS: Final = 20
FEW_LOADS, LOADS = 5, 50
# A process keeps memory of what any page fetches, to a limit: reached first, it is no growth.
FETCHES: Final = 50
FETCH: Final = """async (count) => {
  for (let i = 0; i < count; i++)
    await (await fetch("/models/classifier.onnx")).arrayBuffer();
}"""
MIB: Final = 2**20
PEER: Final = "itself, after few"


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Run models of three sizes; then open and release one while others stay open."""
    site = infer_site(
        folder, [mlp_model(), ranker(), cnn(), classifier()], {"measure": False, "wasmLanes": 1}
    )
    alone = launch_collectable(browser)
    try:
        with served(site, isolated=True) as server, fresh_page(alone) as page:
            page.goto(server.url)
            page.evaluate(START)
            return [runs(alone, page), loads(alone, page)]
    finally:
        alone.close()


def runs(browser: Browser, page: Page) -> Measure:
    """Compare memory after 2,000 runs with that after 100."""
    run_hundred(page)
    before = memory(browser, page)
    for _ in range(HUNDREDS - 1):
        run_hundred(page)
    return growth("infer.memory_growth_2000_runs", before, memory(browser, page))


def loads(browser: Browser, page: Page) -> Measure:
    """Compare memory after 50 openings with that after 5."""
    page.evaluate(FETCH, FETCHES)
    others = memory(browser, page)["sessions"]
    edge_runs(page, "classifier", FEW_LOADS, release=True)
    before = memory(browser, page)
    edge_runs(page, "classifier", LOADS - FEW_LOADS, release=True)
    after = memory(browser, page)
    expect_equal("bytes of open sessions after the releases", others, after["sessions"])
    return growth("infer.memory_growth_50_loads", before, after)


def run_hundred(page: Page) -> None:
    """Run every model as often as its share."""
    for model, count in HUNDRED.items():
        edge_runs(page, model, count)


def memory(browser: Browser, page: Page) -> dict[str, Any]:
    """Return what engines took, what the page's process takes, and how often a lane was ended."""
    found = page.evaluate("() => EdgeAI.statistics()")["modelMemory"]
    return {
        "heap": sum(found["heapBytes"].values()),
        "process": renderer_bytes(browser, page),
        "sessions": found["sessionsBytes"],
        "recycled": found["recycled"],
    }


def growth(key: str, before: dict[str, Any], after: dict[str, Any]) -> Measure:
    """Return by how much the engine's memory grew, or the process's, whichever grew more."""
    shares = {name: after[name] / before[name] for name in ("heap", "process") if before[name]}
    details = {
        "heap_mib": f"{before['heap'] / MIB:.1f} to {after['heap'] / MIB:.1f}",
        "process_mib": f"{before['process'] / MIB:.0f} to {after['process'] / MIB:.0f}",
        "lanes_recycled": after["recycled"],
        **{f"{name}_growth": round(share, 3) for name, share in shares.items()},
    }
    return Measure(key, max(shares.values()), 1.05, PEER, details=details)
