"""Writes ``schema-N.json`` of the schema that this code has; run before raising its number.

``python -m tests.vectors.stores``. The root key is known, so that any engine can be given it; the
data is what ``tests/unit/edge_runtime/services/test_store_migration.py`` looks for.
"""

import asyncio
import base64
import dataclasses
import json
import tempfile
from pathlib import Path
from typing import Any

from edge_runtime.config import DataConfig, EventsRule, KeyRule
from edge_runtime.host.native.crypto import FileCrypto
from edge_runtime.pure.record import SCHEMA_VERSION
from edge_runtime.services.store import Store
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.services.store_vault import ROOT
from edge_runtime.testing.fake_host import FakeHost, create_fake_host
from edge_runtime.testing.manual_clock import START_MS

ROOT_KEY = bytes(range(32))
EVENTS = 300
LIVES = 3


def row(number: int) -> list[Any]:
    is_view = number % 4 == 0
    click_id = None if is_view else f"click{number % 5}"
    props = {"n": number, "marker": "MARKER-old-真实"}
    ts = START_MS + number * 1_000
    return [f"event-{number:04}", ts, "mta", f"Page{number % 3}", click_id, int(is_view), props]


async def fill(host: FakeHost, data: DataConfig) -> None:
    """Go through three lives, a checkpoint and both routes."""
    for life in range(LIVES):
        store = Store(host.clock, host.storage, host.crypto, data)
        await store.start()
        for start in range(life * 100, life * 100 + 100, 50):
            store.add_batch(json.dumps([row(number) for number in range(start, start + 50)]))
            await store.flush()
        await store.put("profile.size", {"eu": 39 + life})
        await store.put("ui.theme", "dark" if life else "light")
        if life == 0:
            await store.put("gone", "MARKER-old-deleted")
        if life == 1:
            await store.delete("gone")
            durable = store._writer.durable
            assert durable is not None
            await durable.checkpoints.write(store._tables, keep_spare=True)
        await store.stop()


def made(encrypted: bool) -> dict[str, Any]:
    """Return one database as JSON."""
    data = DataConfig(EventsRule(encrypted, max_age_days=3650), (KeyRule("ui.", False),))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"{ROOT}.key").write_bytes(ROOT_KEY)
        fake = create_fake_host()
        host = dataclasses.replace(fake, crypto=FileCrypto(Path(folder)))
        asyncio.run(fill(host, data))
        notes = {path.stem: path.read_bytes() for path in Path(folder).glob("*.note")}
    return {
        "rootId": ROOT,
        "rootKey": ROOT_KEY.hex(),
        "events": EVENTS,
        "stores": {name: coded(each) for name, each in fake.disk.databases[DATABASE].items()},
        "notes": coded(notes),
    }


def coded(records: dict[str, bytes]) -> dict[str, str]:
    return {key: base64.b64encode(record).decode() for key, record in records.items()}


def main() -> None:
    """Write the file."""
    fixture = {
        "madeBy": f"store schema {SCHEMA_VERSION}",
        "sealed-events": made(encrypted=True),
        "plain-events": made(encrypted=False),
    }
    path = Path(__file__).parent / f"schema-{SCHEMA_VERSION}.json"
    path.write_text(json.dumps(fixture, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
