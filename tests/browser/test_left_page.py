"""A page that another document replaces: its last events come with the next page of its origin."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route

from tests.letters import legible

from .conftest import Serve
from .edge_page import EdgePage
from .site import ECHO, Task, write_site

EVENTS = """
async def run(ctx, activation):
    return await ctx.query("select id, type, page_id, click_id, props from events order by id")
"""
FIRST = """<a id="link" href="/second.html" data-edge-click="link">Second</a>"""
LETTERS = "() => localStorage.getItem('edge-outbox')"
BROUGHT = """() => new Promise((ok) => {
  const look = () => (localStorage.getItem("edge-outbox") ? setTimeout(look, 20) : ok());
  look();
})"""
# Counts how often a page got paper for a letter.
PAPERS = """
window.papers = 0;
{ const { set } = Object.getOwnPropertyDescriptor(MessagePort.prototype, "onmessage");
  Object.defineProperty(MessagePort.prototype, "onmessage", { configurable: true, set(listener) {
    set.call(this, listener && ((event) => {
      listener(event);
      papers += event.data.value?.pad ? 1 : 0;
    }));
  } }); }
"""
HAS_PAPER = """(count) => new Promise((ok) => {
  const look = () => (papers < count ? setTimeout(look, 20) : ok());
  look();
})"""
TRACK = "() => EdgeAI.track({ type: 'own', pageId: 'secret-page', clickId: 'c' })"

AN_HOUR_AGO = "const now = Date.now; Date.now = () => now() - 3_600_000;"
FULL = """
{ const { put } = IDBObjectStore.prototype;
  IDBObjectStore.prototype.put = function (...args) {
    if (this.name.startsWith("sealed")) throw new DOMException("full", "QuotaExceededError");
    return put.apply(this, args); }; }
"""
# What a page asks of its worker.
ASKED = """
window.asked = [];
const post = MessagePort.prototype.postMessage;
MessagePort.prototype.postMessage = function (message, ...rest) {
  if (message.method) asked.push(message.method);
  return post.call(this, message, ...rest);
};
"""


@pytest.fixture
def edge(serve: Serve, tmp_path: Path, page: Page) -> EdgePage:
    """A shop of two documents; an exit triggers a task."""
    left = {"type": "mta", "pageId": "Test", "needExit": True}
    site = write_site(
        tmp_path / "site",
        tasks=[Task("Left", "left", ECHO), Task("Events", "events", EVENTS)],
        config={"triggers": [{"taskName": "Left", "events": [left]}]},
    )
    index = (site / "index.html").read_text()
    second = index.replace('data-edge-page="Test"', 'data-edge-page="Second"')
    assert second != index
    (site / "index.html").write_text(index.replace("</body>", f"{FIRST}</body>"))
    (site / "second.html").write_text(second)
    page.add_init_script(PAPERS)
    opened = EdgePage(page, serve(site)).open()
    settled(opened)
    return opened


def settled(edge: EdgePage) -> list[dict[str, Any]]:
    """Wait until the page has brought what was left and could leave a letter; return the events."""
    edge.ready()
    edge.page.evaluate(BROUGHT)
    edge.page.evaluate(HAS_PAPER, 1)
    found: list[dict[str, Any]] = edge.value("events")
    return found


def names(events: list[dict[str, Any]]) -> list[str]:
    return [row["click_id"] or f"{row['type']} {row['page_id']}" for row in events]


def test_a_link_that_leaves_keeps_its_click_and_the_exit(edge: EdgePage) -> None:
    edge.page.click("#link")
    edge.page.wait_for_url("**/second.html")
    told = edge.until("result", taskName="Left")
    events = settled(edge)

    assert names(events) == ["mta Test", "link", "mta.exit Test", "mta Second"]
    assert json.loads(events[2]["props"])["ms"] > 0
    assert told["trigger"] == "event"
    assert edge.failures == [] and edge.seen("log") == []


def test_what_lies_between_two_pages_says_nothing(edge: EdgePage) -> None:
    edge.page.evaluate(TRACK)
    edge.open("/blank.html")

    letter = edge.page.evaluate(LETTERS)
    shown = legible(letter)
    assert len(shown) > len(letter) and "secret" not in shown and '"mta' not in shown

    assert names(settled(edge.open())).count("c") == 1
    assert edge.page.evaluate(LETTERS) == ""


def test_a_letter_is_not_opened_behind_an_erasure(edge: EdgePage) -> None:
    edge.open("/blank.html")
    letter = edge.page.evaluate(LETTERS)
    edge.open("/second.html")
    settled(edge)
    edge.page.evaluate("() => EdgeAI.erase()")
    edge.page.evaluate("(letter) => localStorage.setItem('edge-outbox', letter)", letter)

    events = settled(edge.open("/second.html"))

    assert "mta.exit Test" not in names(events)


def test_what_others_write_in_its_place_harms_nothing(edge: EdgePage) -> None:
    edge.open("/blank.html")
    edge.page.evaluate("() => { localStorage['edge-outbox'] += 'x\\n\\u0000 1,2\\n{} {}'; }")

    events = settled(edge.open("/second.html"))

    assert names(events) == ["mta Test", "mta.exit Test", "mta Second"]
    assert edge.failures == [] and edge.seen("log") == []


def test_behind_an_erasure_a_page_leaves_nothing_that_opens(edge: EdgePage) -> None:
    assert edge.call("erase") == {"ok": None}
    edge.page.evaluate(TRACK)
    edge.page.click("#link")
    edge.page.wait_for_url("**/second.html")

    events = settled(edge)

    assert "mta.exit Test" not in names(events) and names(events)[-1] == "mta Second"
    assert edge.failures == [] and edge.seen("log") == []


def test_events_of_an_earlier_visit_are_kept_and_run_nothing(edge: EdgePage) -> None:
    edge.page.add_init_script(f"if (location.pathname === '/') {{ {AN_HOUR_AGO} }}")
    settled(edge.open())
    edge.open("/blank.html")

    events = settled(edge.open("/second.html"))

    assert names(events).count("mta.exit Test") == 2
    assert edge.seen("error") == [] and edge.seen("result") == []


def test_where_nothing_can_be_stored_letters_do_not_grow(edge: EdgePage) -> None:
    edge.page.context.route(re.compile("runtime-worker"), with_a_full_store)
    edge.open("/blank.html")

    for path in ("/second.html", "/", "/second.html", "/"):
        edge.open(path)
        edge.page.evaluate("() => untilStarted()")
        edge.page.evaluate(TRACK)
        assert edge.call("flush")["error"]["code"] in {"storage-full", "store-unavailable"}
    edge.open("/blank.html")

    # A checkpoint, which this stand-in lets through, may take it along; else it waits.
    assert len(edge.page.evaluate(LETTERS).splitlines()) <= 1


def with_a_full_store(route: Route) -> None:
    """Serve the worker's script behind one that lets nothing into the store's log."""
    answer = route.fetch()
    route.fulfill(response=answer, body=FULL + answer.text())


REFUSALS = {
    "before it boots": "window.EdgeAI = { q: [['consent', false]] };",
    "while it boots": """window.EdgeAI = { q: [["on", "status", ({ state }) => {
      if (state === "booting") window.refused ??= EdgeAI.consent(false);
    }]] };""",
}


@pytest.mark.parametrize("when", REFUSALS)
def test_a_letter_is_not_brought_behind_a_refusal(edge: EdgePage, when: str) -> None:
    edge.open("/blank.html")
    edge.page.add_init_script(REFUSALS[when])
    edge.page.add_init_script(ASKED)

    edge.open("/second.html")
    if when == "while it boots":
        edge.until("status", state="booting")
        edge.page.evaluate("() => refused")
    edge.page.evaluate("() => EdgeAI.consent(false)")

    assert "erase" in edge.page.evaluate("() => asked")
    assert "outbox" not in edge.page.evaluate("() => asked")
    assert edge.seen("result") == [] and not edge.page.evaluate(LETTERS)


def test_consent_that_is_taken_back_takes_letters_with_it(edge: EdgePage) -> None:
    edge.open("/blank.html")
    edge.open("/second.html")
    edge.ready()
    edge.page.evaluate("() => { localStorage['edge-outbox'] = 'left 1'; }")

    edge.page.evaluate("() => EdgeAI.consent(false)")

    assert edge.page.evaluate(LETTERS) is None
    edge.open("/blank.html")
    assert edge.page.evaluate(LETTERS) is None
