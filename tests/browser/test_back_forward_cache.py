"""Pages that are kept, hidden and shown, in a whole browser and in one that never does so."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from .conftest import Serve
from .plain_chromium import Build, PlainChromium, PlainTab, builds
from .site import ECHO, Task, write_site
from .test_left_page import BROUGHT, HAS_PAPER, PAPERS

EVENTS = """
async def run(ctx, activation):
    return await ctx.query("select type, page_id, click_id from events order by id")
"""
FLUSH = "() => settle(EdgeAI.flush())"
REMEMBER = """() => {
  window.shown = [];
  addEventListener("pageshow", ({ persisted }) => shown.push(persisted));
}"""
HELD = "async () => (await navigator.locks.query()).held.map(({ name }) => name)"
CLICK = "(id) => document.getElementById(id).click()"

Open = Callable[[], PlainTab]


@pytest.fixture(scope="module", params=builds(), ids=lambda build: build.name)
def build(request: pytest.FixtureRequest) -> Build:
    chosen: Build = request.param
    return chosen


@pytest.fixture
def open_tab(serve: Serve, tmp_path: Path, build: Build, playwright: Playwright) -> Iterator[Open]:
    tasks = [Task("Echo", "echo", ECHO), Task("Events", "events", EVENTS)]
    site = write_site(tmp_path / "site", tasks=tasks)
    index = (site / "index.html").read_text()
    (site / "papers.js").write_text(PAPERS)
    papers = '<script src="/papers.js"></script>'
    (site / "index.html").write_text(index.replace("<script", f"{papers}<script", 1))
    url = serve(site)
    tabs: list[PlainTab] = []
    with ExitStack() as ends:
        context = ends.enter_context(PlainChromium(build)).attach(playwright)

        def open_one() -> PlainTab:
            tabs.append(PlainTab(context.new_page(), url).open())
            tabs[-1].ready()
            return tabs[-1]

        yield open_one
        assert [tab.failures for tab in tabs] == [[]] * len(tabs)


def events(tab: PlainTab) -> list[str]:
    """Return views, exits and clicks: each by what is known of it last."""
    return [row["click_id"] or row["type"] for row in tab.infer("events")]


def shown(tab: PlainTab) -> list[bool] | None:
    """Return how the page was shown since it remembers; None where it is another one."""
    found: list[bool] | None = tab.evaluate("() => window.shown")
    return found


def test_a_page_that_comes_back_goes_on(open_tab: Open, build: Build) -> None:
    tab = open_tab()
    tab.evaluate(REMEMBER)
    tab.click("#buy")
    assert tab.evaluate("() => EdgeAI.put('key', 1)") is None

    tab.open("/blank.html")
    tab.travel(-1)
    tab.ready()
    tab.click("#other")

    assert shown(tab) == ([True] if build.keeps_pages else None)
    assert tab.evaluate("() => EdgeAI.get('key')") == 1
    assert tab.infer("echo")["trigger"] == "api"
    clicks = [event for event in events(tab) if event != "mta.exit"]
    assert clicks == ["mta", "buy", "mta", "other"]
    assert tab.evaluate("() => seen.log") == []


def test_a_kept_page_holds_nothing_that_the_next_page_of_its_site_needs(
    open_tab: Open, build: Build
) -> None:
    tab = open_tab()
    tab.evaluate(REMEMBER)
    # What is clicked just before the page is left goes into its letter.
    tab.evaluate(HAS_PAPER, 1)
    tab.evaluate(CLICK, "buy")
    tab.open("/?second")
    assert tab.ready()["role"] == "writer"
    tab.evaluate(REMEMBER)
    kept = [True] if build.keeps_pages else None

    tab.travel(-1)
    assert shown(tab) == kept
    tab.ready()
    tab.travel(1)
    assert shown(tab) == kept
    tab.ready()

    assert tab.evaluate(HELD) == ["edge-writer"]
    tab.evaluate(BROUGHT)
    found = events(tab)
    assert sorted(event for event in found if event != "mta.exit") == ["buy", *["mta"] * 4]
    # A page that is kept comes back with its exit, or has left it to the next page: it counts once.
    assert (2 if build.keeps_pages else 0) <= found.count("mta.exit") <= 3


def test_another_tab_writes_while_a_page_is_kept(open_tab: Open, build: Build) -> None:
    tab = open_tab()
    tab.evaluate(REMEMBER)
    other = open_tab()
    assert other.roles() == ["ready follower"]
    assert tab.evaluate("() => EdgeAI.put('key', 1)") is None
    tab.evaluate(CLICK, "buy")
    assert tab.evaluate(FLUSH) == {}

    tab.open("/blank.html")
    other.until_writer()
    assert other.evaluate("() => EdgeAI.get('key')") == 1
    other.evaluate("() => EdgeAI.put('key', 2)")
    tab.travel(-1)
    tab.ready()
    tab.evaluate(CLICK, "other")

    assert shown(tab) == ([True] if build.keeps_pages else None)
    assert tab.roles()[-1] == "ready follower"
    assert tab.evaluate("() => EdgeAI.get('key')") == 2
    assert tab.evaluate(FLUSH) == {}
    assert {"buy", "other"} <= set(events(other))
    assert other.evaluate("() => seen.log") == tab.evaluate("() => seen.log") == []


STEPS = (-1, -1, 1, -1, 1, 1, -2, 1, -1, 2)


def test_a_storm_of_back_and_forward_across_pages_loses_and_leaks_nothing(open_tab: Open) -> None:
    tab = open_tab()
    tab.evaluate(CLICK, "buy")
    assert tab.evaluate(FLUSH) == {}
    for path in ("/?second", "/blank.html", "/?third"):
        tab.open(path)

    for steps in STEPS * 2:
        tab.travel(steps)
    tab.ready()
    tab.evaluate(CLICK, "other")

    assert tab.evaluate(FLUSH) == {}
    assert tab.evaluate(HELD) == ["edge-writer"]
    assert [event for event in events(tab) if event in ("buy", "other")] == ["buy", "other"]
    assert tab.evaluate("() => seen.log") == []
    assert "failed" not in tab.evaluate("() => seen.status.map(({ state }) => state)")


EXITS = """() => {
  window.exits = [];
  window.begunMs = performance.now();
  EdgeAI.on("event", ({ type, props }) => type === "mta.exit" && exits.push(props.ms));
}"""
TOLD = "() => ({ exits, passedMs: performance.now() - begunMs })"
STATE = "() => document.visibilityState"


def test_a_tab_that_is_hidden_and_shown_again_and_again_tells_how_long_it_was_seen(
    open_tab: Open, build: Build
) -> None:
    other, tab = open_tab(), open_tab()
    tab.show()
    assert tab.evaluate(STATE) == "visible"
    tab.evaluate(EXITS)

    states = []
    for _ in range(10):
        other.show()
        states.append(tab.evaluate(STATE))
        tab.show()
        states.append(tab.evaluate(STATE))
    told = tab.evaluate(TOLD)

    # The headless shell has a window for every tab: none of them is ever hidden.
    hidden = 10 if build.keeps_pages else 0
    assert states.count("hidden") == len(told["exits"]) == hidden
    # The first one began with the view, before the others were looked at.
    assert 0 <= sum(told["exits"][1:]) <= told["passedMs"]
    tab.evaluate("() => EdgeAI.flush()")
    assert tab.roles() == ["ready follower"]
    assert tab.evaluate("() => seen.log") == []
