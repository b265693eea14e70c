"""A store that somebody holds in the middle of a write: the tabs try in turn for it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from .conftest import Serve
from .databases import Databases
from .edge_page import EdgePage
from .site import Task, with_prefix, write_site
from .workers import worker_of

COUNT = """
async def run(ctx, activation):
    rows = await ctx.query("select props->>'n' as n from events where page_id = 'M'")
    return sorted(row["n"] for row in rows)
"""
# How long a runtime may take to get at the store: a start that nobody holds up takes a tenth of it.
IMPATIENT = """{
  const { setTimeout } = self;
  self.setTimeout = (action, ms, ...rest) =>
    setTimeout.call(self, action, ms === 45_000 ? 3_000 : ms, ...rest);
}"""
# The thread sleeps inside a transaction, as in a browser that froze it there.
SLEEP_WRITING = """(ms) => void (indexedDB.open("edge-store").onsuccess = ({ target }) => {
  const stores = [...target.result.objectStoreNames];
  const records = target.result.transaction(stores, "readwrite").objectStore("meta");
  records.put(new Uint8Array(1), "asleep").onsuccess = () => {
    const { buffer } = new WebAssembly.Memory({ initial: 1, maximum: 1, shared: true });
    Atomics.wait(new Int32Array(buffer), 0, 0, ms);
    records.delete("asleep");
  };
})"""
# A silent writer is waited for 7 s; then come some tries.
SLEEP_MS = 20_000

Open = Callable[[], EdgePage]


@pytest.fixture
def open_tab(serve: Serve, tmp_path: Path, context: BrowserContext) -> Open:
    url = serve(write_site(tmp_path / "site", tasks=[Task("Count", "count", COUNT)]))
    context.route("**/runtime-worker.*.js", with_prefix(IMPATIENT))
    return lambda: EdgePage(context.new_page(), url).open()


def ready_tabs(open_tab: Open, count: int) -> list[EdgePage]:
    tabs = [open_tab() for _ in range(count)]
    for tab in tabs:
        tab.ready()
    return tabs


def track(tab: EdgePage, n: int) -> None:
    tab.page.evaluate(
        "(n) => EdgeAI.track({type: 'mta', pageId: 'M', clickId: 'c', props: {n}})", n
    )


def begin(tab: EdgePage, expression: str) -> None:
    """Start a call of the page and keep its promise as ``window.begun``."""
    tab.page.evaluate(f"() => {{ window.begun = settle({expression}); }}")


def end(tab: EdgePage) -> Any:
    return tab.page.evaluate("() => begun")


def until_held_up(tab: EdgePage, state: str, nth: int = 1) -> dict[str, Any]:
    """Wait until a tab hears for the ``nth`` time that somebody did not get at the store."""
    script = """([state, nth]) => new Promise((ok) => {
      const check = () => {
        const told = seen.status.filter((status) => status.error && status.state === state);
        if (told.length >= nth) ok(told[nth - 1]);
      };
      EdgeAI.on("status", check);
      check();
    })"""
    status: dict[str, Any] = tab.page.evaluate(script, [state, nth])
    return status


def roles(tabs: list[EdgePage]) -> list[str]:
    return sorted(str(tab.call("statistics")["ok"]["role"]) for tab in tabs)


def states(tab: EdgePage) -> set[str]:
    return {str(status["state"]) for status in tab.seen("status")}


def test_a_writer_that_froze_in_the_middle_of_a_write_is_waited_for_by_one_tab_after_the_other(
    open_tab: Open,
) -> None:
    tabs = ready_tabs(open_tab, 3)
    writer, *others = tabs
    track(writer, 0)
    writer.call("put", "k", 1)

    worker_of(writer.page).evaluate(SLEEP_WRITING, SLEEP_MS)
    for n, tab in enumerate(others, 1):
        track(tab, n)
        begin(tab, f"EdgeAI.put('profile.{n}', {n})")
    told = [until_held_up(tab, "role") for tab in others]

    assert [each["error"]["code"] for each in told] == ["boot-timeout"] * 2
    assert [end(tab) for tab in others] == [{"ok": None}] * 2
    writer.until("status", state="role", role="follower")
    assert roles(tabs) == ["follower", "follower", "writer"]
    for tab in tabs:
        assert "ok" in tab.call("flush") and tab.value("count") == [0, 1, 2]
        assert [tab.call("get", key)["ok"] for key in ("k", "profile.1", "profile.2")] == [1, 1, 2]
    # One that just got at the store when its time was over has used up a number.
    assert writer.call("statistics")["ok"]["store"]["generation"] >= 2
    assert [tab.failures for tab in tabs] == [[]] * 3


def test_what_somebody_holds_is_tried_for_in_turn_and_every_call_waits(
    open_tab: Open, context: BrowserContext
) -> None:
    writer, *others = ready_tabs(open_tab, 3)
    track(writer, 0)
    assert "ok" in writer.call("put", "k", 1)
    holder = Databases(context.new_page()).open(f"{writer.url}/blank.html")

    holder.occupy()
    writer.page.close()
    new = open_tab()
    track(new, 3)
    begin(new, "EdgeAI.get('k')")
    for n, tab in enumerate(others, 1):
        track(tab, n)
        begin(tab, f"EdgeAI.put('profile.{n}', {n})")
    for tab in others:
        told = until_held_up(tab, "role", 4)
        assert (told["role"], told["error"]["details"]) == ("follower", {"step": "core"})
    assert until_held_up(new, "booting", 2)["error"]["code"] == "boot-timeout"
    holder.vacate()

    assert [end(tab) for tab in others] == [{"ok": None}] * 2
    assert end(new) == {"ok": 1}
    tabs = [*others, new]
    for tab in tabs:
        assert "ok" in tab.call("flush")
    assert [tab.value("count") for tab in tabs] == [[0, 1, 2, 3]] * 3
    assert roles(tabs) == ["follower", "follower", "writer"]
    # Whoever was given up has never become a writer, not even late.
    assert new.call("statistics")["ok"]["store"]["generation"] == 2
    assert new.call("put", "k", 2) == {"ok": None}
    assert not any("failed" in states(tab) for tab in tabs)
    assert [tab.failures for tab in tabs] == [[]] * 3
    assert [line for tab in tabs for line in tab.seen("log")] == []
    for tab in others:
        tab.page.close()
    assert new.open().ready()["problems"] == []
    assert new.value("count") == [0, 1, 2, 3]
    assert [new.call("get", key)["ok"] for key in ("k", "profile.1", "profile.2")] == [2, 1, 2]
