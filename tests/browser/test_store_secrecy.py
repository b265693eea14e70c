"""What is sealed cannot be read in any record, at any time; what was erased is gone."""

from pathlib import Path
from typing import Any

import pytest
from edge_runtime.pure.record import unpack
from playwright.sync_api import Page

from .conftest import Serve
from .databases import KEYS, STORE, Databases, Records, shows
from .edge_page import EdgePage
from .site import Task, write_site
from .workers import worker_of

COUNT = """
async def run(ctx, activation):
    rows = await ctx.query("select count(*) as n from events where page_id like 'MARKER%'")
    return rows[0]["n"]
"""
MARKER = "MARKER-7f3a-真实-needle"
ASCII_MARKER = "MARKER-7f3a-"
PUBLIC = "PUBLIC-52c1-hay"
UI = "ui."


def rules(*, events: bool = True, ui: bool = False) -> dict[str, Any]:
    """Return data rules: whether events and `ui.` values are sealed."""
    return {
        "events": {"encrypted": events, "maxAgeDays": 3_650},
        "keys": [{"prefix": UI, "encrypted": ui}],
    }


class Watched:
    """A page whose store is looked through after everything it does."""

    def __init__(self, edge: EdgePage, config: dict[str, Any]) -> None:
        self.edge = edge
        self.databases = Databases(edge.page)
        self._config = config

    def start(self, data: dict[str, Any]) -> list[dict[str, Any]]:
        """Start the runtime under these rules and return its problems."""
        self.edge.page.evaluate(
            "(config) => { seen.status.length = 0; EdgeAI.start({config, capture: false}); }",
            {**self._config, "data": data},
        )
        problems: list[dict[str, Any]] = self.edge.ready()["problems"]
        return problems

    def track(self) -> None:
        """Track markers everywhere an event has text."""
        event = {"type": MARKER, "pageId": MARKER, "clickId": MARKER, "props": {MARKER: MARKER}}
        self.edge.page.evaluate("(event) => EdgeAI.track(event)", event)
        assert "ok" in self.edge.call("flush")

    def put(self, key: str, value: object, **options: object) -> None:
        """Put a value."""
        assert "ok" in self.edge.call("put", key, value, options)

    def records(self) -> Records:
        """Return everything there is in both databases."""
        return {**self.databases.read(STORE), **self.databases.read(KEYS)}

    def assert_sealed(self) -> None:
        """Look for the marker in all that is stored, as it is and unpacked."""
        assert shows(self.records(), ASCII_MARKER) == []
        dump = self.edge.page.evaluate("(marker) => dumpFor(marker)", ASCII_MARKER)
        assert (dump["found"], dump["keys"]) == ([], 1)


@pytest.fixture
def watched(serve: Serve, tmp_path: Path, page: Page) -> Watched:
    site = write_site(tmp_path / "site", tasks=[Task("Count", "count", COUNT)])
    edge = EdgePage(page, serve(site)).open("/stopped.html")
    config = {
        "schemaVersion": 1,
        "systemCode": "test-shop",
        "bundles": ["tasks/Count.edge"],
        "trust": {"unsigned": True},
    }
    return Watched(edge, config)


def key_ids(records: Records) -> set[str]:
    """Return which data keys sealed what is there."""
    places = [("sealed", row) for row in records["sealed"]]
    places += [("checkpoint", row) for row in records["checkpoint"] if "sealed" in row]
    sealed = [records[store][row] for store, row in [*places, ("meta", "tail")]]
    return {unpack("sealed", record).header.key_id for record in sealed}


def test_segments_checkpoints_and_another_key_show_nothing(watched: Watched) -> None:
    watched.start(rules())
    watched.track()
    watched.put("profile.name", MARKER)
    watched.put(MARKER, {"deep": [MARKER]})
    watched.put(f"{UI}theme", PUBLIC)
    watched.put(f"{UI}secret", MARKER, encrypted=True)
    watched.assert_sealed()
    # What may be read is found, so what is not found is not there.
    assert [each.split("/")[0] for each in shows(watched.records(), PUBLIC)] == ["plain"]

    for ui in (True, False):
        watched.edge.call("stop")
        assert watched.start(rules(ui=ui)) == []
        watched.assert_sealed()
        shown = [each.split("/")[0] for each in shows(watched.records(), PUBLIC)]
        assert shown == ([] if ui else ["checkpoint"])

    before = watched.records()
    worker_of(watched.edge.page).evaluate(
        "() => { const now = Date.now; Date.now = () => now() + 91 * 86_400_000; }"
    )
    watched.edge.page.evaluate(
        """async () => {
          const madeMs = async () => (await EdgeAI.statistics()).store.checkpoint.createdMs;
          const before = await madeMs();
          while (await madeMs() === before) await new Promise((ok) => setTimeout(ok, 50));
        }"""
    )
    watched.track()
    after = watched.records()
    assert len(key_ids(before)) == len(key_ids(after)) == 1
    assert key_ids(before) != key_ids(after)
    watched.assert_sealed()
    watched.edge.call("stop")
    assert watched.start(rules()) == []
    assert watched.edge.value("count") == 2
    assert watched.edge.call("get", "profile.name") == {"ok": MARKER}


def test_what_rules_seal_from_now_on_leaves_no_plain_text_behind(watched: Watched) -> None:
    watched.start(rules(events=False))
    for _ in range(3):
        watched.track()
        watched.put(f"{UI}name", MARKER)
    assert {each.split("/")[0] for each in shows(watched.records(), ASCII_MARKER)} == {"plain"}
    watched.edge.call("stop")

    assert watched.start(rules(ui=True)) == []

    watched.assert_sealed()
    watched.track()
    watched.edge.call("stop")
    assert watched.start(rules(ui=True)) == []
    watched.assert_sealed()
    assert watched.edge.value("count") == 4
    assert watched.edge.call("get", f"{UI}name") == {"ok": MARKER}


def test_without_its_key_the_sealed_is_lost_and_nothing_is_written_plain(watched: Watched) -> None:
    watched.start(rules())
    watched.track()
    watched.put("profile.name", MARKER)
    watched.put(f"{UI}theme", PUBLIC)
    watched.edge.call("stop")

    watched.databases.drop(KEYS)
    (problem,) = watched.start(rules())

    assert (problem["code"], problem["number"]) == ("key-lost", 2006)
    assert problem["details"]["records"] >= 2 and problem["details"]["bytes"] > 100
    assert watched.edge.value("count") == 0
    assert watched.edge.call("get", "profile.name") == {"ok": None}
    assert watched.edge.call("get", f"{UI}theme") == {"ok": PUBLIC}
    watched.track()
    watched.put("profile.name", MARKER)
    watched.assert_sealed()
    watched.edge.call("stop")
    assert watched.start(rules()) == []
    assert watched.edge.value("count") == 1


def test_after_erasing_there_is_no_database_no_key_and_no_record(watched: Watched) -> None:
    watched.start(rules())
    watched.track()
    watched.put(f"{UI}theme", PUBLIC)
    before = key_ids(watched.records())

    assert "ok" in watched.edge.call("erase")

    assert watched.databases.names() == []
    assert watched.edge.value("count") == 0
    assert watched.edge.call("get", f"{UI}theme") == {"ok": None}
    watched.edge.call("stop")
    assert watched.databases.names() == []

    assert watched.start(rules()) == []
    watched.track()
    assert watched.edge.value("count") == 1
    assert not before & key_ids(watched.records())
    assert "ok" in watched.edge.call("erase")
    watched.track()
    watched.assert_sealed()
    assert watched.edge.value("count") == 1
