"""Several tabs of one origin: one runs Python and owns the store, the others follow, any may go."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Request

from .conftest import Serve
from .edge_page import EdgePage
from .site import ECHO, SYSTEM, Task, click_trigger, with_prefix, write_site
from .workers import running_at_last, worker_of

COUNT = """
async def run(ctx, activation):
    rows = await ctx.query("select props->>'n' as n from events where page_id = 'M'")
    return sorted(row["n"] for row in rows)
"""
SLOW = "import asyncio\nasync def run(ctx, activation):\n    await asyncio.sleep(600)\n"
SIZE = """
async def run(ctx, activation):
    data = activation.ext_data["photo"]
    return {"size": len(data), "back": data[::-1]}
"""
TASKS = [
    Task("Echo", "echo", ECHO),
    Task("Count", "count", COUNT),
    Task("Slow", "slow", SLOW, {"timeout_ms": 600_000}),
    Task("Size", "size", SIZE),
]
CRASH = "() => void setTimeout(() => { throw new Error('boom') })"
# Nothing runs in the worker meanwhile, as in one that the browser froze; it tells when that begins.
HANG = """(ms) => void setTimeout(() => {
  new BroadcastChannel("test").postMessage("hanging");
  const end = performance.now() + ms;
  while (performance.now() < end);
})"""
LISTEN = """() => {
  window.hanging = new Promise((ok) => { new BroadcastChannel("test").onmessage = () => ok(); });
}"""
# Longer than a silent writer is waited for (7 s), shorter than its page waits for an answer (10 s).
HANG_MS = 8_500
UNTIL_ROLE = """(role) => new Promise((ok) => {
  const check = () => {
    const last = seen.status.findLast((status) => status.role);
    if (last?.role === role) ok(last);
  };
  EdgeAI.on("status", check);
  check();
})"""
NO_LOCKS = "Object.defineProperty(navigator, 'locks', { value: undefined });"

Open = Callable[[], EdgePage]


@pytest.fixture
def url(serve: Serve, tmp_path: Path) -> str:
    config = {"triggers": [click_trigger("Echo", "buy")]}
    return serve(write_site(tmp_path / "site", tasks=TASKS, config=config))


@pytest.fixture
def open_tab(url: str, context: BrowserContext) -> Iterator[Open]:
    """Open one tab after the other; none may have had an uncaught error."""
    tabs: list[EdgePage] = []

    def open_one() -> EdgePage:
        tab = EdgePage(context.new_page(), url)
        tabs.append(tab)
        tab.open().ready()
        return tab

    yield open_one
    assert [tab.failures for tab in tabs] == [[]] * len(tabs)


def last_role(tab: EdgePage) -> str:
    roles = [status["role"] for status in tab.seen("status") if "role" in status]
    return str(roles[-1])


def until_role(tab: EdgePage, role: str) -> dict[str, Any]:
    status: dict[str, Any] = tab.page.evaluate(UNTIL_ROLE, role)
    return status


def track(tab: EdgePage, *numbers: int) -> None:
    tab.page.evaluate(
        "(numbers) => { for (const n of numbers)"
        " EdgeAI.track({type: 'mta', pageId: 'M', clickId: 'c', props: {n}}); }",
        list(numbers),
    )


def hang(tab: EdgePage) -> None:
    tab.page.evaluate(LISTEN)
    worker_of(tab.page).evaluate(HANG, HANG_MS)
    tab.page.evaluate("() => hanging")


def begin(tab: EdgePage, name: str, expression: str) -> None:
    """Start a call of the page and keep its promise as ``window.<name>``."""
    tab.page.evaluate(f"() => {{ window.{name} = settle({expression}); }}")


def end(tab: EdgePage, name: str) -> Any:
    return tab.page.evaluate(f"() => {name}")


def noted(seen: list[str], request: Request) -> None:
    seen.append(request.url)


def test_a_second_tab_follows_without_python(url: str, context: BrowserContext) -> None:
    requests: dict[str, list[str]] = {"first": [], "second": []}
    tabs = {}
    for name, seen in requests.items():
        page = context.new_page()
        page.on("request", partial(noted, seen))
        tabs[name] = EdgePage(page, url).open()
        tabs[name].ready()

    first, second = (tab.seen("status")[-1] for tab in tabs.values())
    assert (first["role"], first["boot"]["mode"]) == ("writer", "snapshot")
    assert (second["role"], second["boot"]["mode"]) == ("follower", "forwarding")
    assert second["boot"]["stepsMs"] == {} and second["problems"] == []
    assert any("/pyodide" in each for each in requests["first"])
    assert not [each for each in requests["second"] if "/pyodide" in each or "/snapshot" in each]
    assert len(tabs["second"].page.workers) == 1


def test_a_followers_events_values_and_calls_are_the_writers(open_tab: Open) -> None:
    writer, follower = open_tab(), open_tab()

    track(follower, 1, 2)
    assert follower.call("flush") == {"ok": None}
    track(writer, 3)
    assert follower.call("put", "k", {"a": [1]}) == {"ok": None}
    assert writer.call("get", "k") == {"ok": {"a": [1]}}
    assert [tab.value("count") for tab in (writer, follower)] == [[1, 2, 3]] * 2
    assert follower.value("echo", {"x": "二"})["ext"] == {"x": "二"}
    assert follower.infer("nothing")["error"]["code"] == "task-unknown"
    assert follower.call("delete", "k") == {"ok": None}
    assert follower.call("get", "k") == {"ok": None}


def test_statistics_say_whose_they_are(open_tab: Open) -> None:
    writer, follower = open_tab(), open_tab()
    writer.value("echo")
    follower.value("echo")

    ours, theirs = (tab.call("statistics")["ok"] for tab in (writer, follower))

    assert (ours["role"], ours["boot"]["mode"]) == ("writer", "snapshot")
    assert (theirs["role"], theirs["boot"]["mode"]) == ("follower", "forwarding")
    assert ours["tasks"]["Echo"]["runs"] == theirs["tasks"]["Echo"]["runs"] == 2
    assert ours["memory"] == theirs["memory"]


def test_bytes_of_a_follower_travel_both_ways(open_tab: Open) -> None:
    open_tab()
    follower = open_tab()

    back = follower.page.evaluate(
        """async (system) => { const r = await EdgeAI.infer({systemCode: system,
          businessCode: "size", extData: {photo: new Blob([new Uint8Array([1, 2, 255])])}});
          return [r.value.size, r.value.back instanceof Uint8Array, [...r.value.back]]; }""",
        SYSTEM,
    )

    assert back == [3, True, [255, 2, 1]]


def test_what_a_click_started_is_told_to_its_tab_only(open_tab: Open) -> None:
    writer, follower, third = open_tab(), open_tab(), open_tab()

    follower.page.click("#buy")
    told = follower.until("result", taskName="Echo")
    writer.page.click("#buy")
    writer.until("result", taskName="Echo")
    third.call("flush")

    assert told["value"]["trigger"] == "event"
    assert [len(tab.seen("result")) for tab in (writer, follower, third)] == [1, 1, 0]


def test_a_run_ends_by_its_own_tabs_signal_or_with_its_tab(open_tab: Open) -> None:
    writer, follower = open_tab(), open_tab()
    call = f"EdgeAI.infer({{systemCode: '{SYSTEM}', businessCode: 'slow', signal: stop.signal}})"
    for tab in (writer, follower):
        tab.page.evaluate("() => { window.stop = new AbortController(); }")
        begin(tab, "run", call)
    follower.call("get", "until here")

    follower.page.evaluate("() => stop.abort()")
    assert end(follower, "run")["error"]["code"] == "run-cancelled"
    begin(follower, "again", call.replace(", signal: stop.signal", ""))
    follower.call("get", "until here")
    follower.page.close()

    queues = writer.page.evaluate(
        """async () => {
          const running = async () => Object.values((await EdgeAI.statistics()).queues)
            .reduce((sum, queue) => sum + queue.running, 0);
          let now;
          do now = await running(); while (now > 1);
          return now;
        }"""
    )
    assert queues == 1
    writer.page.evaluate("() => stop.abort()")
    assert end(writer, "run")["error"]["code"] == "run-cancelled"


def test_when_the_writers_tab_is_closed_a_follower_takes_over(open_tab: Open) -> None:
    writer, follower, third = open_tab(), open_tab(), open_tab()
    track(writer, 1)
    track(third, 2)
    third.call("flush")
    begin(third, "run", f"EdgeAI.infer({{systemCode: '{SYSTEM}', businessCode: 'slow'}})")
    third.call("put", "before", 1)

    writer.page.close()
    track(third, 3)
    begin(third, "put", "EdgeAI.put('during', 2)")
    status = until_role(follower, "writer")

    assert status["state"] == "role" and status["boot"]["mode"] == "snapshot"
    assert end(third, "put") == {"ok": None}
    assert end(third, "run")["error"]["code"] == "worker-lost"
    assert third.value("count") == [1, 2, 3]
    assert [third.call("get", key)["ok"] for key in ("before", "during")] == [1, 2]
    assert (last_role(follower), last_role(third)) == ("writer", "follower")


def test_a_crashed_writer_comes_back_as_a_follower(open_tab: Open) -> None:
    writer, follower = open_tab(), open_tab()
    track(writer, 1)
    writer.call("flush")

    worker_of(writer.page).evaluate(CRASH)
    track(writer, 2)
    track(follower, 3)
    until_role(follower, "writer")
    until_role(writer, "follower")
    writer.call("flush")

    assert writer.value("count") == follower.value("count") == [1, 2, 3]


def test_a_frozen_writer_is_replaced_and_follows_when_it_thaws(open_tab: Open) -> None:
    writer, follower = open_tab(), open_tab()
    track(writer, 1)
    writer.call("flush")

    hang(writer)
    track(writer, 2)
    begin(writer, "put", "EdgeAI.put('a', 1)")
    track(follower, 3)
    begin(follower, "put", "EdgeAI.put('b', 2)")
    until_role(follower, "writer")
    assert end(follower, "put") == {"ok": None}

    until_role(writer, "follower")
    assert end(writer, "put") == {"ok": None}
    writer.call("flush")
    assert writer.value("count") == follower.value("count") == [1, 2, 3]
    assert [follower.call("get", key)["ok"] for key in ("a", "b")] == [1, 2]
    assert last_role(follower) == "writer"


def test_a_hidden_tab_stays_the_writer(open_tab: Open) -> None:
    writer, follower = open_tab(), open_tab()

    writer.page.evaluate(
        "() => { Object.defineProperty(document, 'visibilityState', { value: 'hidden' });"
        " document.dispatchEvent(new Event('visibilitychange')); }"
    )
    follower.call("flush")

    assert writer.call("statistics")["ok"]["role"] == "writer"


def test_a_stopped_follower_leaves_python_running(open_tab: Open) -> None:
    writer, follower, third = open_tab(), open_tab(), open_tab()

    track(follower, 1)
    follower.call("stop")
    assert writer.value("count") == third.value("count") == [1]

    writer.call("stop")
    until_role(third, "writer")
    assert third.value("count") == [1]
    assert running_at_last(follower.page, 1, "runtime-worker").total() == 1
    follower.page.evaluate("() => { EdgeAI.start({config: '/config.json'}); }")
    assert follower.value("count") == [1]
    assert follower.call("statistics")["ok"]["role"] == "follower"


def test_a_reload_and_a_navigation_of_the_only_tab_give_a_writer(open_tab: Open) -> None:
    tab = open_tab()
    track(tab, 1)
    tab.call("flush")

    for path in ("/", "/?other"):
        status = tab.open(path).ready()
        assert (status["role"], status["boot"]["mode"]) == ("writer", "snapshot")
        assert tab.value("count") == [1]


def test_five_tabs_come_and_go(open_tab: Open) -> None:
    tabs = [open_tab() for _ in range(5)]
    assert [last_role(tab) for tab in tabs] == ["writer", *["follower"] * 4]

    for number, tab in enumerate(tabs):
        track(tab, number)
        assert tab.call("put", f"k{number}", number) == {"ok": None}
    while len(tabs) > 1:
        gone = tabs.pop(0)
        track(tabs[-1], 10 + len(tabs))
        gone.page.close()
        until_role(tabs[0], "writer")

    assert tabs[0].value("count") == [0, 1, 2, 3, 4, 11, 12, 13, 14]
    assert [tabs[0].call("get", f"k{n}")["ok"] for n in range(5)] == [0, 1, 2, 3, 4]


KEEP_PUTTING = """() => {
  window.putting = (async () => {
    let n = 0;
    for (; !window.enough; n++) {
      EdgeAI.track({type: "mta", pageId: "M", clickId: "c", props: {n}});
      await EdgeAI.put("n" + n, n);
    }
    await EdgeAI.flush();
    return n;
  })();
}"""
STOP_PUTTING = """async () => {
  window.enough = true;
  const count = await putting;
  return Promise.all([...Array(count).keys()].map((n) => EdgeAI.get("n" + n)));
}"""


def test_what_is_acknowledged_outlives_one_writer_after_the_other(open_tab: Open) -> None:
    first, second, third = (open_tab() for _ in range(3))
    busy = open_tab()
    busy.page.evaluate(KEEP_PUTTING)

    busy.call("flush")
    worker_of(first.page).evaluate(CRASH)
    until_role(second, "writer")
    busy.call("flush")
    second.page.close()
    until_role(third, "writer")
    busy.call("flush")
    third.page.evaluate("() => document.dispatchEvent(new Event('freeze'))")
    until_role(busy, "writer")
    kept = busy.page.evaluate(STOP_PUTTING)

    assert len(kept) > 3
    assert kept == busy.value("count") == list(range(len(kept)))


def test_without_locks_the_tab_that_came_last_writes(url: str, context: BrowserContext) -> None:
    first, second = (EdgePage(context.new_page(), url) for _ in range(2))
    for tab in (first, second):
        tab.page.route("**/runtime-worker.*.js", with_prefix(NO_LOCKS))
        status = tab.open().ready()
        assert (status["role"], status["boot"]["mode"]) == ("writer", "snapshot")

    track(second, 2)
    assert second.call("flush") == {"ok": None}
    begin(first, "put", "EdgeAI.put('k', 1)")
    failed = first.until("status", state="failed")

    assert failed["error"]["code"] == "writer-superseded"
    assert end(first, "put")["error"]["code"] == "writer-superseded"
    assert second.call("get", "k") == {"ok": None}
    assert second.value("count") == [2]
