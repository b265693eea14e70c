"""How long scripts hold a page's thread in one go, in time of its processor, by a trace."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, Page

CATEGORIES = ["devtools.timeline"]
# What runs a function of a script, or the script.
CALLS = {"FunctionCall", "EvaluateScript", "v8.run"}


@dataclass
class PageWork:
    """Calls into scripts whose address has ``part`` in it, outermost ones, in milliseconds.

    A thread that waits for a processor takes none of it: the figures of a busy machine are those of
    an idle one.
    """

    part: str
    calls_ms: list[float] = field(default_factory=list)

    @property
    def longest_ms(self) -> float:
        """Return the longest time in one go."""
        return max(self.calls_ms)


@contextmanager
def traced(browser: Browser, page: Page, part: str) -> Iterator[PageWork]:
    """Trace a page; what is found is there at the end."""
    work = PageWork(part)
    browser.start_tracing(page=page, categories=CATEGORIES)
    try:
        yield work
    finally:
        trace = json.loads(browser.stop_tracing())
    work.calls_ms = calls_ms(trace["traceEvents"], part)


def calls_ms(events: list[dict[str, Any]], part: str) -> list[float]:
    """Return how long outermost calls took that the page's main thread made."""
    mains = {
        (event["pid"], event["tid"])
        for event in events
        if event["name"] == "thread_name" and event["args"]["name"] == "CrRendererMain"
    }
    found = [
        event
        for event in events
        if event["name"] in CALLS
        and event.get("ph") == "X"
        and (event["pid"], event["tid"]) in mains
        and part in address(event)
    ]
    found.sort(key=lambda event: event["ts"])
    lengths, end = [], 0
    for event in found:
        if event["ts"] >= end:
            lengths.append(event["tdur"] / 1_000)
            end = event["ts"] + event["dur"]
    return lengths


def address(event: dict[str, Any]) -> str:
    """Return which script was called."""
    return str(event.get("args", {}).get("data", {}).get("url", ""))
