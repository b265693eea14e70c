"""The durable side of what is new: numbered segments per route, and a tail that names the last."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from ..errors import TrustError
from ..host.ports import Delete, Durability, Put
from ..pure import segment
from ..pure.chain import Base, Link
from ..pure.head import START
from ..pure.record import NO_TAG, tag_of
from ..pure.segment import ROUTES, Operations, Route
from .store_disk import META, Disk
from .store_heads import Heads
from .store_vault import Vault

TAIL: Final = "tail"


class Segment(NamedTuple):
    """One segment as read; ``link`` and ``payload`` are None if it did not open."""

    key: str
    record: bytes
    link: Link | None = None
    payload: bytes | None = None
    key_id: str = ""


class SegmentLog:
    """Appends and reads segments.

    Attributes:
        last: The last segment of each route.
        sizes_bytes: Segments in storage by route and number.
    """

    def __init__(self, disk: Disk, vault: Vault, heads: Heads) -> None:
        self._disk = disk
        self._vault = vault
        self._heads = heads
        # The highest segment of each route that a data key sealed.
        self._sealed_by: dict[str, dict[Route, int]] = {}
        self.last: dict[Route, Base] = dict.fromkeys(ROUTES, START)
        self.sizes_bytes: dict[Route, dict[int, int]] = {route: {} for route in ROUTES}

    @property
    def segments(self) -> int:
        """Segments in storage."""
        return sum(len(sizes) for sizes in self.sizes_bytes.values())

    @property
    def size_bytes(self) -> int:
        """Bytes of all segments."""
        return sum(sum(sizes.values()) for sizes in self.sizes_bytes.values())

    @property
    def written(self) -> dict[str, int]:
        """Number of the last segment by route."""
        return {route: base.sequence for route, base in self.last.items()}

    def behind(self, bases: Mapping[Route, Base]) -> tuple[int, int]:
        """Return how many segments are behind ``bases``, and their bytes."""
        sizes = [
            size
            for route, each in self.sizes_bytes.items()
            for number, size in each.items()
            if number > bases[route].sequence
        ]
        return len(sizes), sum(sizes)

    async def append(self, routes: Mapping[Route, Operations], durability: Durability) -> None:
        """Write one segment per route and the tail in one transaction.

        Raises:
            HostError, RefusedError: Nothing was written.
        """
        async with self._disk.turn:
            await self._heads.claim(len(routes) + 1)
            last = dict(self.last)
            puts = [await self._sealed(route, each, last) for route, each in routes.items()]
            puts.append(await self.sealed_tail(last))
            await self._disk.write(puts, durability=durability)
            self.last = last
            for route, put in zip(routes, puts, strict=False):
                self.note(
                    route, last[route].sequence, len(put.data), self._heads.head.current.key_id
                )

    async def sealed_tail(self, last: Mapping[Route, Base] | None = None) -> Put:
        """Return the write of the tail, under the current key."""
        found = self.last if last is None else last
        plain = {route: [base.sequence, base.tag.hex()] for route, base in found.items()}
        data = json.dumps(plain, separators=(",", ":")).encode()
        version = self._disk.generation
        return Put(META, TAIL, await self._vault.seal("sealed", META, TAIL, version, data, NO_TAG))

    async def tail(self) -> dict[Route, Base] | None:
        """Return the last segment ever written per route.

        Raises:
            TrustError: ``seal-broken``: there is a tail and it does not open.
        """
        record = await self._disk.get(META, TAIL)
        if record is None:
            return None
        _, data = await self._vault.unseal("sealed", META, TAIL, record)
        plain = json.loads(data)
        return {route: Base(plain[route][0], bytes.fromhex(plain[route][1])) for route in ROUTES}

    async def is_there(self) -> bool:
        """Say whether this schema has written anything, whoever has removed the rest."""
        if await self._disk.get(META, TAIL) is not None:
            return True
        for route in ROUTES:
            async for batch in self._disk.read(route, limit=1):
                if segment.sequence_of(batch[0][0]) is None:
                    break
                return True
        return False

    async def read(self, route: Route, base: Base) -> list[Segment]:
        """Return every record behind ``base``, opened where that is possible."""
        found: list[Segment] = []
        async for batch in self._disk.read(route, segment.record_key(base.sequence)):
            found += await asyncio.gather(*(self._opened(route, *each) for each in batch))
        return found

    async def strays(self, route: Route, base: Base) -> list[Segment]:
        """Return the records up to ``base``: nobody left them there."""
        last_key = segment.record_key(base.sequence)
        found: list[Segment] = []
        async for batch in self._disk.read(route, limit=1):
            key, record = batch[0]
            if key > last_key:
                break
            found.append(Segment(key, record))
        return found

    def note(self, route: Route, number: int, size_bytes: int, key_id: str) -> None:
        """Remember a segment in storage."""
        self.sizes_bytes[route][number] = size_bytes
        highest = self._sealed_by.setdefault(key_id, {})
        highest[route] = max(number, highest.get(route, 0))

    def keys_behind(self, bases: Mapping[Route, Base]) -> set[str]:
        """Return the data keys that segments behind ``bases`` need."""
        return {
            key_id
            for key_id, highest in self._sealed_by.items()
            if any(number > bases[route].sequence for route, number in highest.items())
        }

    def deletes(self, bases: Mapping[Route, Base]) -> list[Delete]:
        """Return the deletes of all segments up to ``bases``."""
        return [
            Delete(route, segment.record_key(number))
            for route, sizes in self.sizes_bytes.items()
            for number in sizes
            if number <= bases[route].sequence
        ]

    def forget(self, deletes: Sequence[Any]) -> None:
        """Take back what :meth:`note` remembered: these records are gone."""
        for delete in deletes:
            if delete.store in self.sizes_bytes:
                self.sizes_bytes[delete.store].pop(segment.sequence_of(delete.key) or 0, None)

    async def _sealed(self, route: Route, operations: Operations, last: dict[Route, Base]) -> Put:
        number = last[route].sequence + 1
        key, payload = segment.record_key(number), segment.encode(operations)
        record = await self._vault.seal(
            route, route, key, self._disk.generation, payload, last[route].tag
        )
        last[route] = Base(number, tag_of(record))
        return Put(route, key, record)

    async def _opened(self, route: Route, key: str, record: bytes) -> Segment:
        try:
            header, payload = await self._vault.unseal(route, route, key, record)
        except TrustError:
            return Segment(key, record)
        return Segment(
            key, record, Link(tag_of(record), header.previous_tag), payload, header.key_id
        )
