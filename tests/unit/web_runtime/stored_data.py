"""Stored data as a page leaves it: a real store over a disk in memory, sealed with a native key."""

import asyncio
import base64
import copy
import json
from pathlib import Path
from typing import Any

from edge_runtime.config import DataConfig, KeyRule, Limits
from edge_runtime.host.native.crypto import FileCrypto
from edge_runtime.host.ports import Crypto, Storage
from edge_runtime.services.store import Store
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.services.store_vault import ROOT
from edge_runtime.testing.fake_storage import FakeDisk, FakeStorage
from edge_runtime.testing.manual_clock import START_MS, ManualClock

MARKER = "MARKER-7f3a-真实-needle"
MARKERS = ("MARKER", "真实", "\\u771f\\u5b9e", "needle")
DATA = DataConfig(keys=(KeyRule("ui.", encrypted=False),))
# Sealed segments: 1 to 6 are in the spare alone, 7 to 11 in the checkpoint, 12 to 14 behind it.
LIMITS = Limits(checkpoint_segments=4)

Records = dict[str, dict[str, bytes]]


class StoredData:
    """A dump in the making; ``stores`` and ``notes`` may be damaged before it is written."""

    def __init__(self, stores: Records, notes: dict[str, bytes], key: bytes) -> None:
        self.stores = stores
        self.notes = notes
        self.key = key
        self.keys: list[Any] = [ROOT]
        self.other: dict[str, dict[str, Any]] = {}

    def copy(self) -> "StoredData":
        return copy.deepcopy(self)

    def flip(self, store: str, key: str, offset: int) -> None:
        record = bytearray(self.stores[store][key])
        record[offset] ^= 0xFF
        self.stores[store][key] = bytes(record)

    def swap(self, store: str, one: str, other: str) -> None:
        records = self.stores[store]
        records[one], records[other] = records[other], records[one]

    def write_to(self, folder: Path) -> tuple[Path, Path]:
        """Write dump and key; return their paths."""
        key_file = folder / "root.key"
        key_file.write_bytes(self.key)
        return self.write_dump(folder / "edge-dump.json"), key_file

    def write_dump(self, path: Path) -> Path:
        path.write_text(json.dumps(self.plain()))
        return path

    def plain(self) -> dict[str, Any]:
        stores = {
            store: {**_texts(records), **self.other.get(store, {})}
            for store, records in self.stores.items()
        }
        return {
            "format": "edge-dump",
            "version": 1,
            "origin": "https://shop.test",
            "takenMs": START_MS,
            "databases": {
                DATABASE: stores,
                "edge-keys": {"notes": _texts(self.notes), "keys": self.keys},
            },
        }


def stored(folder: Path) -> StoredData:
    """Let a store write 13 sealed events, a sealed and two plain keys, all of which hold MARKER."""
    disk = FakeDisk()
    asyncio.run(fill(FakeStorage(disk), FileCrypto(folder)))
    return taken(disk, folder)


def taken(disk: FakeDisk, folder: Path) -> StoredData:
    notes = {path.stem: path.read_bytes() for path in folder.glob("*.note")}
    return StoredData(disk.databases[DATABASE], notes, (folder / f"{ROOT}.key").read_bytes())


async def fill(storage: Storage, crypto: Crypto) -> None:
    clock = ManualClock()
    store = Store(clock, storage, crypto, DATA, LIMITS)
    await store.start()
    for number in range(6):
        await _commit(store, clock, number)
    await clock.advance(1_000)
    await put(store, clock, "ui.theme")
    for number in range(6, 11):
        await _commit(store, clock, number)
    await clock.advance(1_000)
    await _commit(store, clock, 11)
    await put(store, clock, "profile.name")
    await put(store, clock, "ui.size")
    # The anchor follows within a second; the last segment is one that it does not know of.
    await clock.advance(1_000)
    await _commit(store, clock, 12)
    assert store.statistics()["mode"] == "durable"
    await store.stop()


async def put(store: Store, clock: ManualClock, key: str) -> None:
    putting = asyncio.create_task(store.put(key, MARKER))
    await clock.advance(100)
    await putting


async def _commit(store: Store, clock: ManualClock, number: int) -> None:
    event = [f"e{number}", clock.now_ms(), "mta", MARKER, "c", 0, {"name": MARKER}]
    store.add_batch(json.dumps([event]))
    await store.flush()


def _texts(records: dict[str, bytes]) -> dict[str, str]:
    return {key: base64.b64encode(record).decode() for key, record in records.items()}
