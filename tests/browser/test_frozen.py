"""Tabs that the browser freezes for real: nothing runs in them until it thaws them."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from .conftest import Serve
from .plain_chromium import PlainChromium, PlainTab, builds
from .site import SYSTEM, Task, write_site

COUNT = """
async def run(ctx, activation):
    rows = await ctx.query("select props->>'n' as n from events where page_id = 'M'")
    return sorted(row["n"] for row in rows)
"""
SLOW = "import asyncio\nasync def run(ctx, activation):\n    await asyncio.sleep(600)\n"
TRACK = """(n) => EdgeAI.track({ type: "mta", pageId: "M", clickId: "c", props: { n } })"""
BEGIN = "(params) => { window.ended = settle(EdgeAI.infer(params)); }"
RESUMED = "() => { document.addEventListener('resume', () => { window.isResumed = true; }); }"

Open = Callable[[], PlainTab]


@pytest.fixture
def open_tab(serve: Serve, tmp_path: Path, playwright: Playwright) -> Iterator[Open]:
    tasks = [
        Task("Count", "count", COUNT),
        Task("Slow", "slow", SLOW, {"timeout_ms": 600_000}),
    ]
    url = serve(write_site(tmp_path / "site", tasks=tasks))
    tabs: list[PlainTab] = []
    with ExitStack() as ends:
        context = ends.enter_context(PlainChromium(builds()[0])).attach(playwright)

        def open_one() -> PlainTab:
            tabs.append(PlainTab(context.new_page(), url).open())
            tabs[-1].ready()
            tabs[-1].evaluate(RESUMED)
            return tabs[-1]

        yield open_one
        assert [tab.failures for tab in tabs] == [[]] * len(tabs)
        assert [tab.evaluate("() => seen.log") for tab in tabs] == [[]] * len(tabs)


def test_a_frozen_writer_holds_nothing_up_and_follows_when_it_thaws(open_tab: Open) -> None:
    writer, follower = open_tab(), open_tab()
    writer.evaluate(TRACK, 1)
    writer.evaluate("() => EdgeAI.flush()")
    writer.evaluate("() => EdgeAI.put('a', 1)")
    writer.evaluate(BEGIN, {"systemCode": SYSTEM, "businessCode": "slow"})
    writer.evaluate(TRACK, 2)

    writer.freeze()
    # The freezing is answered before the page has heard of it.
    follower.until_writer()
    follower.evaluate(TRACK, 3)
    follower.evaluate("() => EdgeAI.flush()")
    assert follower.roles() == ["ready follower", "role writer"]
    assert {1, 3} <= set(follower.infer("count"))
    assert follower.evaluate("() => EdgeAI.get('a')") == 1
    writer.thaw()

    assert writer.evaluate("() => isResumed")
    writer.evaluate("() => EdgeAI.flush()")
    assert writer.infer("count") == follower.infer("count") == [1, 2, 3]
    assert writer.evaluate("() => ended")["error"]["code"] == "worker-lost"
    assert writer.roles() == ["ready writer", "ready follower"]


def test_a_frozen_follower_loses_nothing(open_tab: Open) -> None:
    writer, follower = open_tab(), open_tab()
    follower.evaluate(TRACK, 1)
    follower.freeze()
    writer.evaluate(TRACK, 2)
    writer.evaluate("() => EdgeAI.flush()")

    follower.thaw()
    follower.evaluate("() => EdgeAI.flush()")

    assert follower.infer("count") == writer.infer("count") == [1, 2]
    assert writer.roles() == ["ready writer"]
    assert follower.roles() == ["ready follower"] * 2


def test_the_only_tab_goes_on_after_it_was_frozen_again_and_again(open_tab: Open) -> None:
    tab = open_tab()
    for n in range(3):
        tab.evaluate(TRACK, n)
        tab.freeze()
        tab.thaw()
        tab.evaluate("() => EdgeAI.flush()")

    assert tab.infer("count") == [0, 1, 2]
    assert tab.roles() == ["ready writer"] * 4
