"""page.inp_delta_ms: how much later a page paints behind a click, with us.

A person's clicks (trusted events) on a page whose listener works a while and changes the page; the
runtime captures each click and runs a task for it. The same page without us is visited in turns.
Clicks while the runtime boots, from the page's load on, are told apart from those behind it: the
boot is the worker's, but takes one of the machine's cores.

Compared are Event Timing's durations, from an input to the next paint, which the browser rounds to
8 ms: the mean over clicks at any phase of the screen undoes the rounding, a high percentile would
only jump between its steps. The percentile that makes a page's INP is in the details.
"""

import random
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from tests.browser.site import ECHO, Task

from .harness import ASSETS, expect_equal, fresh_page, p50, served, spread
from .report import Measure
from .sites import page_with, plain_site

# Durations of a visit's interactions in milliseconds, by phase.
Visit = dict[str, list[float]]

ROUNDS: Final = 8
# In the order of a visit, told apart by whether the runtime was up.
CLICKS: Final = {"booting": 20, "up": 60}
GOAL_MS: Final = 2
PAUSE_MS: Final = (20, 60)
INP_PERCENTILE: Final = 98
PATTERN: Final = {"type": "mta", "pageId": "Bench", "needPv": False, "clickIds": ["hit"]}
CONFIG: Final = {"triggers": [{"taskName": "Echo", "events": [PATTERN]}]}
TAG: Final = (
    '<script src="/page-runs.js"></script>'
    '<script src="/edge/edge.js" data-config="/config.json" async></script>'
)


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Click on both pages in turns."""
    names = ("page-latency.js", "page-runs.js")
    extra = [ASSETS / name for name in names]
    site = plain_site(folder, tasks=[Task("Echo", "echo", ECHO)], config=CONFIG, extra=extra)
    bare = page_with(("/page-latency.js",))
    (site / "bare.html").write_text(bare)
    (site / "edge.html").write_text(bare.replace("</body>", f"{TAG}</body>"))
    visits: dict[str, list[Visit]] = {"bare": [], "edge": []}
    with served(site) as server:
        for _ in range(ROUNDS):
            for side, made in visits.items():
                with fresh_page(browser) as page:
                    page.goto(f"{server.url}/{side}.html")
                    made.append(visit(page, has_runtime=side == "edge"))
    return [
        figure("page.inp_delta_ms", visits, "up", GOAL_MS),
        figure("page.inp_booting_delta_ms", visits, "booting", None),
    ]


def visit(page: Page, *, has_runtime: bool) -> Visit:
    """Click from the load on, and again once every click so far has had its run."""
    done = 0
    found: Visit = {}
    for phase, count in CLICKS.items():
        found[phase] = durations_ms(page, count)
        done += count
        if has_runtime:
            page.evaluate("(count) => ran(count)", done)
    return found


def durations_ms(page: Page, count: int) -> list[float]:
    """Click as a person does, and return what Event Timing says of each interaction."""
    pauses = random.Random(7)
    for _ in range(count):
        page.mouse.click(*center(page))
        page.wait_for_timeout(pauses.uniform(*PAUSE_MS))
    found: list[float] = page.evaluate("() => takeInteractionsMs()")
    expect_equal("interactions", count, len(found))
    return found


def center(page: Page) -> tuple[float, float]:
    """Return a point of the button."""
    box: Any = page.locator("#target").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def figure(key: str, visits: dict[str, list[Visit]], phase: str, goal: float | None) -> Measure:
    """Return the median over pairs of visits of what the mean of one is longer with us."""
    sides = {side: [each[phase] for each in made] for side, made in visits.items()}
    means = {side: [sum(each) / len(each) for each in made] for side, made in sides.items()}
    deltas = [ours - bare for ours, bare in zip(means["edge"], means["bare"], strict=True)]
    details = {
        "with_us_ms": round(p50(means["edge"]), 1),
        "bare_page_ms": round(p50(means["bare"]), 1),
        "inp_ms": {side: p50([inp(each) for each in made]) for side, made in sides.items()},
        "rounds": spread(deltas),
        "clicks": ROUNDS * CLICKS[phase],
    }
    return Measure(key, p50(deltas), goal, "the page without us", details=details)


def inp(durations: list[float]) -> float:
    """Return a visit's INP: of fifty interactions and more, the 98th percentile."""
    ordered = sorted(durations)
    return ordered[len(ordered) * INP_PERCENTILE // 100]
