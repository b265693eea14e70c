"""What takes storage away while it is used: quota, cut connections, eviction, a moved clock."""

import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.contract.store_scripts import Script, doubts, lost_keys

from .conftest import Serve
from .databases import KEYS, STORE, Databases, OriginStorage
from .edge_page import EdgePage
from .site import Task, with_prefix, write_site
from .victim.command import NAMES, Calls, Commander, commanders, counted, own_calls, strike
from .workers import worker_of

# What the module needs is made in the time of its first test.
pytestmark = pytest.mark.timeout(300)

COUNT = """
async def run(ctx, activation):
    rows = await ctx.query("select props->>'n' as n from events where page_id = 'M' order by rowid")
    return [row["n"] for row in rows]
"""
# Nothing of the databases is touched by these.
PURE = {"crypto.seal", "crypto.unseal", "crypto.createKey", "crypto.loadKey"}
# Whose connection ended without a word does not hear that the keys are deleted, until it asks.
UNNOTICED = {("cut", lost_keys.__name__)}
WITHOUT_STORAGE = {
    "no IndexedDB": "Object.defineProperty(globalThis, 'indexedDB', { value: undefined });",
    "refused": "indexedDB.open = () => { throw new DOMException('denied', 'SecurityError'); };",
    "failing": """IDBFactory.prototype.open = () => {
      const request = new EventTarget();
      request.error = new DOMException('no database in a private window', 'InvalidStateError');
      queueMicrotask(() => request.dispatchEvent(new Event('error')));
      return request;
    };""",
}
SET_BACK = "() => { const now = Date.now; Date.now = () => now() - 86_400_000; }"


@pytest.fixture
def unopened(serve: Serve, tmp_path: Path, page: Page) -> EdgePage:
    return EdgePage(page, serve(write_site(tmp_path / "site", tasks=[Task("C", "count", COUNT)])))


@pytest.fixture
def storage(unopened: EdgePage) -> OriginStorage:
    return OriginStorage(unopened.page, unopened.url)


@pytest.fixture
def edge(unopened: EdgePage) -> EdgePage:
    assert unopened.open().ready()["problems"] == []
    return unopened


def track(edge: EdgePage, *numbers: int) -> None:
    edge.page.evaluate(
        "(numbers) => { for (const n of numbers)"
        " EdgeAI.track({type: 'mta', pageId: 'M', clickId: 'c', props: {n}}); }",
        list(numbers),
    )
    assert "ok" in edge.call("flush")


def store_of(edge: EdgePage) -> dict[str, Any]:
    found: dict[str, Any] = edge.call("statistics")["ok"]["store"]
    return found


def problems_on_reload(edge: EdgePage) -> list[dict[str, Any]]:
    problems: list[dict[str, Any]] = edge.open().ready()["problems"]
    return problems


@pytest.fixture(scope="module")
def pair(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Commander]]:
    with commanders(browser, tmp_path_factory.mktemp("victims"), 2) as both:
        yield both


@pytest.fixture(scope="module")
def calls(pair: list[Commander]) -> Calls:
    return counted(pair)


@pytest.mark.parametrize("kind", ["cut", "sever", "upgrade"])
def test_a_connection_may_end_at_any_call(pair: list[Commander], calls: Calls, kind: str) -> None:
    chance = random.Random(kind)
    blows = [
        {"script": name, "kind": kind, "call": n, "when": chance.choice(("before", "under way"))}
        for name in NAMES
        for n in own_calls(calls, name)
        if calls[name][n] not in PURE and (kind, name) not in UNNOTICED
    ]

    assert len(blows) > 100
    strike(pair, blows)


@pytest.mark.parametrize("script", [lost_keys, doubts], ids=lambda script: script.__name__)
@pytest.mark.parametrize("when", ["before", "after"])
def test_who_is_told_of_a_failed_write_goes_on_from_what_is_there(
    pair: list[Commander], calls: Calls, script: Script, when: str
) -> None:
    name = script.__name__
    blows = [
        {"script": name, "kind": "deny", "call": n, "when": when}
        for n in own_calls(calls, name)
        if calls[name][n] == "storage.write"
    ]

    assert len(blows) >= 10
    strike(pair, blows)


def test_a_full_quota_costs_the_spare_then_what_is_new_waits_and_all_ends_by_itself(
    storage: OriginStorage, unopened: EdgePage
) -> None:
    storage.limit(3_000_000)
    edge = unopened
    edge.open().ready()
    edge.page.add_script_tag(url="/fill.js")

    before = edge.page.evaluate("() => fillToACheckpoint()")
    filled = edge.page.evaluate("() => fill()")
    refused = edge.call("put", "profile.n", 1)["error"]

    assert filled["error"]["code"] == "storage-full"
    assert refused["code"] == "store-unavailable"
    assert edge.until_store("memory-only")["reason"]["code"] == "storage-full"
    full = store_of(edge)
    # The segments behind the checkpoint were the spare.
    assert full["segments"] < before["segments"] and full["pendingOps"] > 0
    assert edge.value("count") == list(range(full["purgedEvents"], filled["tracked"]))

    storage.lift()
    edge.until_store("durable")
    assert "ok" in edge.call("flush") and "ok" in edge.call("put", "profile.n", 2)
    purged = store_of(edge)["purgedEvents"]
    assert problems_on_reload(edge) == []
    assert edge.value("count") == list(range(purged, filled["tracked"]))
    assert filled["acknowledged"] >= 600
    assert edge.call("get", "profile.n") == {"ok": 2}
    assert edge.failures == []


def test_what_is_evicted_while_it_is_open_makes_room_for_what_is_new(
    storage: OriginStorage, edge: EdgePage
) -> None:
    track(edge, 1)
    edge.call("put", "profile.old", 1)

    storage.clear()
    track(edge, 2)
    assert "ok" in edge.call("put", "profile.new", 2)

    assert problems_on_reload(edge) == []
    assert edge.value("count") == [2]
    assert edge.call("get", "profile.new") == {"ok": 2}
    assert edge.call("get", "profile.old") == {"ok": None}


def test_what_was_evicted_between_two_loads_is_a_first_start(
    storage: OriginStorage, edge: EdgePage
) -> None:
    track(edge, 1)
    edge.page.goto(f"{edge.url}/blank.html")

    storage.clear()

    assert problems_on_reload(edge) == []
    assert edge.value("count") == []
    track(edge, 2)
    assert problems_on_reload(edge) == []
    assert edge.value("count") == [2]


def test_another_page_may_delete_the_data_while_it_is_open(edge: EdgePage) -> None:
    track(edge, 1)
    other = Databases(edge.page.context.new_page())
    other.open(f"{edge.url}/blank.html")

    other.drop(STORE)
    track(edge, 2)

    told = edge.until("status", state="store")["store"]["problems"]
    assert "deleted" in [problem["details"].get("lost") for problem in told]
    assert edge.value("count") == [2]
    assert problems_on_reload(edge) == []
    assert edge.value("count") == [2]


def test_another_page_may_delete_the_keys_while_they_are_in_use(edge: EdgePage) -> None:
    track(edge, 1)
    edge.call("put", "profile.n", 1)
    other = Databases(edge.page.context.new_page())
    other.open(f"{edge.url}/blank.html")

    other.drop(KEYS)
    track(edge, 2)

    assert problems_on_reload(edge) == []
    assert edge.value("count") == [1, 2]
    assert edge.call("get", "profile.n") == {"ok": 1}


def test_a_clock_that_is_set_back_a_day_loses_nothing(
    edge: EdgePage, context: BrowserContext
) -> None:
    track(edge, 1)
    edge.call("put", "profile.n", 1)

    worker_of(edge.page).evaluate(SET_BACK)
    edge.page.evaluate(SET_BACK)
    track(edge, 2)
    edge.call("put", "profile.n", 2)
    assert edge.value("count") == [1, 2]

    context.add_init_script(f"({SET_BACK})()")
    context.route("**/runtime-worker.*.js", with_prefix(f"({SET_BACK})();"))
    assert problems_on_reload(edge) == []
    track(edge, 3)
    edge.call("put", "profile.n", 3)
    context.unroute_all()

    later = EdgePage(context.new_page(), edge.url)
    edge.page.close()
    assert problems_on_reload(later) == []
    assert later.value("count") == [1, 2, 3]
    assert later.call("get", "profile.n") == {"ok": 3}


@pytest.mark.parametrize("kind", WITHOUT_STORAGE)
def test_without_storage_it_works_in_memory_and_says_so(unopened: EdgePage, kind: str) -> None:
    edge = unopened
    edge.page.route("**/runtime-worker.*.js", with_prefix(WITHOUT_STORAGE[kind]))

    (problem,) = problems_on_reload(edge)

    assert problem["code"] == "storage-failed"
    edge.page.evaluate(
        "() => EdgeAI.track({type: 'mta', pageId: 'M', clickId: 'c', props: {n: 1}})"
    )
    for refused in (edge.call("flush"), edge.call("put", "profile.n", 1)):
        assert refused["error"]["code"] == "store-unavailable"
    assert edge.value("count") == [1]
    assert store_of(edge)["mode"] == "memory-only"
    assert store_of(edge)["reason"]["code"] == "storage-failed"
    assert edge.failures == []
