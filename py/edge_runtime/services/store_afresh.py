"""Beginnings: of a store that was never there, of one that is lost, of a data key."""

import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from ..config import LIMITS
from ..errors import TrustError
from ..host.ports import Delete, Put
from ..pure import segment
from ..pure.chain import Base
from ..pure.damage import key_lost
from ..pure.head import START, Checkpoint, Head, Image, base_of, plain_images_from_bytes
from ..pure.record import NO_TAG, unpack
from ..pure.segment import ROUTES, Route
from .store_disk import CHECKPOINT, META
from .store_durable import Durable
from .store_heads import PLAIN_IMAGES, Anchor
from .store_tables import Tables

# Nobody has proven it, and a version has eight bytes.
_MAX_VERSION: Final = 2**53


class Afresh:
    """Begins without the past; what it makes is in storage with the next head."""

    def __init__(self, durable: Durable) -> None:
        self._durable = durable
        self._sizes_bytes: dict[Route, list[int]] = {route: [] for route in ROUTES}

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

    async def after_loss(
        self, copies: Sequence[bytes], anchor: Anchor | None
    ) -> list[Put | Delete]:
        """Begin above all that was ever proven; return what removes what is there.

        Args:
            copies: The heads that are there; none is to be used.
            anchor: How far head and log were at least.
        """
        self._rise_above(copies)
        deletes: list[Put | Delete] = []
        for route in ROUTES:
            async for batch in self._durable.disk.read(route):
                for key, record in batch:
                    deletes.append(Delete(route, key))
                    self._sizes_bytes[route].append(len(record))
            # Anybody can store something under a high number. What is there goes with the head
            # that begins anew, and nothing in it opens under another data key: it needs no room.
            written = 0 if anchor is None else anchor.written.get(route, 0)
            self._durable.log.last[route] = Base(written, NO_TAG)
        async for batch in self._durable.disk.read(CHECKPOINT, limit=4):
            for key, record in batch:
                self._sizes_bytes["plain" if "-plain-" in key else "sealed"].append(len(record))
        await self.new_life()
        return deletes

    def key_lost(self, dropped_rows: int) -> TrustError:
        """Return what the page is told after :meth:`after_loss` and what followed it.

        Args:
            dropped_rows: Plain rows that were taken over and dropped by the rules.
        """
        plain = self._sizes_bytes["plain"]
        lost = [*self._sizes_bytes["sealed"], *plain]
        return key_lost(len(lost), sum(lost), plain_records=len(plain), dropped_rows=dropped_rows)

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
        lost: list[int] = []
        async for batch in self._durable.disk.read("plain", segment.record_key(base.sequence)):
            lost += [len(record) for _, record in batch if not _apply_unproven(tables, record)]
        self._sizes_bytes["plain"] = lost

    def _rise_above(self, copies: Sequence[bytes]) -> None:
        """Have the next head's version above those of heads that do not open, if they can be."""
        for copy in copies:
            try:
                version = unpack("head", copy).header.version
            except TrustError:
                continue
            if version < _MAX_VERSION:
                self._durable.heads.raise_floor(version)

    async def _plain_images(self) -> list[Checkpoint]:
        record = await self._durable.disk.get(META, PLAIN_IMAGES)
        try:
            found = plain_images_from_bytes(record or b"[]")
        except (ValueError, LookupError, TypeError):
            return []
        return [each for each in found if _is_numbered(each.images["plain"])]


def _is_numbered(image: Image) -> bool:
    return type(image.base.sequence) is int and type(image.pieces) is int


def _apply_unproven(tables: Tables, record: bytes) -> bool:
    try:
        payload = unpack("plain", record).payload or b""
        tables.replay("plain", segment.decode(payload, max_bytes=LIMITS.segment_bytes))
    except (TrustError, sqlite3.Error, ValueError, TypeError, LookupError):
        return False
    return True
