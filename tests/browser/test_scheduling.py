"""Runs in the browser: order under a flood, ends of all kinds, supersession, nested calls.

A run that is to last waits for a key, which the page puts: nothing depends on how fast things are.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import Serve
from .edge_page import EdgePage
from .site import SYSTEM, Task, write_site

WORK = """
import asyncio

STARTED = []

async def run(ctx, activation):
    ext = activation.ext_data
    STARTED.append(ext.get("name"))
    while ext.get("until") and await ctx.get(ext["until"]) is None:
        await asyncio.sleep(0.002)
    return list(STARTED)
"""
CALLER = """
async def run(ctx, activation):
    return ["outer", *await ctx.call(activation.ext_data["task"], activation.ext_data)]
"""
BACK = """
async def run(ctx, activation):
    try:
        return [await ctx.call("Caller", {"task": "Back"})]
    except Exception as error:
        return [error.code, *error.details["path"]]
"""
# Stateful: they tell what began before.
FOREVER = {"timeout_ms": 600_000, "stateful": True}
TASKS = [
    Task("Work", "work", WORK, FOREVER),
    Task("Latest", "latest", WORK, {**FOREVER, "supersede": "latest"}),
    Task("Join", "join", WORK, {**FOREVER, "supersede": "join"}),
    Task("Caller", "caller", CALLER, FOREVER),
    Task("Back", "back", BACK, FOREVER),
]
# Many calls in one turn of the page; `runs` keeps what becomes of each, by its name.
BEGIN = """([system, calls]) => {
  window.runs ??= {};
  window.stops ??= {};
  for (const { name, business, ...options } of calls) {
    const { signal } = (stops[name] = new AbortController());
    const call = { systemCode: system, businessCode: business, ...options, signal };
    runs[name] = settle(EdgeAI.infer({ ...call, extData: { name, ...options.extData } }));
  }
}"""

Open = Callable[[dict[str, Any]], EdgePage]


@pytest.fixture
def open_page(serve: Serve, tmp_path: Path, page: Page) -> Open:
    def open_one(scheduler: dict[str, Any]) -> EdgePage:
        # Ages of runs depend on time: they change the order in no test of this file.
        # Beside the core code begins when it is started, in a VM when that has come up.
        config = {"vms": 0, "scheduler": {"ageingMs": 600_000, **scheduler}}
        edge = EdgePage(page, serve(write_site(tmp_path / "site", tasks=TASKS, config=config)))
        edge.open().ready()
        return edge

    return open_one


def begin(edge: EdgePage, *calls: dict[str, Any]) -> None:
    """Start calls of a ``name`` and what else ``infer`` takes; all have arrived after this."""
    plain = [{"business": "work", **call} for call in calls]
    edge.page.evaluate(BEGIN, [SYSTEM, plain])
    edge.call("get", "until here")


def end(edge: EdgePage, name: str) -> dict[str, Any]:
    """Return what became of a call that was begun."""
    settled: dict[str, Any] = edge.page.evaluate("(name) => runs[name]", name)
    return settled


def code(settled: dict[str, Any]) -> str:
    return "ok" if "ok" in settled else str(settled["error"]["code"])


def abort(edge: EdgePage, name: str) -> None:
    edge.page.evaluate("(name) => stops[name].abort()", name)


def hold(edge: EdgePage) -> None:
    """Take the slot that every run may have, until :func:`release`."""
    begin(edge, {"name": "hold", "priority": "low", "extData": {"until": "open"}})


def release(edge: EdgePage) -> None:
    edge.call("put", "open", 1)


def queue(edge: EdgePage, name: str) -> dict[str, Any]:
    figures: dict[str, Any] = edge.call("statistics")["ok"]["queues"][name]
    return figures


def test_core_runs_are_answered_under_a_flood_and_low_ones_refused(open_page: Open) -> None:
    edge = open_page({"maxRunning": 2, "queueLimits": {"low": 100}})
    hold(edge)
    low = [{"name": f"low {n}", "priority": "low"} for n in range(300)]
    core = [{"name": f"core {n}", "priority": "core"} for n in range(30)]

    begin(edge, *low, *core)
    of_core = [end(edge, call["name"]) for call in core]
    refused = [end(edge, f"low {n}") for n in range(100, 300)]
    waiting = queue(edge, "low")

    # All of that while the low runs still waited: the slot for core is nobody else's.
    assert [code(settled) for settled in of_core] == ["ok"] * 30
    started = of_core[-1]["ok"]["value"]
    assert started == ["hold", *(call["name"] for call in core)]
    assert {code(settled) for settled in refused} == {"queue-full"}
    assert refused[0]["error"]["details"] == {"queue": "low", "limit": 100}
    assert [waiting[key] for key in ("waiting", "running", "refused")] == [100, 1, 200]
    release(edge)
    of_low = [end(edge, f"low {n}") for n in range(100)]
    assert [code(settled) for settled in of_low] == ["ok"] * 100
    assert of_low[0]["ok"]["waitedFor"] == "core-slot"
    assert of_low[-1]["ok"]["value"][31:] == [f"low {n}" for n in range(100)]
    assert queue(edge, "core")["refused"] == 0


def test_a_waiting_run_that_is_aborted_leaves_and_nobody_else_does(open_page: Open) -> None:
    edge = open_page({"maxRunning": 1})
    hold(edge)
    begin(edge, *({"name": name} for name in ("first", "second", "third")))

    abort(edge, "second")
    aborted = end(edge, "second")
    begin(edge, {"name": "late", "timeoutMs": 20})
    too_late = end(edge, "late")
    release(edge)

    assert (code(aborted), code(too_late)) == ("run-cancelled", "deadline-passed")
    assert end(edge, "third")["ok"]["value"] == ["hold", "first", "third"]
    figures = queue(edge, "regular")
    assert [figures[key] for key in ("finished", "cancelled", "refused")] == [2, 1, 1]


def test_a_running_run_that_is_aborted_or_too_slow_frees_its_slot(open_page: Open) -> None:
    edge = open_page({"maxRunning": 1})
    hold(edge)
    begin(edge, {"name": "slow", "timeoutMs": 60_000, "extData": {"until": "never"}})
    begin(edge, {"name": "next"})

    abort(edge, "hold")
    held = end(edge, "hold")
    abort(edge, "slow")
    slow = end(edge, "slow")
    then = end(edge, "next")
    timed_out = edge.infer("work", {"name": "timed", "until": "never"}, timeoutMs=500)

    assert [code(each) for each in (held, slow)] == ["run-cancelled", "run-cancelled"]
    assert then["ok"]["value"] == ["hold", "slow", "next"]
    assert then["ok"]["waitedFor"] == "slots"
    assert code(timed_out) == "task-timeout"
    assert edge.value("work", {"name": "last"})[-2:] == ["timed", "last"]
    assert (queue(edge, "regular")["timedOut"], queue(edge, "regular")["running"]) == (1, 0)


@pytest.mark.parametrize(
    ("ageing_ms", "order"), [(20, ["hold", "old", "new"]), (600_000, ["hold", "new", "old"])]
)
def test_who_has_waited_long_goes_before_who_is_more_urgent(
    open_page: Open, ageing_ms: float, order: list[str]
) -> None:
    edge = open_page({"maxRunning": 1, "ageingMs": ageing_ms})
    hold(edge)
    begin(edge, {"name": "old", "priority": "low"})
    edge.page.evaluate("(ms) => new Promise((ok) => setTimeout(ok, ms))", 100)
    begin(edge, {"name": "new", "priority": "regular"})

    release(edge)

    assert max((end(edge, name)["ok"]["value"] for name in ("old", "new")), key=len) == order


def test_the_latest_run_of_a_key_takes_the_place_of_those_that_wait(open_page: Open) -> None:
    edge = open_page({"maxRunning": 1})
    hold(edge)
    search = {"business": "latest", "supersedeKey": "search"}

    begin(edge, {"name": "a", **search}, {"name": "b", **search}, {"name": "c", **search})
    begin(edge, {"name": "other", **search, "supersedeKey": "another box"})
    superseded = [code(end(edge, name)) for name in ("a", "b")]
    release(edge)

    assert superseded == ["run-superseded", "run-superseded"]
    assert end(edge, "other")["ok"]["value"] == ["c", "other"]
    assert queue(edge, "regular")["superseded"] == 2


def test_callers_that_join_get_one_run_and_leave_it_one_by_one(open_page: Open) -> None:
    edge = open_page({"maxRunning": 1})
    hold(edge)

    begin(edge, *({"name": name, "business": "join"} for name in ("a", "b", "c")))
    abort(edge, "a")
    left = end(edge, "a")
    release(edge)
    b, c = end(edge, "b"), end(edge, "c")

    assert code(left) == "run-cancelled"
    assert b["ok"]["value"] == c["ok"]["value"] == ["a"]
    assert queue(edge, "regular")["joined"] == 2


def test_a_run_that_calls_another_needs_no_second_slot(open_page: Open) -> None:
    edge = open_page({"maxRunning": 1})

    assert edge.value("caller", {"task": "Work", "name": "inner"}) == ["outer", "inner"]


def test_a_cycle_of_calls_is_refused_with_its_path(open_page: Open) -> None:
    edge = open_page({"maxRunning": 1})

    value = edge.value("caller", {"task": "Back"})

    assert value == ["outer", "call-cycle", "Caller", "Back", "Caller"]
