"""Runs that had not ended when their worker did: the next one goes on with them, or tells."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from .conftest import Serve
from .edge_page import EdgePage
from .site import Task, write_site
from .workers import worker_of

HOLD = """
import asyncio
async def run(ctx, activation):
    ctx.log("holding")
    await asyncio.sleep(20)
"""
ECHO = """
async def run(ctx, activation):
    ctx.log("echo")
    return [activation.run_id, activation.event.props["n"]]
"""
SPIN = """
async def run(ctx, activation):
    ctx.log("spinning")
    while True:
        pass
"""
CRASH = "() => void setTimeout(() => { throw new Error('boom') })"
STORED = """(rows) => new Promise((ok, fail) => {
  const look = () => EdgeAI.get("edge.runs").then((found) => {
    const now = JSON.stringify((found ?? []).map(([task,,,, begun]) => [task, begun]));
    if (now === JSON.stringify(rows)) ok(found); else setTimeout(look, 20);
  }, fail);
  look();
})"""

Open = Callable[[], EdgePage]


@pytest.fixture
def open_tab(serve: Serve, tmp_path: Path, context: BrowserContext) -> Open:
    """Return what opens tabs of a site with one slot, each of whose tasks runs by a click."""
    spin = Task("Spin", "spin", SPIN, {"timeout_ms": 600_000})
    tasks = [Task("Hold", "hold", HOLD, {"timeout_ms": 60_000}), Task("Echo", "echo", ECHO), spin]
    triggers = [
        {"taskName": task.name, "events": [{"type": "mta", "pageId": "P", "clickIds": [task.name]}]}
        for task in tasks
    ]
    # Beside the core, where code can hold the worker itself.
    config = {"vms": 0, "triggers": triggers, "scheduler": {"maxRunning": 1}}
    url = serve(write_site(tmp_path / "site", tasks=tasks, config=config))

    def open_one() -> EdgePage:
        tab = EdgePage(context.new_page(), url).open()
        tab.ready()
        return tab

    return open_one


def track(tab: EdgePage, *click_ids: str) -> None:
    tab.page.evaluate(
        "(ids) => ids.forEach((clickId, n) =>"
        " EdgeAI.track({type: 'mta', pageId: 'P', clickId, props: {n}}))",
        list(click_ids),
    )


def stored(tab: EdgePage, *rows: list[Any]) -> None:
    """Wait until these runs are stored: each by its task, and whether it may have begun."""
    tab.page.evaluate(STORED, list(rows))


def crash(tab: EdgePage) -> None:
    worker_of(tab.page).evaluate(CRASH)


def outcomes(tab: EdgePage) -> list[tuple[str, str]]:
    """Return what the page was told of runs: their tasks and codes, in order of the tasks."""
    results = [(each["taskName"], "ok") for each in tab.seen("result")]
    return sorted(results + [(e["taskName"], e["error"]["code"]) for e in tab.seen("error")])


def test_what_waited_is_run_after_a_crash_and_what_had_begun_is_told(open_tab: Open) -> None:
    tab = open_tab()
    track(tab, "Hold", "Echo", "Echo")
    stored(tab, ["Hold", True], ["Echo", False], ["Echo", False])

    crash(tab)
    error = tab.until("error", taskName="Hold")["error"]
    tab.page.evaluate("() => until('result', {taskName: 'Echo'}, 2)")
    stored(tab)

    assert (error["code"], error["number"]) == ("worker-lost", 3008)
    assert error["details"] == {"mayHaveBegun": True}
    assert outcomes(tab) == [("Echo", "ok"), ("Echo", "ok"), ("Hold", "worker-lost")]
    ran = [line["message"] for line in tab.seen("log") if line["level"] == "info"]
    assert ran == ["holding", "echo", "echo"]
    results = tab.seen("result")
    assert [result["value"] for result in results] == [
        [each["runId"], n] for n, each in enumerate(results, 1)
    ]
    assert tab.failures == []


@pytest.mark.parametrize("is_crashed", [True, False])
def test_the_next_page_hears_of_the_runs_of_the_one_before(
    open_tab: Open, is_crashed: bool
) -> None:
    tab = open_tab()
    track(tab, "Hold", "Echo")
    stored(tab, ["Hold", True], ["Echo", False])

    if is_crashed:
        crash(tab)
    tab.page.reload()
    tab.ready()
    tab.until("error", taskName="Hold")
    tab.until("result", taskName="Echo")
    stored(tab)

    assert outcomes(tab) == [("Echo", "ok"), ("Hold", "worker-lost")]
    assert tab.failures == []


def test_each_tab_hears_of_its_own_runs_when_another_one_writes(open_tab: Open) -> None:
    writer, follower = open_tab(), open_tab()
    track(writer, "Hold")
    writer.until("log", message="holding")
    track(follower, "Echo")
    stored(follower, ["Hold", True], ["Echo", False])

    crash(writer)
    writer.until("error", taskName="Hold")
    follower.until("result", taskName="Echo")

    assert outcomes(writer) == [("Hold", "worker-lost")]
    assert outcomes(follower) == [("Echo", "ok")]


def test_a_run_that_hangs_its_worker_does_so_twice_at_most(open_tab: Open) -> None:
    tab = open_tab()
    track(tab, "Hold", "Spin", "Echo")
    stored(tab, ["Hold", True], ["Spin", False], ["Echo", False])

    crash(tab)
    tab.until("log", message="spinning")
    tab.page.evaluate("() => { window.hung = settle(EdgeAI.flush()); }")
    tab.until("error", taskName="Spin")
    tab.until("error", taskName="Echo")
    stored(tab)

    lost = [("Echo", "worker-lost"), ("Hold", "worker-lost"), ("Spin", "worker-lost")]
    assert outcomes(tab) == lost
    track(tab, "Echo")
    tab.until("result", taskName="Echo")
    spun = [line for line in tab.seen("log") if line["message"] == "spinning"]
    assert len(spun) == 1
    assert tab.failures == []


def test_a_run_that_hangs_each_worker_that_gets_its_event_does_so_twice(open_tab: Open) -> None:
    tab = open_tab()
    # At once, so that its event is not durable yet.
    track(tab, "Spin")
    tab.page.evaluate("() => until('log', {message: 'spinning'}, 2)")
    # The event is durable by now, so that nothing but this call notices.
    tab.page.evaluate("() => { window.hung = settle(EdgeAI.flush()); }")
    error = tab.until("error", taskName="Spin")["error"]
    track(tab, "Echo")
    tab.until("result", taskName="Echo")

    assert error["code"] == "worker-lost"
    spun = [line for line in tab.seen("log") if line["message"] == "spinning"]
    assert len(spun) == 2
    assert outcomes(tab) == [("Echo", "ok"), ("Spin", "worker-lost")]
    assert tab.failures == []
