"""Databases that earlier schemas left, and this one: everything in them is there after a start."""

import asyncio
import base64
import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.config import DataConfig, EventsRule, KeyRule
from edge_runtime.host.native.crypto import FileCrypto
from edge_runtime.services import store_legacy
from edge_runtime.services.store import Store
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.testing.fake_host import FakeHost, create_fake_host
from edge_runtime.testing.fake_storage import FakeDisk, SimulatedCrash

FIXTURES = Path(__file__).parents[3] / "vectors" / "stores"
VARIANTS = ["sealed-events", "plain-events"]
SEALED = DataConfig(EventsRule(max_age_days=3650), (KeyRule("ui.", encrypted=False),))
PLAIN = DataConfig(EventsRule(False, max_age_days=3650), (KeyRule("ui.", encrypted=False),))
OF_THEIR_OWN = {"sealed-events": SEALED, "plain-events": PLAIN}

pytestmark = pytest.mark.parametrize("variant", VARIANTS)


def load(schema: int, variant: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((FIXTURES / f"schema-{schema}.json").read_text())[variant]
    return found


def decoded(records: dict[str, str]) -> dict[str, bytes]:
    return {key: base64.b64decode(text) for key, text in records.items()}


class Left:
    """What another version left behind: a disk, and a folder with its keys."""

    def __init__(self, fixture: dict[str, Any], folder: Path) -> None:
        self.disk = FakeDisk()
        stores = {name: decoded(records) for name, records in fixture["stores"].items()}
        self.disk.databases[DATABASE] = stores
        self.folder = folder
        (folder / f"{fixture['rootId']}.key").write_bytes(bytes.fromhex(fixture["rootKey"]))
        for name, note in decoded(fixture.get("notes", {})).items():
            (folder / f"{name}.note").write_bytes(note)
        self.steps: list[str] = []

    def host(self, on_step: Callable[[str], None] | None = None) -> FakeHost:
        host = create_fake_host(self.disk)
        host.storage.steps.on_step = on_step
        return dataclasses.replace(host, crypto=FileCrypto(self.folder))

    async def start(self, data: DataConfig, on_step: Callable[[str], None] | None = None) -> Store:
        host = self.host(on_step)
        store = Store(host.clock, host.storage, host.crypto, data)
        await store.start()
        return store


async def look(store: Store) -> None:
    """Everything is there, and the store goes on."""
    assert store.problems == []
    rows = store.query("select id, pv, click_id, props->>'n' as n from events order by ts")
    assert [row["id"] for row in rows] == [f"event-{number:04}" for number in range(300)]
    assert rows[8] == {"id": "event-0008", "pv": 1, "click_id": None, "n": 8}
    assert rows[9] == {"id": "event-0009", "pv": 0, "click_id": "click4", "n": 9}
    values = [store.get(key) for key in ("profile.size", "ui.theme", "gone")]
    assert values == [{"eu": 41}, "dark", None]
    routes = store.query("select key, encrypted from keys order by key")
    assert routes == [
        {"key": "profile.size", "encrypted": 1},
        {"key": "ui.theme", "encrypted": 0},
    ]
    await store.put("new", 1)


@pytest.mark.parametrize("data", [SEALED, PLAIN], ids=["to sealed", "to plain"])
@pytest.mark.parametrize("schema", [1, 2])
def test_what_a_schema_left_is_there_after_a_start_and_after_another(
    schema: int, variant: str, data: DataConfig, tmp_path: Path
) -> None:
    async def run() -> None:
        left = Left(load(schema, variant), tmp_path)
        for _ in range(2):
            store = await left.start(data)
            await look(store)
            await store.delete("new")
            await store.stop()

    asyncio.run(run())


def test_schema_1_leaves_neither_records_nor_key_nor_text(variant: str, tmp_path: Path) -> None:
    async def run() -> None:
        left = Left(load(1, variant), tmp_path)
        await (await left.start(SEALED)).stop()

        stores = left.disk.databases[DATABASE]
        assert not stores["sealed"] and not stores["plain"]
        assert not (tmp_path / f"{store_legacy.ROOT}.key").exists()
        everything = b"".join(data for records in stores.values() for data in records.values())
        assert b"MARKER-old" not in everything and b"EDS1" not in everything

    asyncio.run(run())


def test_a_damaged_record_of_schema_1_is_told_and_the_rest_comes_over(
    variant: str, tmp_path: Path
) -> None:
    async def run() -> None:
        left = Left(load(1, variant), tmp_path)
        route = variant.removesuffix("-events")
        key = sorted(left.disk.databases[DATABASE][route])[0]
        left.disk.flip_byte(DATABASE, route, key, 60)

        store = await left.start(SEALED)
        (problem,) = store.problems
        expected = {"store": route, "first": key, "last": key, "reason": "seal-broken"}
        assert problem.details["ranges"] == [expected]
        assert store.query("select count(*) as n from events") == [{"n": 250}]
        # What is plain would stay readable there.
        aside = [f"{route}-{key}"] if route == "sealed" else []
        assert list(left.disk.databases[DATABASE]["quarantine"]) == aside
        await store.stop()

    asyncio.run(run())


def test_a_lost_key_of_schema_1_is_told_with_counts_and_plain_data_comes_over(
    variant: str, tmp_path: Path
) -> None:
    async def run() -> None:
        left = Left(load(1, variant), tmp_path)
        (tmp_path / f"{store_legacy.ROOT}.key").unlink()
        sealed = list(left.disk.databases[DATABASE]["sealed"].values())

        store = await left.start(SEALED)
        (problem,) = store.problems
        assert problem.code == "key-lost"
        assert (problem.details["records"], problem.details["bytes"]) == (
            len(sealed),
            sum(map(len, sealed)),
        )
        events = 300 if variant == "plain-events" else 0
        assert store.query("select count(*) as n from events") == [{"n": events}]
        assert store.get("ui.theme") == "dark"
        assert not left.disk.databases[DATABASE]["quarantine"]
        await store.stop()
        store = await left.start(SEALED)
        assert (store.problems, store.get("ui.theme")) == ([], "dark")
        await store.stop()

    asyncio.run(run())


def test_a_key_of_schema_1_is_not_missed_where_it_sealed_nothing(
    variant: str, tmp_path: Path
) -> None:
    async def run() -> None:
        left = Left(load(1, variant), tmp_path)
        (tmp_path / f"{store_legacy.ROOT}.key").unlink()
        left.disk.databases[DATABASE]["sealed"].clear()

        store = await left.start(SEALED)
        assert store.problems == [] and store.get("ui.theme") == "dark"
        await store.stop()

    asyncio.run(run())


def test_no_more_records_of_schema_1_are_moved_aside_than_of_this_one(
    variant: str, tmp_path: Path
) -> None:
    async def run() -> None:
        left = Left(load(1, variant), tmp_path)
        sealed = left.disk.databases[DATABASE]["sealed"]
        sealed |= {f"17000000000{n}-00000000-00000001": b"EDS1broken" for n in range(10, 90)}

        store = await left.start(SEALED)
        assert len(store.problems[0].details["ranges"]) == 80
        assert len(left.disk.databases[DATABASE]["quarantine"]) == 64
        assert not sealed
        await store.stop()

    asyncio.run(run())


def test_the_migration_of_schema_1_may_end_at_any_step(variant: str, tmp_path: Path) -> None:
    steps: list[str] = []

    async def ended_at(last: int, folder: Path) -> None:
        left = Left(load(1, variant), folder)
        steps.clear()

        def on_step(name: str) -> None:
            steps.append(name)
            if len(steps) > last:
                raise SimulatedCrash(name)

        try:
            await (await left.start(SEALED, on_step)).stop()
        except SimulatedCrash:
            for task in asyncio.all_tasks() - {asyncio.current_task()}:
                task.cancel()
                await asyncio.wait([task])
        store = await left.start(SEALED)
        await look(store)
        assert not (folder / f"{store_legacy.ROOT}.key").exists(), last
        await store.stop()

    def run(last: int) -> None:
        folder = tmp_path / f"{last}"
        folder.mkdir()
        asyncio.run(ended_at(last, folder))

    run(10_000)
    count = len(steps)
    assert count > 20
    for last in range(count):
        run(last)
