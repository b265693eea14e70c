"""page.inp_delta_ms: how much later a page paints behind a click, with us.

A person's clicks (trusted events) on a page whose listener works a while and changes the page; the
runtime captures each click and runs a task for it. Once it is up, the same page with and without
us are open at once and clicked in turns, a few clicks each: what else the machine does in a moment
meets both. A second page without us goes along; what it differs from the first is the noise.
Clicks while the runtime boots, from the page's load on, are told apart, and compared between
visits: the boot is the worker's, but takes one of the machine's cores.

Compared are Event Timing's durations, from an input to the next paint, which the browser rounds to
8 ms: the page works longer for one click than for the other, so the mean undoes the rounding, while
a high percentile would only jump between its steps. The one that makes a page's INP is in the
details.
"""

import random
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from tests.browser.site import ECHO, Task

from .harness import ASSETS, expect_equal, fresh_page, p50, served, spread
from .report import Measure
from .sites import page_with, plain_site

VISITS: Final = 8
BOOTING_CLICKS: Final = 20
TURNS: Final = 40
TURN_CLICKS: Final = 10
GOAL_MS: Final = 2
PAUSE_MS: Final = (20, 60)
INP_PERCENTILE: Final = 98
PATTERN: Final = {"type": "mta", "pageId": "Bench", "needPv": False, "clickIds": ["hit"]}
CONFIG: Final = {"triggers": [{"taskName": "Echo", "events": [PATTERN]}]}
TAG: Final = (
    '<script src="/page-runs.js"></script>'
    '<script src="/edge/edge.js" data-config="/config.json" async></script>'
)

# Durations of interactions in milliseconds, by side, then by visit or turn.
Sides = dict[str, list[list[float]]]


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Click on the pages while the runtime boots, then in turns."""
    names = ("page-latency.js", "page-runs.js")
    extra = [ASSETS / name for name in names]
    site = plain_site(folder, tasks=[Task("Echo", "echo", ECHO)], config=CONFIG, extra=extra)
    bare = page_with(("/page-latency.js",))
    (site / "bare.html").write_text(bare)
    (site / "edge.html").write_text(bare.replace("</body>", f"{TAG}</body>"))
    with served(site) as server:
        booting = visits(browser, server.url)
        up = turns(browser, server.url)
    noise = deltas(up["again"], up["bare"])
    return [
        figure("page.inp_delta_ms", up, GOAL_MS, {"noise": round(p50(noise), 2)}),
        figure("page.inp_booting_delta_ms", booting, None, {}),
    ]


def visits(browser: Browser, url: str) -> Sides:
    """Click from the load on, on one fresh page after the other."""
    found: Sides = {"bare": [], "edge": []}
    for _ in range(VISITS):
        for side, made in found.items():
            with fresh_page(browser) as page:
                page.goto(f"{url}/{side}.html")
                made.append(durations_ms(page, BOOTING_CLICKS, random.Random(7)))
                if side == "edge":
                    page.evaluate("(count) => ran(count)", BOOTING_CLICKS)
    return found


def turns(browser: Browser, url: str) -> Sides:
    """Click on pages that are open at once; at a turn's end all clicks had their runs."""
    pauses = random.Random(7)
    found: Sides = {"bare": [], "edge": [], "again": []}
    with ExitStack() as opened:
        pages = {side: opened.enter_context(fresh_page(browser)) for side in found}
        for side, page in pages.items():
            page.goto(f"{url}/{'edge' if side == 'edge' else 'bare'}.html")
        # The first turn warms up; its runs wait for the boot.
        for turn in range(TURNS + 1):
            for side in pauses.sample(list(found), len(found)):
                pages[side].bring_to_front()
                made = durations_ms(pages[side], TURN_CLICKS, pauses)
                if side == "edge":
                    pages[side].evaluate("(count) => ran(count)", (turn + 1) * TURN_CLICKS)
                if turn > 0:
                    found[side].append(made)
    return found


def durations_ms(page: Page, count: int, pauses: random.Random) -> list[float]:
    """Click as a person does, and return what Event Timing says of each interaction."""
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


def deltas(sides: list[list[float]], others: list[list[float]]) -> list[float]:
    """Return by pair what the mean of one is longer."""
    return [mean(one) - mean(other) for one, other in zip(sides, others, strict=True)]


def mean(values: list[float]) -> float:
    """Return the arithmetic mean."""
    return sum(values) / len(values)


def figure(key: str, sides: Sides, goal: float | None, further: Mapping[str, Any]) -> Measure:
    """Return the median over pairs of what the mean of one is longer with us."""
    found = deltas(sides["edge"], sides["bare"])
    means = {side: mean([mean(each) for each in made]) for side, made in sides.items()}
    details = {
        "with_us_ms": round(means["edge"], 1),
        "bare_page_ms": round(means["bare"], 1),
        "inp_ms": {
            side: inp([value for each in made for value in each]) for side, made in sides.items()
        },
        "rounds": spread(found),
        "clicks": sum(len(each) for each in sides["edge"]),
        **further,
    }
    return Measure(key, p50(found), goal, "the page without us", details=details)


def inp(durations: list[float]) -> float:
    """Return the INP: of fifty interactions and more, the 98th percentile."""
    ordered = sorted(durations)
    return ordered[len(ordered) * INP_PERCENTILE // 100]
