"""Workers that end anywhere, for real: what was acknowledged is there, and nothing is torn.

First the store's scripts on IndexedDB and WebCrypto in a worker that is terminated at every call
they make; then the whole product, in the ways in which workers, pages and processes end.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Page

from .conftest import Serve
from .edge_page import EdgePage
from .site import Task, write_site
from .victim.command import NAMES, Calls, Commander, commanders, counted, own_calls, strike
from .workers import worker_of

SIDES = ("before", "after")
SEEDS = range(3)
UNDER_WAY = 5


@pytest.fixture(scope="module")
def pair(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Commander]]:
    with commanders(browser, tmp_path_factory.mktemp("victims"), 2) as both:
        yield both


@pytest.fixture(scope="module")
def calls(pair: list[Commander]) -> Calls:
    return counted(pair)


@pytest.mark.parametrize("name", NAMES)
def test_a_worker_may_end_before_and_behind_every_call(
    pair: list[Commander], calls: Calls, name: str
) -> None:
    blow = {"script": name, "kind": "kill"}

    strike(
        pair,
        [{**blow, "call": call, "when": when} for call in own_calls(calls, name) for when in SIDES],
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_a_worker_may_end_while_a_call_is_under_way(
    pair: list[Commander], calls: Calls, seed: int
) -> None:
    chance = random.Random(seed)

    strike(
        pair,
        [
            {
                "script": name,
                "call": chance.choice(own_calls(calls, name)),
                "when": "under way",
                "kind": "kill",
                "delay_ms": chance.choice((0, chance.uniform(0, 3))),
            }
            for name in NAMES
            for _ in range(UNDER_WAY)
        ],
    )


def test_there_are_hundreds_of_points_with_every_kind_of_call_among_them(calls: Calls) -> None:
    found = {name: own_calls(calls, name) for name in NAMES}

    counts = {name: len(SIDES) * len(each) for name, each in found.items()}
    assert sum(counts.values()) >= 400, counts
    assert len(SEEDS) >= 3
    assert {calls[name][call] for name, each in found.items() for call in each} == {
        *("storage.open", "storage.get", "storage.read", "storage.write"),
        *("storage.close", "storage.erase"),
        *("crypto.openRoot", "crypto.deleteRoot", "crypto.createKey", "crypto.loadKey"),
        *("crypto.seal", "crypto.unseal", "crypto.readNote", "crypto.writeNote", "crypto.erase"),
    }


COUNT = """
async def run(ctx, activation):
    rows = await ctx.query("select props->>'n' as n from events where page_id = 'M' order by rowid")
    return [row["n"] for row in rows]
"""


def throw_in_worker(page: Page) -> None:
    worker_of(page).evaluate("() => void setTimeout(() => { throw new Error('boom') })")
    page.evaluate("() => until('status', {state: 'ready'}, 2)")


def close_worker(page: Page) -> None:
    worker_of(page).evaluate("() => self.close()")


def close_page(page: Page) -> None:
    page.close()


def crash_process(page: Page) -> None:
    session = page.context.new_cdp_session(page)

    def send(_: object) -> None:
        # Nobody is left to answer it.
        with suppress(Error):
            session.send("Page.crash")

    page.once("console", send)
    # The process may be gone before this call's own answer.
    with page.expect_event("crash"), suppress(Error):
        page.evaluate("() => void console.log('now')")


def check(edge: EdgePage, told: list[dict[str, Any]]) -> None:
    """Compare what is there with what the pages before were told."""
    events = [n for each in told for n in each.get("events", ())]
    values = [each["value"] for each in told if "value" in each]
    found = edge.value("count")
    assert set(events) <= set(found)
    assert len(set(found)) == len(found)
    if values:
        assert edge.call("get", "profile.n")["ok"] >= max(values)


WAYS: list[Callable[[Page], None]] = [throw_in_worker, close_worker, close_page, crash_process]


@pytest.mark.timeout(300)
def test_the_product_may_end_at_any_moment_in_any_way(
    serve: Serve, tmp_path: Path, context: BrowserContext
) -> None:
    url = serve(write_site(tmp_path / "site", tasks=[Task("Count", "count", COUNT)]))
    chance, told, answered = random.Random(12), [], []

    for number, end in enumerate(WAYS * 3):
        edge = EdgePage(context.new_page(), url)
        edge.page.expose_function("told", lambda what: told.append(what))
        assert edge.open().ready()["problems"] == []
        check(edge, told)
        edge.page.add_script_tag(url="/churn.js")
        edge.page.evaluate("(first) => churn(first)", 10_000 * number)
        moment = [chance.randint(1, 12), chance.uniform(0, 30)]
        edge.page.evaluate("([count, delayMs]) => churned(count, delayMs)", moment)
        end(edge.page)
        answered.append(len(told))
        if end is throw_in_worker:
            # The same page goes on with the next worker.
            check(edge, list(told))
        if not edge.page.is_closed():
            edge.page.close()

    edge = EdgePage(context.new_page(), url).open()
    assert edge.ready()["problems"] == []
    check(edge, told)
    assert answered == sorted(set(answered)) and len(answered) == 12
