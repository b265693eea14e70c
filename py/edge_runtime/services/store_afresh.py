"""Beginnings: of a store that was never there, of one that is lost, of a data key."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace

from ..config import LIMITS
from ..errors import TrustError
from ..host.ports import Delete, Put
from ..pure import segment
from ..pure.chain import Base
from ..pure.damage import key_lost
from ..pure.head import START, Checkpoint, Head, base_of, plain_images_from_bytes
from ..pure.record import NO_TAG, unpack
from ..pure.segment import ROUTES
from .store_disk import CHECKPOINT, META
from .store_durable import Durable
from .store_heads import PLAIN_IMAGES
from .store_tables import Tables


class Afresh:
    """Begins without the past; what it makes is in storage with the next head."""

    def __init__(self, durable: Durable) -> None:
        self._durable = durable
        self._records = 0
        self._size_bytes = 0

    async def new_life(self) -> None:
        """Make root key, data key and head."""
        await self._durable.vault.open_root(create=True)
        await self.new_key(Head(0, self._durable.disk.generation))

    async def new_key(self, head: Head) -> None:
        """Go on from ``head`` with another data key."""
        durable = self._durable
        key = await durable.vault.create(durable.clock.now_ms())
        head = replace(head, keys=(*head.keys, key))
        durable.heads.adopt(durable.vault.resume(head))

    async def after_loss(self, copies: Sequence[bytes]) -> list[Put | Delete]:
        """Begin above everything that is there; return what removes it.

        Args:
            copies: The heads that are there; none is to be used.
        """
        durable = self._durable
        for copy in copies:
            try:
                durable.heads.raise_floor(unpack("head", copy).header.version)
            except TrustError:
                continue
        deletes: list[Put | Delete] = []
        for route in ROUTES:
            highest = 0
            async for batch in durable.disk.read(route):
                for key, record in batch:
                    highest = max(highest, segment.sequence_of(key) or 0)
                    deletes.append(Delete(route, key))
                    self._count(record)
            durable.log.last[route] = Base(highest, NO_TAG) if highest else START
        async for batch in durable.disk.read(CHECKPOINT, limit=4):
            for _, record in batch:
                self._count(record)
        await self.new_life()
        return deletes

    def key_lost(self) -> TrustError:
        """Return what the page is told after :meth:`after_loss`."""
        return key_lost(self._records, self._size_bytes)

    async def salvage_plain(self, tables: Tables) -> None:
        """Load the plain data, which needs no key to be read; its seals cannot be checked."""
        base = START
        for checkpoint in await self._plain_images():
            try:
                await self._durable.images.load_unproven(tables, checkpoint)
            except TrustError:
                continue
            base = base_of(checkpoint, "plain")
            break
        async for batch in self._durable.disk.read("plain", segment.record_key(base.sequence)):
            for _, record in batch:
                _apply_unproven(tables, record)

    async def _plain_images(self) -> list[Checkpoint]:
        record = await self._durable.disk.get(META, PLAIN_IMAGES)
        try:
            return plain_images_from_bytes(record or b"[]")
        except (ValueError, LookupError, TypeError):
            return []

    def _count(self, record: bytes) -> None:
        self._records += 1
        self._size_bytes += len(record)


def _apply_unproven(tables: Tables, record: bytes) -> None:
    try:
        payload = unpack("plain", record).payload or b""
        tables.replay("plain", segment.decode(payload, max_bytes=LIMITS.segment_bytes))
    except (TrustError, sqlite3.Error, ValueError, TypeError, LookupError):
        return
