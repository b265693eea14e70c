"""store.cost_growth, store.heap_*: what an event costs among 10,000 others and among 1,000,000."""

from pathlib import Path
from typing import Final

from playwright.sync_api import BrowserContext, Page

from .harness import p50, served
from .report import Measure
from .store_ingest import expect_all_stored
from .store_site import MAX_ROWS, page_of, statistics_of

# Ten windows of 2,000 events; the first ones end at 22,000, the last ones at 1,000,000.
WARM_UP: Final = 2_000
WINDOW: Final = 2_000
WINDOWS: Final = 10
STAGE: Final = 100_000


def measure(context: BrowserContext, site: Path) -> list[Measure]:
    """Fill one store up to its largest size, timed in windows at both ends."""
    with served(site, isolated=True) as server, page_of(context, server.url) as page:
        page.evaluate("() => startEdge()")
        fill(page, WARM_UP)
        small = [fill(page, WINDOW) for _ in range(WINDOWS)]
        filled = WARM_UP + WINDOW * WINDOWS
        first = sum(small) + fill(page, STAGE - filled)
        heap_100k = heap_mb(page)
        for _ in range(STAGE, MAX_ROWS - STAGE, STAGE):
            fill(page, STAGE)
        last = fill(page, STAGE - WINDOW * WINDOWS)
        large = [fill(page, WINDOW) for _ in range(WINDOWS)]
        expect_all_stored(statistics_of(page), MAX_ROWS)
        heap_1m = heap_mb(page)
    means_us = first / (STAGE - WARM_UP) * 1000, (last + sum(large)) / STAGE * 1000
    small_us, large_us = p50(small) / WINDOW * 1000, p50(large) / WINDOW * 1000
    details = {
        "at_10k_us": round(small_us, 2),
        "at_1m_us": round(large_us, 2),
        "mean_first_100k_us": round(means_us[0], 2),
        "mean_last_100k_us": round(means_us[1], 2),
        "growth_of_means": round(means_us[1] / means_us[0], 2),
    }
    peer = "itself at 10,000 events"
    return [
        Measure("store.cost_growth", large_us / small_us, 1.3, peer, details=details),
        Measure("store.heap_100k_mb", heap_100k, None, "none (absolute)"),
        Measure("store.heap_1m_mb", heap_1m, None, "none (absolute)"),
    ]


def fill(page: Page, count: int) -> float:
    """Track ``count`` events more and return the milliseconds until they were durable."""
    return float(page.evaluate("(count) => fillEdge(count)", count))


def heap_mb(page: Page) -> float:
    """Return the interpreter's memory, which never shrinks: its peak."""
    return float(statistics_of(page)["memory"]["pythonHeapBytes"]) / 1e6
