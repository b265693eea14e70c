"""Triggers in the browser: sequences across loads and tabs, many rules, a swap at run time."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.testing.trace_lines import parse_trace
from playwright.sync_api import BrowserContext

from .conftest import Serve
from .databases import Databases
from .edge_page import EdgePage
from .site import Task, click_trigger, write_site
from .workers import worker_of

SEEN = """
async def run(ctx, activation):
    ctx.log("ran")
    event = activation.event
    return event and [event.page_id, event.click_id]
"""
HOUR_MS = 3_600_000
NAMES = ["Early", "Late", "Mark"]
TASKS = [Task(name, name.lower(), SEEN) for name in NAMES]
CRASH = "() => void setTimeout(() => { throw new Error('boom') })"

Open = Callable[[], EdgePage]


def click(click_id: str) -> dict[str, Any]:
    return {"type": "mta", "pageId": "P", "clickIds": [click_id]}


def sequence(task: str, *click_ids: str, **options: Any) -> dict[str, Any]:
    return {"taskName": task, "sequence": [click(each) for each in click_ids], **options}


def mark() -> dict[str, Any]:
    """Return the trigger by which a test knows that everything before an event was matched."""
    return {"taskName": "Mark", "events": [click("mark")]}


@pytest.fixture
def open_with(
    serve: Serve, tmp_path: Path, context: BrowserContext
) -> Callable[[list[dict[str, Any]]], Open]:
    """Return what makes a site of triggers, and that what opens one tab after the other."""

    def site(triggers: list[dict[str, Any]]) -> Open:
        folder = write_site(tmp_path / "site", tasks=TASKS, config={"triggers": triggers})
        url = serve(folder)

        def open_one() -> EdgePage:
            tab = EdgePage(context.new_page(), url).open()
            tab.ready()
            return tab

        return open_one

    return site


Site = Callable[[list[dict[str, Any]]], Open]


def track(tab: EdgePage, *click_ids: str) -> None:
    tab.page.evaluate(
        "(ids) => ids.forEach((clickId) => EdgeAI.track({type: 'mta', pageId: 'P', clickId}))",
        list(click_ids),
    )
    tab.call("flush")


def told(tab: EdgePage) -> list[str]:
    """Return the tasks whose results the tab got, in order, up to a mark."""
    marks = 1 + sum(result["taskName"] == "Mark" for result in tab.seen("result"))
    track(tab, "mark")
    tab.page.evaluate("(nth) => until('result', {taskName: 'Mark'}, nth)", marks)
    return [each["taskName"] for each in tab.seen("result") if each["taskName"] != "Mark"]


def test_a_sequence_goes_on_after_a_reload(open_with: Site) -> None:
    tab = open_with([sequence("Early", "a", "b"), sequence("Late", "b", "a"), mark()])()
    track(tab, "a")

    tab.page.reload()
    tab.ready()
    track(tab, "b")

    assert told(tab) == ["Early"]


def test_erase_forgets_how_far_triggers_had_come(open_with: Site) -> None:
    thrice = {
        "taskName": "Late",
        "events": [click("c")],
        "count": {"times": 3, "withinMs": HOUR_MS},
    }
    tab = open_with([sequence("Early", "a", "b"), thrice, mark()])()
    track(tab, "a", "c", "c")

    tab.call("erase")
    track(tab, "b", "c")
    before_reload = told(tab)
    tab.page.reload()
    tab.ready()
    track(tab, "b", "c", "c")

    assert (before_reload, told(tab)) == ([], ["Late"])


def test_a_sequence_across_tabs_is_told_to_the_tab_that_completes_it(open_with: Site) -> None:
    open_tab = open_with([sequence("Early", "a", "b"), mark()])
    writer, follower, third = open_tab(), open_tab(), open_tab()

    track(writer, "a")
    track(follower, "b")

    assert [told(tab) for tab in (writer, follower, third)] == [[], ["Early"], []]
    assert writer.call("statistics")["ok"]["triggers"]["matches"] == 4


def test_ten_thousand_rules_are_loaded_and_asked(open_with: Site) -> None:
    rules = [
        {"taskName": "Early", "events": [{**click(f"c{n}"), "pageId": f"P{n % 100}"}]}
        for n in range(10_000)
    ]
    tab = open_with([*rules, mark()])()

    tab.page.evaluate(
        "(clicks) => clicks.forEach(([pageId, clickId]) =>"
        " EdgeAI.track({type: 'mta', pageId, clickId}))",
        [["P99", "c9999"], ["P0", "c9999"], ["P0", "c0"]],
    )

    assert told(tab) == ["Early", "Early"]
    assert [each["value"] for each in tab.seen("result")][:2] == [["P99", "c9999"], ["P0", "c0"]]
    assert tab.call("statistics")["ok"]["triggers"]["count"] == 10_001


def test_another_configuration_keeps_what_equal_triggers_remember(open_with: Site) -> None:
    kept, changed = sequence("Early", "a", "b"), sequence("Late", "a", "c")
    tab = open_with([kept, changed, mark()])()
    track(tab, "a")

    answer = tab.call("reconfigure", {"triggers": [{**changed, "withinMs": 5}, mark(), kept]})
    track(tab, "b", "c")

    assert answer == {"ok": []}
    assert told(tab) == ["Early"]


def test_what_does_not_hold_in_another_configuration_is_told(open_with: Site) -> None:
    tab = open_with([click_trigger("Early", "buy"), mark()])()

    missing = {
        "bundles": ["tasks/none.edge"],
        "triggers": [sequence("None", "a", "b"), mark()],
        "data": {"events": {"maxRows": 5}},
    }
    problems = tab.call("reconfigure", missing)["ok"]
    refused = [tab.call("reconfigure", bad)["error"] for bad in ({"triggers": 1}, "/none.json")]

    codes = [problem["code"] for problem in problems]
    assert codes == ["network-failed", "config-invalid", "config-invalid"]
    for problem, word in zip(problems, ("none.edge", "None", "data"), strict=True):
        assert word in problem["message"]
    assert [error["code"] for error in refused] == ["config-invalid", "network-failed"]
    tab.page.click("#buy")
    assert told(tab) == []


def test_another_configuration_holds_in_all_tabs_and_for_the_next_writer(
    open_with: Site, tmp_path: Path
) -> None:
    open_tab = open_with([click_trigger("Early", "buy"), mark()])
    next_config = {"triggers": [click_trigger("Late", "buy"), mark()]}
    (tmp_path / "site" / "next.json").write_text(json.dumps(next_config))
    writer, caller = open_tab(), open_tab()

    assert caller.call("reconfigure", "/next.json") == {"ok": []}
    for tab in (writer, caller):
        tab.page.click("#buy")
        assert told(tab) == ["Late"]
    last = open_tab()
    writer.page.close()
    caller.page.close()
    last.page.click("#buy")

    assert told(last) == ["Late"]


def test_an_event_activates_once_although_its_worker_is_killed(open_with: Site) -> None:
    tab = open_with([click_trigger("Early", "buy"), mark()])()
    databases = Databases(tab.page)
    databases.occupy()

    tab.page.click("#buy")
    first = tab.until("result", taskName="Early")
    worker_of(tab.page).evaluate(CRASH)
    tab.page.evaluate("() => until('status', {state: 'booting', step: 'core'}, 2)")
    databases.vacate()
    # The next worker gets the event again, as the first one could not make it durable.
    tab.page.evaluate("() => until('log', {message: 'ran'}, 2)")

    assert told(tab) == ["Early"]
    assert first["runId"].startswith("Early-")


def test_a_trace_of_the_page_can_be_had_if_it_was_asked_for(open_with: Site) -> None:
    tab = open_with([click_trigger("Early", "buy"), mark()])()
    refused = tab.call("trace")["error"]
    tab.call("stop")
    tab.page.evaluate("async () => { await EdgeAI.start({config: '/config.json', trace: true}); }")
    tab.page.click("#buy")
    tab.until("result", taskName="Early")

    text = tab.call("trace")["ok"]
    lines = [json.loads(line) for line in text.splitlines()]

    assert (refused["code"], "trace: true" in refused["message"]) == ("argument-invalid", True)
    assert lines[0]["kind"] == "start"
    assert [each["name"] for each in lines[0]["tasks"]] == NAMES
    [run] = [line for line in lines if line["kind"] == "run"]
    assert (run["task"], run["ended"]) == ("Early", "ok")
    assert len(parse_trace(text)) == len(lines)


def test_a_flush_keeps_what_triggers_remember_of_the_last_second(open_with: Site) -> None:
    rules = [
        {"taskName": task, "events": [click(task)], "cooldownMs": 60_000}
        for task in ("Early", "Late")
    ]
    tab = open_with([*rules, mark()])()
    for count, task in enumerate(("Early", "Late"), 1):
        track(tab, task)
        assert len(tab.call("get", "edge.triggers")["ok"]["rules"]) == count
