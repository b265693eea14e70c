"""sched.core_p99_under_flood_over_idle: core runs while low ones come ten times too fast."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser

from tests.browser.site import SYSTEM, Task

from .harness import ASSETS, expect_equal, fresh_page, p50, p99, served, spread
from .report import Measure
from .sites import plain_site

ROUNDS: Final = 4
CALLS_A_ROUND: Final = 250
SLICE_MS: Final = 5
FLOOD_PER_S: Final = 10 * 1_000 // SLICE_MS

CORE: Final = "async def run(ctx, activation):\n    return activation.ext_data['number']\n"
SLICE: Final = f"""
import time

async def run(ctx, activation):
    end = time.perf_counter() + {SLICE_MS / 1_000}
    while time.perf_counter() < end:
        pass
"""


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Call a core task one time after the other, idle and in the flood in turns."""
    tasks = [
        Task("Core", "core", CORE, {"priority": "core"}),
        Task("Slice", "slice", SLICE, {"priority": "low"}),
    ]
    pattern = {"type": "flood", "pageId": "Flood", "needPv": True}
    site = plain_site(
        folder,
        tasks=tasks,
        config={"triggers": [{"taskName": "Slice", "events": [pattern]}]},
        extra=[ASSETS / "flood.js"],
        scripts=("/edge/edge.js", "/flood.js"),
    )
    idle, flood = [], []
    with served(site, isolated=True) as server, fresh_page(browser) as page:
        page.goto(server.url)
        page.evaluate("() => startFlooded()")
        for _ in range(ROUNDS + 1):
            order = [SYSTEM, CALLS_A_ROUND]
            idle.append(page.evaluate("(order) => callCore(...order)", order))
            flood.append(page.evaluate("(order) => callCore(...order)", [*order, FLOOD_PER_S]))
            expect_flood(flood[-1])
    return [flood_measure(idle[1:], flood[1:])]


def expect_flood(found: Mapping[str, Any]) -> None:
    """Refuse a figure if low runs did not go on, or did not have to be refused."""
    low = found["low"]
    expect_equal("low runs finished in the flood", True, low["finished"] > 0)
    expect_equal("most low runs refused", True, low["refused"] > low["finished"])


def flood_measure(idle: Sequence[Mapping[str, Any]], flood: Sequence[Mapping[str, Any]]) -> Measure:
    """Return the ratio of the 99th percentiles; the goal is 2, and one slice that runs already."""
    idle_ms = [time_ms for found in idle for time_ms in found["takenMs"]]
    flood_ms = [time_ms for found in flood for time_ms in found["takenMs"]]
    idle_p99_ms, flood_p99_ms = p99(idle_ms), p99(flood_ms)
    details = {
        "idle_p99_ms": round(idle_p99_ms, 2),
        "flood_p99_ms": round(flood_p99_ms, 2),
        "idle_rounds_ms": spread([p99(found["takenMs"]) for found in idle]),
        "flood_rounds_ms": spread([p99(found["takenMs"]) for found in flood]),
        "idle_p50_ms": round(p50(idle_ms), 2),
        "flood_p50_ms": round(p50(flood_ms), 2),
        "slice_ms": SLICE_MS,
        "flood_per_s": round(p50([found["floodPerS"] for found in flood])),
        "calls": len(idle_ms),
    }
    return Measure(
        "sched.core_p99_under_flood_over_idle",
        flood_p99_ms / idle_p99_ms,
        2 + SLICE_MS / idle_p99_ms,
        "itself when idle",
        details=details,
    )
