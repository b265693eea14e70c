"""What the development server's script exports is what `web-runtime inspect` finds sound."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import DIST, Serve
from .edge_page import EdgePage
from .site import write_site

MARKER = "MARKER-7f3a-needle"
EXPORT = "async () => (await import('/edge/dev/export-dump.js')).exportDump()"
# In a process of its own: playwright's loop is running in this one.
INSPECT = "from web_runtime.cli import main; main()"


@pytest.fixture
def edge(serve: Serve, tmp_path: Path, page: Page) -> EdgePage:
    data = {"keys": [{"prefix": "ui.", "encrypted": False}]}
    site = write_site(tmp_path / "site", config={"data": data})
    return EdgePage(page, serve(site)).open()


def inspect(*arguments: object) -> tuple[int, str]:
    command = [sys.executable, "-c", INSPECT, "inspect", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr, done.stderr
    assert MARKER not in done.stdout + done.stderr
    return done.returncode, done.stdout


def downloaded(edge: EdgePage, path: Path) -> Path:
    with edge.page.expect_download() as started:
        edge.page.evaluate(EXPORT)
    assert started.value.suggested_filename == "edge-dump.json"
    started.value.save_as(path)
    return path


def store_something(edge: EdgePage) -> None:
    edge.ready()
    edge.page.evaluate(
        "(text) => EdgeAI.track({type: 'mta', pageId: text, clickId: 'c', props: {text}})", MARKER
    )
    edge.call("put", "profile.name", MARKER)
    edge.call("put", "ui.theme", MARKER)
    edge.call("flush")


def test_an_exported_store_is_sound_and_shows_nothing(edge: EdgePage, tmp_path: Path) -> None:
    store_something(edge)

    dump = downloaded(edge, tmp_path / "edge-dump.json")

    code, printed = inspect(dump)
    assert code == 0, printed
    assert edge.url in printed and "plain content: events 0, keys 1 (unproven" in printed
    report = json.loads(inspect(dump, "--json")[1])
    assert report["rootKeys"] == ["edge-root-2"]
    assert report["logs"]["sealed"]["linked"] >= 2
    assert report["meta"]["heads"].keys() == {"head", "head-copy"}
    assert not any(store["other"] for store in report["stores"].values())


def test_the_dump_has_every_record_and_of_keys_the_names_alone(
    edge: EdgePage, tmp_path: Path
) -> None:
    store_something(edge)

    dump: dict[str, Any] = edge.page.evaluate(EXPORT)

    assert (dump["format"], dump["version"], dump["origin"]) == ("edge-dump", 1, edge.url)
    stores, keys = dump["databases"]["edge-store"], dump["databases"]["edge-keys"]
    assert stores.keys() == {"meta", "sealed", "plain", "checkpoint", "quarantine"}
    assert all(isinstance(each, str) for store in stores.values() for each in store.values())
    assert keys["keys"] == ["edge-root-2"] and "anchor" in keys["notes"]
    assert not list(DIST.rglob("export-dump.js"))


STRANGE = """async () => {
  const settled = (request) => new Promise((ok) => (request.onsuccess = () => ok(request.result)));
  const db = await settled(indexedDB.open("edge-store"));
  const tx = db.transaction("sealed", "readwrite");
  tx.objectStore("sealed").put("text", "zz-text");
  tx.objectStore("sealed").put({ a: 1 }, 7);
  tx.objectStore("sealed").put(new Uint8Array(60_000).fill(7), "zz-bytes");
  await new Promise((ok) => (tx.oncomplete = ok));
  db.close();
}"""


def test_what_is_no_record_is_exported_by_its_type_and_found(
    edge: EdgePage, tmp_path: Path
) -> None:
    store_something(edge)
    edge.page.goto(f"{edge.url}/page.js")
    edge.page.evaluate(STRANGE)

    code, printed = inspect(downloaded(edge, tmp_path / "edge-dump.json"), "--json")

    report = json.loads(printed)
    assert code == 1
    assert report["stores"]["sealed"]["other"] == {"string": 1, "Object under a number": 1}
    assert report["stores"]["sealed"]["largestBytes"] == 60_000
    assert {each["first"] for each in report["damage"]} == {"zz-text", "zz-bytes"}


def test_a_page_that_stored_nothing_exports_nothing_and_makes_no_database(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    edge = EdgePage(page, serve(write_site(tmp_path / "site"))).open("/page.js")

    dump = downloaded(edge, tmp_path / "edge-dump.json")

    assert inspect(dump)[0] == 0
    assert json.loads(dump.read_text())["databases"]["edge-store"] == {}
    assert page.evaluate("() => indexedDB.databases()") == []
