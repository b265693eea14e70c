"""Runs in the browser: a minute of ten times what can be served, and a page that stays usable."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import CDPSession, Page

from tests.effort import examples

from .conftest import Serve
from .edge_page import EdgePage
from .site import SYSTEM, Task, write_site

CORE = "async def run(ctx, activation):\n    return 1\n"
SLICE_MS = 1
SLICE = f"""
import time

async def run(ctx, activation):
    end = time.perf_counter() + {SLICE_MS / 1_000}
    while time.perf_counter() < end:
        pass
"""
COUNT = """
async def run(ctx, activation):
    rows = await ctx.query(
        "select (select count(*) from events where type = 'mta.exposure') as banner,"
        " (select count(*) from events where type = 'mta' and click_id = 'c') as c"
    )
    return rows[0]
"""
TASKS = [
    Task("Core", "core", CORE, {"priority": "core"}),
    Task("Slice", "low", SLICE, {"priority": "low"}),
    Task("Count", "count", COUNT),
]
FLOODED = {
    "triggers": [
        {"taskName": "Slice", "events": [{"type": "flood", "pageId": "Test", "needPv": True}]}
    ],
    # Few, so that the store is full before the first look at the memory.
    "data": {"events": {"maxRows": 2_000}},
}
FLOOD_MS = 60_000 * examples(1)
FACTOR = 10
SETTLED_MS = FLOOD_MS / 4
# From a quarter of the flood to its end, in which what grows without bound grows by much more.
PYTHON_GROWTH_BYTES = 8 * 2**20
PAGE_GROWTH_BYTES = 16 * 2**20
# 256 wait, four run, and some are asked while a busy machine does not answer.
UNANSWERED_CALLS = 1_000
# A page that hangs; a machine with other work takes its share of less.
HANG_MS = 1_000
KEPT_EVENTS = 100_000
ENDS = ("finished", "refused", "cancelled", "timedOut")


@pytest.fixture
def edge(serve: Serve, tmp_path: Path, page: Page) -> EdgePage:
    site = write_site(tmp_path / "site", tasks=TASKS, config=FLOODED)
    return opened(page, serve(site))


def opened(page: Page, url: str) -> EdgePage:
    edge = EdgePage(page, url)
    edge.open().ready()
    page.add_script_tag(url="/overload.js")
    return edge


class Memory:
    """What the page and its Python hold, garbage aside."""

    def __init__(self, edge: EdgePage, session: CDPSession) -> None:
        session.send("HeapProfiler.collectGarbage")
        self.page_bytes: int = session.send("Runtime.getHeapUsage")["usedSize"]
        self.python_bytes: int = edge.call("statistics")["ok"]["memory"]["pythonHeapBytes"]


class Hands:
    """Somebody at mouse and keyboard."""

    def __init__(self, page: Page) -> None:
        page.evaluate(
            """() => {
              document.body.insertAdjacentHTML("beforeend", '<input id="note">');
              window.heard = { clicks: 0, waitedMs: [] };
              const note = ({ timeStamp }) => heard.waitedMs.push(performance.now() - timeStamp);
              other.addEventListener("click", (event) => { heard.clicks++; note(event); });
              document.querySelector("#note").addEventListener("keydown", note);
            }"""
        )
        self.page = page
        self.clicks = self.keys = 0

    def use(self) -> None:
        self.page.locator("#other").click()
        self.page.locator("#note").press("x")
        self.clicks += 1
        self.keys += 1

    def check(self) -> list[float]:
        """Everything was handled; return how long each click and key waited for that, ms."""
        heard = self.page.evaluate("() => ({...heard, note: note.value})")
        assert self.clicks > 0
        assert (heard["clicks"], heard["note"]) == (self.clicks, "x" * self.keys)
        return list(heard["waitedMs"])


def p99(figures: Sequence[float]) -> float:
    return sorted(figures)[int(len(figures) * 0.99)]


def test_a_minute_of_ten_times_what_can_be_served(edge: EdgePage) -> None:
    page, hands = edge.page, Hands(edge.page)
    per_s = page.evaluate("(system) => servedPerS(system, 2_000)", SYSTEM)
    idle = page.evaluate("(system) => callCore(system, (done) => done < 100)", SYSTEM)
    before = page.evaluate("() => atRest()")

    page.evaluate("(order) => startFlood(...order)", [SYSTEM, FACTOR * per_s, FLOOD_MS])
    early, late = looks_at_the_memory(edge, hands)
    core = page.evaluate("() => flood.over")
    page.evaluate("() => atRest()")
    edge.call("flush")
    after = page.evaluate("() => atRest()")
    flood = page.evaluate("() => ({...flood, over: null})")
    waited_ms = hands.check()

    assert set(core["outcomes"]) == set(idle["outcomes"]) == {"ok"}
    assert after["queues"]["core"]["refused"] == 0
    check_low(flood, before, after)
    check_events(flood, before, after)
    assert late.python_bytes - early.python_bytes <= PYTHON_GROWTH_BYTES
    assert late.page_bytes - early.page_bytes <= PAGE_GROWTH_BYTES
    assert flood["mostOpen"] <= UNANSWERED_CALLS
    assert flood["longestGapMs"] < HANG_MS
    assert "ok" in edge.infer("low")
    assert edge.failures == []
    tell(
        f"{per_s:.0f} low runs a second served, {FACTOR * per_s:.0f} asked for: "
        f"{flood['asked']} calls, {flood['outcomes']}, {after['page']['refused']} of them refused "
        f"on the page, and {flood['tracked']} events",
        f"core p99 {p99(core['takenMs']):.1f} ms of {len(core['takenMs'])}, "
        f"idle {p99(idle['takenMs']):.1f} ms, slice {SLICE_MS} ms",
        f"{len(waited_ms)} clicks and keys, p99 {p99(waited_ms):.1f} ms; "
        f"longest gap of the page {flood['longestGapMs']:.0f} ms",
        f"memory: Python {early.python_bytes:,} and {late.python_bytes:,} bytes, "
        f"page {early.page_bytes:,} and {late.page_bytes:,}",
    )


def looks_at_the_memory(edge: EdgePage, hands: Hands) -> tuple[Memory, Memory]:
    """Use the page until the flood is nearly over; look after a quarter of it and at the end."""
    session = edge.page.context.new_cdp_session(edge.page)
    early = None
    while (elapsed_ms := edge.page.evaluate("() => flood.elapsedMs")) < FLOOD_MS - 1_000:
        hands.use()
        if early is None and elapsed_ms > SETTLED_MS:
            early = Memory(edge, session)
            edge.page.evaluate("() => void (flood.mostOpen = 0)")
    assert early is not None
    return early, Memory(edge, session)


def check_low(flood: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    """Low runs went on, most were refused, most calls on the page; every one is counted."""
    outcomes, refused_here = flood["outcomes"], after["page"]["refused"]
    assert set(outcomes) == {"ok", "queue-full"}
    assert sum(outcomes.values()) == flood["asked"]
    low = {key: after["queues"]["low"][key] - before["queues"]["low"][key] for key in ENDS}
    by_events = after["triggers"]["matches"] - before["triggers"]["matches"]
    assert sum(low.values()) == flood["asked"] - refused_here + by_events
    assert low["finished"] >= outcomes["ok"] > 0
    assert low["refused"] + refused_here > low["finished"]
    assert refused_here > outcomes["queue-full"] / 2


def check_events(flood: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> None:
    """Every tracked event came to the triggers or is counted as dropped; no more are kept."""
    matched = after["triggers"]["matches"] - before["triggers"]["matches"]
    assert matched + after["page"]["dropped"] == flood["tracked"]
    assert after["page"]["waiting"] == 0
    assert after["store"]["events"] < 2 * FLOODED["data"]["events"]["maxRows"]
    assert (after["store"]["droppedEvents"], after["store"]["pendingOps"]) == (0, 0)


def test_events_that_come_too_fast_are_dropped_by_their_worth(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    config = {"data": {"events": {"maxRows": 1_000_000}}}
    edge = opened(page, serve(write_site(tmp_path / "site", tasks=TASKS, config=config)))
    exposures, click_every = 400_000, 100

    waiting = page.evaluate("(order) => trackTooFast(...order)", [exposures, click_every])
    assert waiting <= KEPT_EVENTS
    edge.call("flush")

    after = edge.call("statistics")["ok"]
    stored = edge.value("count")
    dropped = after["page"]["dropped"]
    assert dropped > 0
    assert stored["c"] == exposures / click_every
    assert stored["banner"] + dropped == exposures
    assert edge.failures == []
    tell(f"{exposures:,} exposures, {dropped:,} dropped, {waiting:,} waited at the end")


def tell(*lines: str) -> None:
    """For people: ``pytest -s``."""
    sys.stdout.write("\n".join(("", *lines, "")))
