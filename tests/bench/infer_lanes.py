"""infer.parallel_speedup_2_lanes: two calls at once with two wasm lanes over one."""

from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from .harness import fresh_page, p50, served, spread
from .infer_models import classifier
from .infer_site import CALL, START, Way, edge_runs, expect_same, infer_site, open_raw, raw_runs
from .report import Measure

ROUNDS: Final = 5
RUNS: Final = 12
LANES: Final = (1, 2)
MODEL: Final = "classifier"
SAME: Final = 1e-5

AT_ONCE = """async ([call, model, count]) => {
  const started = performance.now();
  await Promise.all([1, 2].map(() => inferBench.edge(call, model, count)));
  return performance.now() - started;
}"""
RAW_AT_ONCE = """async ([model, count]) => {
  const started = performance.now();
  await Promise.all(["a", "b"].map((side) => inferBench.raw(side, model, count)));
  return performance.now() - started;
}"""


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Run the same calls on a page with one lane and on one with two, in turns."""
    elapsed_ms: dict[int, list[float]] = {count: [] for count in LANES}
    with ExitStack() as stack:
        pages = {}
        for count in LANES:
            site = infer_site(
                folder / str(count), [classifier()], {"wasmLanes": count, "measure": False}
            )
            server = stack.enter_context(served(site, isolated=True))
            pages[count] = stack.enter_context(fresh_page(browser))
            pages[count].goto(server.url)
            pages[count].evaluate(START)
            warm_up(pages[count], count)
        for _ in range(ROUNDS):
            for count, page in pages.items():
                elapsed_ms[count].append(page.evaluate(AT_ONCE, [CALL, MODEL, RUNS]))
        ceiling = raw_speedup(pages[2])
    speedups = [one / two for one, two in zip(elapsed_ms[1], elapsed_ms[2], strict=True)]
    details: dict[str, Any] = {
        "one_lane_runs_per_s": round(per_second(elapsed_ms[1]), 1),
        "two_lanes_runs_per_s": round(per_second(elapsed_ms[2]), 1),
        "rounds": spread(speedups),
        "two_raw_engines_speedup": round(ceiling, 2),
    }
    value = p50(elapsed_ms[1]) / p50(elapsed_ms[2])
    peer = "the same calls with one lane"
    return [Measure("infer.parallel_speedup_2_lanes", value, 1.5, peer, "higher", details)]


def warm_up(page: Page, count: int) -> None:
    """Run until every lane has; the second one opens the model when the first is busy."""
    for _ in range(20):
        page.evaluate(AT_ONCE, [CALL, MODEL, 2])
        lanes = page.evaluate("() => EdgeAI.statistics()")["lanes"]
        busy = [name for name, lane in lanes.items() if lane["finished"]]
        if len(busy) == count:
            return
        page.wait_for_timeout(500)
    raise RuntimeError(f"lanes bench: expected runs in {count} lanes, got them in {busy}")


def raw_speedup(page: Page) -> float:
    """Return what two raw engines gain over one on this machine, each with one thread."""
    for side in ("a", "b"):
        open_raw(page, side, classifier(), Way("wasm", 1))
        raw_runs(page, side, MODEL, 2)
    edge_runs(page, MODEL, 1)
    expect_same(page, "a", "edge", SAME, "two lanes")
    alone_ms, both_ms = [], []
    for _ in range(ROUNDS):
        alone_ms.append(sum(raw_runs(page, "a", MODEL, 2 * RUNS)["timesMs"]))
        both_ms.append(page.evaluate(RAW_AT_ONCE, [MODEL, RUNS]))
    return p50(alone_ms) / p50(both_ms)


def per_second(elapsed_ms: list[float]) -> float:
    """Return runs per second."""
    return 2 * RUNS / p50(elapsed_ms) * 1000
