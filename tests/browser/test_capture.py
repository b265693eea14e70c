"""What of a real page becomes an event: clicks of all kinds, exposures, exits, routes."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import Serve
from .edge_page import EdgePage
from .site import ECHO, SLOW_TO_REST, Task, write_site

EVENTS = """
async def run(ctx, activation):
    return await ctx.query("select type, page_id, click_id, pv, props from events order by id")
"""
BODY = """
<div data-edge-click="host" id="host"></div>
<button id="picture" data-edge-click="picture">
  <svg width="40" height="40"><g><circle r="20" cx="20" cy="20"/></g></svg>
</button>
<label id="label" data-edge-click="label">
  Agree <input id="agree" type="checkbox" data-edge-click="agree">
</label>
<label id="plain" for="field">Name</label>
<input id="field" data-edge-click="field" value="typed">
<button id="key" data-edge-click="key">Key</button>
<a id="middle" href="/blank.html" data-edge-click="middle">Link</a>
<button id="gone" data-edge-click="gone">Gone</button>
<button id="deaf" data-edge-click="deaf">Deaf</button>
<fieldset disabled><button id="off" data-edge-click="off"><b>Off</b></button></fieldset>
<div data-edge-ignore><button id="ignored" data-edge-click="ignored">Ignored</button></div>
<button id="old" clstag="pageclick|keycount|home|7">Old</button>
<button id="older" report-eventid="Cart_Add" report-pagename="Detail"
  report-eventparam="100_2">Older</button>
"""
# More than a screen: the page's policy lets no markup set a height.
FOLD = "<br>" * 200
SEEN = """<p id="first" data-edge-expose="first" data-edge-props='{"sku": 7}'>First</p>"""


@pytest.fixture
def edge(serve: Serve, tmp_path: Path, page: Page) -> EdgePage:
    expose = {"type": "mta", "pageId": "Test", "exposureIds": ["first", "second"]}
    rest = {"type": "mta", "pageId": "/rest", "needPv": True}
    site = write_site(
        tmp_path / "site",
        tasks=[Task("Echo", "echo", ECHO), Task("Events", "events", EVENTS)],
        config={"triggers": [{"taskName": "Echo", "events": [expose, rest]}]},
    )
    index = (site / "index.html").read_text()
    (site / "index.html").write_text(index.replace("</body>", f"{BODY}{FOLD}{SEEN}</body>"))
    page.add_init_script(SLOW_TO_REST)
    opened = EdgePage(page, serve(site)).open()
    opened.ready()
    return opened


def clicks(edge: EdgePage) -> list[tuple[str, str, str]]:
    """Return page id, click id and props of all clicks."""
    return [
        (row["page_id"], row["click_id"], row["props"])
        for row in edge.value("events")
        if row["type"] == "mta" and not row["pv"]
    ]


SHADOW = """() => {
  const outer = document.getElementById("host").attachShadow({ mode: "open" });
  outer.innerHTML = "<section></section>";
  const inner = outer.firstChild.attachShadow({ mode: "open" });
  inner.innerHTML = '<button data-edge-click="deep"><i>Deep</i></button><button>Shallow</button>';
}"""


def test_a_click_is_found_through_shadow_roots_and_pictures(edge: EdgePage) -> None:
    edge.page.evaluate(SHADOW)

    edge.page.click("#host i")
    edge.page.click("#host >> text=Shallow")
    edge.page.click("#picture circle")

    assert [click for _, click, _ in clicks(edge)] == ["deep", "host", "picture"]


def test_a_click_on_a_label_or_by_a_key_counts_once(edge: EdgePage) -> None:
    page = edge.page

    page.click("#label", position={"x": 2, "y": 8})
    page.click("#agree")
    page.click("#plain")
    page.focus("#key")
    page.keyboard.press("Enter")
    page.keyboard.press("Space")
    page.focus("#agree")
    page.keyboard.press("Space")

    expected = ["label", "agree", "field", "key", "key", "agree"]
    assert [click for _, click, _ in clicks(edge)] == expected
    assert page.is_checked("#agree")


def test_other_buttons_scripts_and_the_disabled_are_told_apart(edge: EdgePage) -> None:
    page = edge.page

    page.click("#middle", button="middle")
    page.click("#key", button="right")
    page.evaluate("() => document.getElementById('key').click()")
    page.click("#off", force=True)
    page.click("#off b", force=True)
    page.evaluate(
        "() => document.querySelector('#off b').dispatchEvent(new MouseEvent('click',"
        " { bubbles: true, composed: true }))"
    )
    page.click("#ignored")

    assert clicks(edge) == [
        ("Test", "middle", '{"middle":true}'),
        ("Test", "key", '{"untrusted":true}'),
    ]


REMOVE = """() => {
  document.addEventListener("click", (event) => {
    if (event.target.id === "gone") event.target.remove();
    if (event.target.id === "deaf") event.stopImmediatePropagation();
  }, { capture: true });
  document.getElementById("deaf").addEventListener("click", () => { window.reached = true; });
}"""


def test_what_a_page_does_with_a_click_does_not_matter(edge: EdgePage) -> None:
    edge.page.evaluate(REMOVE)

    edge.page.click("#gone")
    edge.page.click("#deaf")

    assert [click for _, click, _ in clicks(edge)] == ["gone", "deaf"]
    assert edge.page.locator("#gone").count() == 0


def test_older_markup_is_read(edge: EdgePage) -> None:
    edge.page.click("#old")
    edge.page.click("#older")

    assert clicks(edge) == [
        ("Test", "home|7", "{}"),
        ("Detail", "Cart_Add", '{"eventparam":"100_2"}'),
    ]


ADD = """() => {
  const added = document.getElementById("first").cloneNode(true);
  added.dataset.edgeExpose = "second";
  document.body.append(added);
  added.scrollIntoView();
}"""


def exposures(edge: EdgePage) -> list[tuple[str, str, str]]:
    return [
        (row["page_id"], row["click_id"], row["props"])
        for row in edge.value("events")
        if row["type"] == "mta.exposure"
    ]


def test_an_element_that_is_seen_is_an_exposure_once_also_one_that_is_added(edge: EdgePage) -> None:
    assert exposures(edge) == []

    edge.page.evaluate("() => document.getElementById('first').scrollIntoView()")
    edge.page.evaluate("() => until('result', { taskName: 'Echo' })")
    edge.page.evaluate("() => scrollTo(0, 0)")
    edge.page.evaluate(ADD)
    edge.page.evaluate("() => until('result', { taskName: 'Echo' }, 2)")

    assert exposures(edge) == [("Test", name, '{"sku":7}') for name in ("first", "second")]


STORM = """async () => {
  document.body.removeAttribute("data-edge-page");
  const moved = () => new Promise((ok) => addEventListener("popstate", ok, { once: true }));
  for (const path of ["/a", "/b", "/rest"]) history.pushState({}, "", path);
  for (const step of [-1, -1, 1, -1, 1, 1]) { const done = moved(); history.go(step); await done; }
  await until("result", { taskName: "Echo" });
}"""


def views(edge: EdgePage) -> list[Any]:
    rows = edge.value("events")
    return [(row["type"], row["page_id"]) for row in rows if row["pv"]]


def test_a_storm_of_back_and_forward_is_one_view_where_it_ends(edge: EdgePage) -> None:
    edge.page.evaluate(STORM)

    assert views(edge) == [("mta", "Test"), ("mta.exit", "Test"), ("mta", "/rest")]


SHOW = """(state) => {
  Object.defineProperty(document, "visibilityState", { value: state, configurable: true });
  document.dispatchEvent(new Event("visibilitychange", { bubbles: true }));
}"""


def test_a_page_that_is_hidden_has_an_exit_with_its_time(edge: EdgePage) -> None:
    for state in ("hidden", "visible", "hidden"):
        edge.page.evaluate(SHOW, state)

    assert views(edge) == [("mta", "Test"), ("mta.exit", "Test"), ("mta.exit", "Test")]
    exits = [row["props"] for row in edge.value("events") if row["type"] == "mta.exit"]
    assert all(re.fullmatch(r'{"ms":\d+}', props) for props in exits), exits
