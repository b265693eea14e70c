"""What the page pays: script size, long tasks, clicks, the paint behind them, blocking time."""

import json
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

from tests.browser.site import ECHO, Task

from . import page_capture, page_latency, page_lighthouse
from .harness import ASSETS, DIST, fresh_page, p50, served
from .report import Measure
from .sites import page_with, plain_site

ROUNDS: Final = 5
PATTERN: Final = {"type": "mta", "pageId": "Bench", "needPv": True, "clickIds": []}
CONFIG: Final = {"triggers": [{"taskName": "Echo", "events": [PATTERN]}]}
TAGS: Final = (
    '<script src="/page-runs.js"></script>'
    '<script src="/edge/edge.js" data-config="/config.json" async></script>'
)

OBSERVE_LONG_TASKS = """
window.longTasks = [];
new PerformanceObserver((list) => longTasks.push(...list.getEntries().map((e) => e.duration)))
  .observe({ type: "longtask", buffered: true });
"""

FIRST_RESULT = "() => ran(1).then(() => new Promise((ok) => setTimeout(() => ok(longTasks), 200)))"

A_WHILE = "() => new Promise((ok) => setTimeout(() => ok(longTasks), 1_500))"

# A figure of zero counts only if the observer sees a task that is long for certain.
PLANT_LONG_TASK = """() => new Promise((resolve) => {
  const before = longTasks.length;
  setTimeout(() => { const end = performance.now() + 120; while (performance.now() < end); });
  setTimeout(() => resolve(longTasks.length - before), 500);
})"""


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Measure all page figures."""
    return [
        script_size(),
        *page_capture.measure(browser, folder / "capture"),
        long_tasks(browser, folder / "long"),
        *page_latency.measure(browser, folder / "latency"),
        *page_lighthouse.measure(browser, folder / "lighthouse"),
    ]


def script_size() -> Measure:
    """Read the shipped script's compressed size from the build's manifest."""
    entry = json.loads((DIST / "manifest.json").read_text())["files"]["edge.js"]
    details = {"raw_bytes": entry["bytes"]}
    return Measure(
        "page.edge_js_br_bytes", entry["brBytes"], 10_240, "none (absolute)", details=details
    )


def long_tasks(browser: Browser, folder: Path) -> Measure:
    """Count main-thread tasks over 50 ms, script start to first result, over the bare page's.

    Both pages are visited in turns; the median of the difference leaves out what the machine did.
    """
    extra = [ASSETS / "page-runs.js"]
    site = plain_site(folder, tasks=[Task("Echo", "echo", ECHO)], config=CONFIG, extra=extra)
    (site / "bare.html").write_text(page_with(()))
    (site / "edge.html").write_text(page_with(()).replace("</body>", f"{TAGS}</body>"))
    waits = {"bare": A_WHILE, "edge": FIRST_RESULT}
    rounds: dict[str, list[list[float]]] = {side: [] for side in waits}
    with served(site) as server:
        for _ in range(ROUNDS):
            for side, wait in waits.items():
                with fresh_page(browser) as page:
                    rounds[side].append(tasks_seen(page, f"{server.url}/{side}.html", wait))
    counts = {side: [len(each) for each in seen] for side, seen in rounds.items()}
    added = [ours - bare for ours, bare in zip(counts["edge"], counts["bare"], strict=True)]
    longest = max((max(each, default=0) for each in rounds["edge"]), default=0)
    details = {"with_us": counts["edge"], "bare_page": counts["bare"], "longest_ms": longest}
    value = max(0, p50(added))
    return Measure("page.long_tasks", value, 0, "the page without us", details=details)


def tasks_seen(page: Page, url: str, wait: str) -> list[float]:
    """Return the milliseconds of each long task of a visit."""
    page.add_init_script(OBSERVE_LONG_TASKS)
    page.goto(url)
    seen: list[float] = page.evaluate(wait)
    if page.evaluate(PLANT_LONG_TASK) < 1:
        raise RuntimeError("long tasks: expected to see the planted one, got none")
    return seen
