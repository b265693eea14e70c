"""infer.first_result_*, model.load_vs_fetch: from nothing to the first outputs, on two visits."""

from collections import defaultdict
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from .harness import fresh_page, p50, served, spread
from .infer_models import classifier, mlp_model, tower
from .infer_site import PEER, START, Way, edge_runs, expect_same, infer_site, open_raw, raw_runs
from .report import Measure

VISITS: Final = 5
RAW: Final = Way("wasm", None)
SAME: Final = 1e-4
# So long after the first visit's results are its files and the browser's own caches in place.
SETTLE_MS: Final = 1_500

Times = dict[str, list[float]]


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Visit the page twice with empty caches, ours and a raw engine in turns; then again."""
    site = infer_site(folder, [mlp_model(), classifier(), tower()], {"measure": False})
    times: Times = defaultdict(list)
    with served(site, isolated=True) as server:
        for _ in range(VISITS):
            for visit in (visits_of_edge, visits_of_raw):
                with fresh_page(browser) as page:
                    page.goto(server.url)
                    visit(page, times)
    return [first("cold", times), first("warm", times), load_vs_fetch(times)]


def visits_of_edge(page: Page, times: Times) -> None:
    """Infer once on a first visit, and on a second one with a large model after it."""
    page.evaluate(START)
    times["edge_cold"].append(edge_runs(page, "classifier", 1)["elapsedMs"])
    edge_runs(page, "tower", 1)
    page.wait_for_timeout(SETTLE_MS)
    page.reload()
    page.evaluate(START)
    times["edge_warm"].append(edge_runs(page, "classifier", 1)["elapsedMs"])
    edge_runs(page, "tower", 1)
    opened = page.evaluate("() => EdgeAI.statistics()")["models"]["tower"]
    times["edge_open"].append(opened["openMs"])
    open_raw(page, "raw", tower(), RAW)
    raw_runs(page, "raw", "tower", 1)
    expect_same(page, "raw", "edge", SAME, "opening")


def visits_of_raw(page: Page, times: Times) -> None:
    """Do the same with the engine alone: fetch, create, run."""
    for name in ("cold", "warm"):
        page.evaluate("() => inferBench.load()")
        opened = open_raw(page, "first", classifier(), RAW)
        ran = raw_runs(page, "first", "classifier", 1)
        times[f"raw_{name}"].append(opened["elapsedMs"] + ran["roundTripMs"][0])
        # In the worker that is up, as ours is.
        again = "() => inferBench.openAgain('first', 'tower')"
        times[f"raw_open_{name}"].append(page.evaluate(again)["openMs"])
        raw_runs(page, "first", "tower", 1)
        if name == "cold":
            page.wait_for_timeout(SETTLE_MS)
            page.reload()


def first(name: str, times: Times) -> Measure:
    """Return the time from the page's call to its result, the model not open yet."""
    edge_ms, raw_ms = times[f"edge_{name}"], times[f"raw_{name}"]
    details = {
        "rounds": spread(edge_ms),
        "raw_ms": round(p50(raw_ms)),
        "over_raw": round(p50(edge_ms) / p50(raw_ms), 2),
        "model_mb": round(len(classifier().data) / 1e6, 1),
    }
    return Measure(f"infer.first_result_{name}_ms", p50(edge_ms), None, PEER, details=details)


def load_vs_fetch(times: Times) -> Measure:
    """Return how long the second visit opens a large model, over plain fetch and create."""
    edge_ms, raw_ms = times["edge_open"], times["raw_open_warm"]
    details = {
        "edge_open_ms": round(p50(edge_ms)),
        "raw_fetch_and_create_ms": round(p50(raw_ms)),
        "raw_first_visit_ms": round(p50(times["raw_open_cold"])),
        "model_mb": round(len(tower().data) / 1e6, 1),
    }
    return Measure("model.load_vs_fetch", p50(edge_ms) / p50(raw_ms), 1, PEER, details=details)
