"""The store's durable side: a log of records in the host's storage, sealed or plain.

A record is never changed. What cannot be opened is counted and left as it is: it may belong to a
key that comes back, and deleting on failure would turn a fault into a loss.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from ..config import LIMITS
from ..errors import EdgeError, TrustError
from ..host.ports import Crypto, Delete, Durability, Put, Storage
from ..pure import segment
from ..pure.segment import Operations, Route

DATABASE: Final = "edge-store"
KEY_ID: Final = "edge-store-1"
ROUTES: Final[tuple[Route, Route]] = ("sealed", "plain")


@dataclass(frozen=True, slots=True)
class Record:
    """One record as read: where it is and its text, or why that could not be had."""

    route: Route
    key: str
    size_bytes: int
    text: str = ""
    error: EdgeError | None = None


class SegmentLog:
    """Appends and reads records; the caller commits one at a time."""

    def __init__(self, storage: Storage, crypto: Crypto) -> None:
        self._storage = storage
        self._crypto = crypto
        self._writer = crypto.random_bytes(4).hex()
        self._opened_ms = 0
        self._sequence = 0
        self._sizes_bytes: dict[tuple[Route, str], int] = {}

    @property
    def segments(self) -> int:
        """Records in storage, unreadable ones included."""
        return len(self._sizes_bytes)

    @property
    def size_bytes(self) -> int:
        """Bytes of all records."""
        return sum(self._sizes_bytes.values())

    async def open(self, now_ms: float) -> list[Record]:
        """Open the database and return every record, in the order in which they were written.

        Raises:
            HostError: Storage or crypto cannot be used at all.
        """
        await self._storage.open(DATABASE, ROUTES)
        await self._crypto.ensure_key(KEY_ID)
        records = [record for route in ROUTES async for record in self._read(route)]
        records.sort(key=lambda record: record.key)
        self._sizes_bytes = {(each.route, each.key): each.size_bytes for each in records}
        self._opened_ms = segment.opened_after(now_ms, records[-1].key if records else None)
        return records

    async def append(self, routes: Mapping[Route, Operations], durability: Durability) -> None:
        """Write one record per route in one transaction.

        Raises:
            HostError: Nothing was written.
        """
        await self._write([await self._put(*item) for item in routes.items()], (), durability)

    async def replace(self, old: Sequence[Record], new: Sequence[tuple[Route, Operations]]) -> None:
        """Put ``new`` in the place of ``old``, in one transaction.

        Raises:
            HostError: Nothing was changed.
        """
        await self._write([await self._put(*item) for item in new], old, "strict")

    async def close(self) -> None:
        """Close the database."""
        await self._storage.close()

    async def _write(
        self, puts: Sequence[Put], old: Sequence[Record], durability: Durability
    ) -> None:
        deletes = [Delete(record.route, record.key) for record in old]
        await self._storage.write([*puts, *deletes], durability=durability)
        for route in ROUTES:
            self._sizes_bytes |= {(route, p.key): len(p.data) for p in puts if p.store == route}
        for record in old:
            self._sizes_bytes.pop((record.route, record.key), None)

    async def _put(self, route: Route, operations: Operations) -> Put:
        self._sequence += 1
        key = segment.record_key(self._opened_ms, self._writer, self._sequence)
        body = segment.encode(operations)
        if route == "plain":
            return Put(route, key, segment.wrap(route, body))
        bound = segment.associated_data(DATABASE, route, KEY_ID, key)
        sealed = await self._crypto.seal(KEY_ID, body, bound)
        return Put(route, key, segment.wrap(route, sealed, KEY_ID))

    async def _read(self, route: Route) -> AsyncIterator[Record]:
        after = ""
        while batch := await self._storage.read(route, after=after, limit=LIMITS.read_batch):
            for record in await asyncio.gather(*(self._record(route, *each) for each in batch)):
                yield record
            after = batch[-1][0]

    async def _record(self, route: Route, key: str, data: bytes) -> Record:
        try:
            text = await self._text(route, key, data)
        except TrustError as error:
            return Record(route, key, len(data), error=error)
        return Record(route, key, len(data), text)

    async def _text(self, route: Route, key: str, data: bytes) -> str:
        key_id, body = segment.unwrap(route, data)
        if route == "sealed":
            if key_id != KEY_ID:
                # Asking the host for an unknown key would create it.
                raise TrustError("seal-broken", f"segment: expected key {KEY_ID}, got {key_id!r}.")
            bound = segment.associated_data(DATABASE, route, key_id, key)
            body = await self._crypto.unseal(key_id, body, bound)
        return segment.decode(body, max_bytes=LIMITS.segment_bytes)
