"""Five tabs that hold or want the databases: who is in the way is waited for, never for ever."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from .conftest import Serve
from .databases import KEYS, STORE, Databases
from .edge_page import EdgePage
from .site import Task, write_site
from .victim.command import OLD_STORES

COUNT = """
async def run(ctx, activation):
    sql = "select count(*) as n from events where page_id = 'M' or id like 'event-%'"
    return (await ctx.query(sql))[0]["n"]
"""
DATA = {
    "events": {"encrypted": True, "maxAgeDays": 3_650},
    "keys": [{"prefix": "ui.", "encrypted": False}],
}

Open = Callable[[], EdgePage]


@pytest.fixture
def url(serve: Serve, tmp_path: Path) -> str:
    task = Task("Count", "count", COUNT)
    return serve(write_site(tmp_path / "site", tasks=[task], config={"data": DATA}))


@pytest.fixture
def others(context: BrowserContext, url: str) -> list[Databases]:
    """Four tabs without the runtime."""
    return [Databases(context.new_page()).open(f"{url}/blank.html") for _ in range(4)]


@pytest.fixture
def unopened(context: BrowserContext, url: str) -> EdgePage:
    return EdgePage(context.new_page(), url)


def track(edge: EdgePage, n: int) -> None:
    edge.page.evaluate(
        "(n) => EdgeAI.track({type: 'mta', pageId: 'M', clickId: 'c', props: {n}})", n
    )


def store_of(edge: EdgePage) -> dict[str, Any]:
    found: dict[str, Any] = edge.call("statistics")["ok"]["store"]
    return found


def test_four_tabs_that_hold_an_old_database_delay_its_upgrade_and_nothing_else(
    unopened: EdgePage, others: list[Databases]
) -> None:
    others[0].plant_old(OLD_STORES["sealed-events"])
    for each in others:
        each.hold()

    edge = unopened.open()
    (problem,) = edge.ready()["problems"]
    track(edge, 1)

    assert problem["code"] == "storage-failed" and "another tab" in problem["message"]
    assert store_of(edge)["mode"] == "memory-only"
    assert edge.value("count") == 1
    assert edge.call("put", "ui.theme", "light")["error"]["code"] == "store-unavailable"
    assert {*others[0].read_held(STORE)} == {"sealed", "plain"}

    for each in others:
        each.release()
    edge.until_store("durable")
    assert "ok" in edge.call("flush")
    assert edge.value("count") == 301
    assert edge.open().ready()["problems"] == []
    assert edge.value("count") == 301
    assert edge.call("get", "ui.theme") == {"ok": "dark"}
    assert edge.failures == []


def test_four_tabs_that_hold_the_databases_are_in_nobodys_way(
    unopened: EdgePage, others: list[Databases]
) -> None:
    edge = unopened.open()
    edge.ready()
    track(edge, 1)
    edge.call("put", "ui.theme", "dark")
    for each in others:
        each.hold()

    track(edge, 2)
    assert "ok" in edge.call("flush")
    assert edge.open().ready()["problems"] == []
    track(edge, 3)
    assert "ok" in edge.call("flush") and "ok" in edge.call("delete", "ui.theme")

    assert edge.value("count") == 3
    assert store_of(edge)["mode"] == "durable"


def test_what_four_tabs_hold_is_erased_all_the_same_and_the_store_goes_on_when_they_let_go(
    unopened: EdgePage, others: list[Databases]
) -> None:
    edge = unopened.open()
    edge.ready()
    track(edge, 1)
    edge.call("put", "ui.theme", "dark")
    for each in others:
        each.hold()

    delayed = edge.call("erase")["error"]

    assert delayed["code"] == "storage-failed" and "another tab" in delayed["message"]
    assert edge.value("count") == 0 and edge.call("get", "ui.theme") == {"ok": None}
    held = others[0].read_held(STORE)
    assert {store for store, records in held.items() if records} == {"meta"}
    assert list(held["meta"]) == ["writer"]

    track(edge, 2)
    for each in others:
        each.release()
    edge.until_store("durable")
    assert "ok" in edge.call("flush") and "ok" in edge.call("put", "ui.size", 1)
    assert edge.open().ready()["problems"] == []
    assert edge.value("count") == 1
    assert edge.call("get", "ui.theme") == {"ok": None}
    assert edge.call("get", "ui.size") == {"ok": 1}
    assert "ok" in edge.call("erase") and others[0].names() == []


@pytest.mark.parametrize(("name", "kept"), [(STORE, 0), (KEYS, 4)])
def test_one_of_five_tabs_may_delete_a_database_that_the_others_use(
    context: BrowserContext, url: str, name: str, kept: int
) -> None:
    tabs = [EdgePage(context.new_page(), url).open() for _ in range(4)]
    for n, tab in enumerate(tabs):
        tab.ready()
        track(tab, n)
        assert "ok" in tab.call("flush")
    deleting = Databases(context.new_page()).open(f"{url}/blank.html")

    deleting.drop(name)
    for n, tab in enumerate(tabs):
        track(tab, 10 + n)
    for n, tab in enumerate(tabs):
        assert "ok" in tab.call("flush") and "ok" in tab.call("put", f"profile.{n}", n)

    assert [tab.value("count") for tab in tabs] == [4 + kept] * 4
    later = EdgePage(context.new_page(), url)
    for tab in tabs:
        tab.page.close()
    assert later.open().ready()["problems"] == []
    assert later.value("count") == 4 + kept
    assert [later.call("get", f"profile.{n}")["ok"] for n in range(4)] == [0, 1, 2, 3]
