"""Reads the log of schema 1, where every record stood alone under a key of time and writer.

::

    sealed  "EDS1" · length of key id (1) · key id · iv (12) · ciphertext · tag (16)
    plain   "EDP1" · zstd(text)
    text    {"events": [[id, ts, type, pageId, clickId, pv, props], …],
             "keys": [["put", key, value, updatedMs, sealed], ["delete", key], …]}
"""

import json
import re
import sqlite3
from collections.abc import Sequence
from typing import Final

from ..config import LIMITS
from ..errors import TrustError
from ..host.ports import Crypto, Delete, Put
from ..pure import segment
from ..pure.routing import asked
from ..pure.segment import ROUTES, Route
from ..types import JsonValue
from .store_disk import DATABASE, QUARANTINE, Disk
from .store_replay import QUARANTINED_RECORDS
from .store_tables import Tables

ROOT: Final = "edge-store-1"
_KEY: Final = re.compile(r"\d{13}-[0-9a-f]{8}-\d{8}\Z")
_MAGIC: Final[dict[Route, bytes]] = {"sealed": b"EDS1", "plain": b"EDP1"}
_OTHER: Final[dict[Route, Route]] = {"sealed": "plain", "plain": "sealed"}


class LegacyLog:
    """The records of schema 1, if there are any.

    Attributes:
        unreadable: Places of records that did not open.
        lost_bytes: Lengths of sealed records whose key is gone.
    """

    def __init__(self, disk: Disk, crypto: Crypto) -> None:
        self._disk = disk
        self._crypto = crypto
        self._records: list[tuple[str, Route, bytes]] = []
        self.unreadable: list[tuple[Route, str]] = []
        self.lost_bytes: list[int] = []

    async def find(self) -> bool:
        """Read the records and return whether there are any."""
        for route in ROUTES:
            async for batch in self._disk.read(route):
                self._records += [
                    (key, route, record)
                    for key, record in batch
                    if _KEY.match(key) and record[:4] == _MAGIC[route]
                ]
        self._records.sort()
        return bool(self._records)

    async def load(self, tables: Tables) -> None:
        """Apply every record that opens, in the order in which they were written."""
        has_root = await self._crypto.open_root(ROOT, create=False)
        for key, route, record in self._records:
            if route == "sealed" and not has_root:
                self.lost_bytes.append(len(record))
                continue
            try:
                self._apply(tables, route, await self._text(route, key, record))
            except (TrustError, sqlite3.Error, ValueError, TypeError, LookupError):
                self.unreadable.append((route, key))

    def removal(self) -> list[Put | Delete]:
        """Return what removes all records; those that did not open are moved aside."""
        aside = [
            Put(QUARANTINE, f"{route}-{key}", record)
            for key, route, record in self._records
            if route == "sealed" and (route, key) in self.unreadable
        ]
        return [
            *aside[:QUARANTINED_RECORDS],
            *(Delete(route, key) for key, route, _ in self._records),
        ]

    async def forget_root(self) -> None:
        """Destroy the key, if it is there, once what it sealed is sealed anew."""
        await self._crypto.delete_root(ROOT)

    async def _text(self, route: Route, key: str, record: bytes) -> str:
        body = record[4:]
        if route == "sealed":
            length = body[0] if body else 0
            key_id, sealed = body[1 : 1 + length].decode("ascii", "replace"), body[1 + length :]
            if key_id != ROOT:
                raise TrustError("seal-broken", f"record {key}: expected key {ROOT}, got {key_id}.")
            parts = ("edge-runtime", DATABASE, route, "1", key_id, key)
            bound = _MAGIC[route] + "\0".join(parts).encode()
            body = await self._crypto.unseal(ROOT, sealed, bound)
        return segment.decode(body, max_bytes=LIMITS.segment_bytes)

    def _apply(self, tables: Tables, route: Route, text: str) -> None:
        plain = json.loads(text)
        keys = [_operation(each) for each in plain["keys"]]
        rows = json.dumps({"events": plain["events"], "keys": []})
        tables.replay(tables.events_route, rows)
        for operation in keys:
            tables.apply(route, operation)
            # There was one table then: what is put here has replaced what was there.
            tables.apply(_OTHER[route], ["delete", operation[1]])


def _operation(operation: Sequence[JsonValue]) -> Sequence[JsonValue]:
    if operation[0] == "delete":
        return operation
    kind, key, value, updated_ms, sealed = operation
    return [kind, key, value, updated_ms, int(asked(bool(sealed)))]
