"""Databases that another version of the runtime left: the one before, and one to come."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import Serve
from .databases import KEYS, STORE, Databases, shows
from .edge_page import EdgePage
from .site import Task, write_site
from .victim.command import OLD_STORES

ROWS = """
async def run(ctx, activation):
    sql = "select id, ts, props from events where id like 'event-%' order by rowid"
    rows = await ctx.query(sql)
    return rows if activation.ext_data.get("all") else [row["id"] for row in rows]
"""
IDS = [f"event-{n:04}" for n in range(300)]
NEWER = b"EDH3"


def opened(serve: Serve, folder: Path, page: Page, *, is_sealed: bool) -> EdgePage:
    """Return a page without the runtime, of a site whose events are sealed or not."""
    data = {
        "events": {"encrypted": is_sealed, "maxAgeDays": 3_650},
        "keys": [{"prefix": "ui.", "encrypted": False}],
    }
    site = write_site(folder / "site", tasks=[Task("Rows", "rows", ROWS)], config={"data": data})
    return EdgePage(page, serve(site)).open("/blank.html")


@pytest.mark.parametrize(
    ("variant", "is_sealed"),
    [("sealed-events", True), ("plain-events", False), ("plain-events", True)],
)
def test_everything_of_schema_1_is_there_and_nothing_of_it_is_left(
    serve: Serve, tmp_path: Path, page: Page, variant: str, is_sealed: bool
) -> None:
    edge = opened(serve, tmp_path, page, is_sealed=is_sealed)
    databases = Databases(page)
    databases.plant_old(OLD_STORES[variant])
    old = databases.read()
    assert bool(shows(old, "MARKER-old")) is (variant == "plain-events")

    for _ in range(2):
        assert edge.open().ready()["problems"] == []
        assert edge.value("rows") == IDS
        assert edge.call("get", "profile.size") == {"ok": {"eu": 41}}
        assert edge.call("get", "ui.theme") == {"ok": "dark"}
        assert edge.call("get", "gone") == {"ok": None}
    first = edge.value("rows", {"all": True})[0]
    assert first["ts"] == 1_700_000_000_000
    assert json.loads(first["props"]) == {"n": 0, "marker": "MARKER-old-真实"}

    now = databases.read()
    kept = {key for store in ("sealed", "plain", "quarantine") for key in now[store]}
    assert not kept & {key for rows in old.values() for key in rows}
    assert databases.key_names() == ["edge-root-2"]
    assert bool(shows(now, "MARKER-old")) is not is_sealed
    assert page.evaluate("(marker) => dumpFor(marker)", "MARKER-old")["keys"] == 1


def test_a_record_of_schema_1_that_does_not_open_is_told_and_the_rest_is_there(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    edge = opened(serve, tmp_path, page, is_sealed=True)
    databases = Databases(page)
    databases.plant_old(OLD_STORES["sealed-events"])
    first, data = min(databases.read()["sealed"].items())
    databases.write([("sealed", first, data[:-1] + bytes([data[-1] ^ 1]))])

    (problem,) = edge.open().ready()["problems"]

    place = {"store": "sealed", "first": first, "last": first, "reason": "seal-broken"}
    assert (problem["code"], problem["details"]["ranges"]) == ("store-corrupt", [place])
    assert set(edge.value("rows")) < set(IDS) and len(edge.value("rows")) >= 200
    assert edge.open().ready()["problems"] == []


def test_a_database_of_a_later_version_is_left_as_it_is(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    edge = opened(serve, tmp_path, page, is_sealed=True)
    edge.open().ready()
    edge.call("put", "profile.size", 1)
    edge.call("stop")
    databases = Databases(page)
    heads = {row: databases.read()["meta"][row] for row in ("head", "head-copy")}
    databases.write([("meta", row, NEWER + data[4:]) for row, data in heads.items()])
    before = {name: databases.read(name) for name in (STORE, KEYS)}

    (problem,) = edge.open().ready()["problems"]

    assert problem["code"] == "version-mismatch"
    edge.page.evaluate("() => EdgeAI.track({type: 'mta', pageId: 'M', props: {}})")
    for refused in (edge.call("flush"), edge.call("put", "profile.size", 2)):
        assert refused["error"]["code"] == "store-unavailable"
    store: dict[str, Any] = edge.call("statistics")["ok"]["store"]
    assert (store["mode"], store["reason"]["code"]) == ("memory-only", "version-mismatch")
    edge.call("stop")
    assert {name: databases.read(name) for name in (STORE, KEYS)} == before

    databases.write([("meta", row, data) for row, data in heads.items()])
    assert edge.open().ready()["problems"] == []
    assert edge.call("get", "profile.size") == {"ok": 1}
