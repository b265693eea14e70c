"""What was tracked survives, in order, and cannot be read from the disk."""

from pathlib import Path

import pytest
from playwright.sync_api import Page

from .conftest import Serve
from .edge_page import EdgePage
from .site import Task, write_site

COUNT = """
async def run(ctx, activation):
    sql = activation.ext_data.get("sql", "select count(*) as n from events where page_id like 'M%'")
    return await ctx.query(sql, activation.ext_data.get("params"))
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    plain = {"events": {"encrypted": True}, "keys": [{"prefix": "ui.", "encrypted": False}]}
    return write_site(
        tmp_path / "site", tasks=[Task("Count", "count", COUNT)], config={"data": plain}
    )


def track_many(edge: EdgePage, count: int, marker: str) -> None:
    edge.page.evaluate(
        "([n, marker]) => { for (let i = 0; i < n; i++)"
        " EdgeAI.track({type: 'mta', pageId: 'M', clickId: 'c', props: {i, marker}}); }",
        [count, marker],
    )


def test_a_reload_brings_everything_back_in_order(serve: Serve, site: Path, page: Page) -> None:
    edge = EdgePage(page, serve(site)).open()
    edge.ready()
    track_many(edge, 2_500, "x")
    edge.call("flush")
    edge.call("put", "profile.size", {"eu": 42})

    edge.open()
    edge.ready()

    assert edge.value("count") == [{"n": 2_500}]
    order = "select props->>'i' as i from events where page_id = 'M' order by rowid"
    assert [row["i"] for row in edge.value("count", {"sql": order})] == list(range(2_500))
    assert edge.call("get", "profile.size") == {"ok": {"eu": 42}}


def test_no_tracked_text_can_be_found_on_the_disk(serve: Serve, site: Path, page: Page) -> None:
    marker = "MARKER-7f3a-真实-needle"
    edge = EdgePage(page, serve(site)).open()
    edge.ready()
    track_many(edge, 50, marker)
    edge.page.evaluate(
        "(marker) => EdgeAI.track({type: 'mta', pageId: marker, props: {[marker]: 1}})", marker
    )
    edge.call("put", "profile.name", marker)
    edge.call("flush")

    dump = page.evaluate("(marker) => dumpFor(marker)", marker)

    assert dump["records"] >= 2 and dump["keys"] >= 1, dump
    assert dump["found"] == []


def test_the_dump_would_find_a_plain_value(serve: Serve, site: Path, page: Page) -> None:
    marker = "MARKER-visible-in-a-plain-record"
    edge = EdgePage(page, serve(site)).open()
    edge.ready()
    page.evaluate(
        """(marker) => new Promise((ok) => {
          const open = indexedDB.open("probe", 1);
          open.onupgradeneeded = () => open.result.createObjectStore("s");
          open.onsuccess = () => {
            const tx = open.result.transaction("s", "readwrite");
            tx.objectStore("s").put({ bytes: new TextEncoder().encode(marker) }, "k");
            tx.oncomplete = () => { open.result.close(); ok(); };
          };
        })""",
        marker,
    )

    assert page.evaluate("(marker) => dumpFor(marker)", marker)["found"] == ["probe/s"]


DAMAGE = """async () => {
  const settled = (request) => new Promise((ok) => (request.onsuccess = () => ok(request.result)));
  const db = await settled(indexedDB.open("edge-store"));
  const tx = db.transaction("sealed", "readwrite");
  const store = tx.objectStore("sealed");
  const keys = await settled(store.getAllKeys());
  const [first, second, third, fourth] = (await settled(store.getAll())).slice(-5);
  const [one, two, three, four] = keys.slice(-5);
  first[first.length - 3] ^= 1;
  store.put(first, one);
  store.put(third, two);
  store.put(second, three);
  store.put(fourth.slice(0, 10), four);
  store.put("text", "zz-text");
  store.put(null, "zz-null");
  store.put({ a: 1 }, 7);
  store.put(new Uint8Array(3), ["a", 1]);
  await new Promise((ok) => (tx.oncomplete = ok));
  db.close();
}"""


def test_damaged_and_foreign_records_are_told_and_the_rest_survives(
    serve: Serve, site: Path, page: Page
) -> None:
    edge = EdgePage(page, serve(site)).open()
    edge.ready()
    for number in range(5):
        edge.call("put", f"profile.{number}", number)
    page.goto(f"{edge.url}/dump.js")
    page.evaluate(DAMAGE)

    edge.open()
    problems = edge.ready()["problems"]

    assert [problem["code"] for problem in problems] == ["store-corrupt"]
    ranges = problems[0]["details"]["ranges"]
    assert [each["reason"] for each in ranges] == ["seal-broken", "unexpected", "unexpected"]
    assert int(ranges[0]["last"]) - int(ranges[0]["first"]) == 3
    assert edge.call("statistics")["ok"]["store"]["quarantined"] == ranges
    assert edge.call("get", "profile.4") == {"ok": 4}
    assert "ok" in edge.call("put", "profile.0", "again")
    edge.open()
    assert edge.ready()["problems"] == []
    assert edge.call("get", "profile.0") == {"ok": "again"}


def test_what_a_click_tracked_is_there_when_its_task_runs(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    source = """
async def run(ctx, activation):
    sql = "select click_id, props->>'sku' as sku from events where click_id is not null"
    rows = await ctx.query(sql)
    return {"rows": rows, "event": activation.event.click_id}
"""
    pattern = {"type": "mta", "pageId": "Test", "needPv": False, "clickIds": ["buy"]}
    site = write_site(
        tmp_path / "site",
        tasks=[Task("Last", "last", source)],
        config={"triggers": [{"taskName": "Last", "events": [pattern]}]},
    )
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    page.click("#other")
    page.click("#buy")

    value = edge.until("result", taskName="Last")["value"]
    assert value == {
        "event": "buy",
        "rows": [{"click_id": "other", "sku": None}, {"click_id": "buy", "sku": 7}],
    }


def test_a_query_may_read_and_nothing_else(serve: Serve, site: Path, page: Page) -> None:
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    for sql in [
        "delete from events",
        "attach ':memory:' as x",
        "pragma user_version = 3",
        "selekt",
    ]:
        error = edge.infer("count", {"sql": sql})["error"]
        assert (error["code"], error["isEdgeError"]) == ("query-invalid", True), (sql, error)


def test_a_task_sees_values_only_after_they_are_durable(
    serve: Serve, site: Path, page: Page
) -> None:
    edge = EdgePage(page, serve(site)).open()
    edge.ready()

    edge.call("put", "ui.theme", "dark", {"encrypted": False})
    keys = "select key, value, encrypted from keys"

    assert edge.value("count", {"sql": keys}) == [
        {"key": "ui.theme", "value": '"dark"', "encrypted": 0}
    ]
    edge.call("delete", "ui.theme")
    assert edge.call("get", "ui.theme") == {"ok": None}


FOREIGN_KEY = """() => new Promise((resolve, reject) => {
  const open = indexedDB.open("edge-keys", 1);
  open.onupgradeneeded = () => open.result.createObjectStore("keys");
  open.onerror = () => reject(open.error);
  open.onsuccess = () => {
    const tx = open.result.transaction("keys", "readwrite");
    tx.objectStore("keys").put("no key", "edge-root-2");
    tx.oncomplete = () => { open.result.close(); resolve(); };
  };
})"""


def test_a_foreign_record_in_a_keys_place_is_a_problem_and_nothing_is_written_plain(
    serve: Serve, site: Path, page: Page
) -> None:
    edge = EdgePage(page, serve(site)).open("/page.js")
    page.evaluate(FOREIGN_KEY)

    problems = edge.open().ready()["problems"]

    assert [problem["code"] for problem in problems] == ["storage-failed"]
    assert "no key" in problems[0]["message"]
    assert edge.call("put", "profile.a", 1)["error"]["code"] == "store-unavailable"
    track_many(edge, 5, "MARKER-plain")
    assert edge.call("statistics")["ok"]["store"]["mode"] == "memory-only"
    assert page.evaluate("(marker) => dumpFor(marker)", "MARKER-plain")["found"] == []
