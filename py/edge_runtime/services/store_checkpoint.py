"""Checkpoints: an image of each route's tables in one of two slots, in use once the head says so.

Pieces are written into the slot that is not in use, one transaction each; then one transaction
changes the head and deletes what it no longer needs. A crash leaves the old checkpoint or the new.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from ..config import Limits
from ..host.ports import Clock, Delete, Put
from ..pure import segment
from ..pure.chain import Base
from ..pure.head import (
    Checkpoint,
    Head,
    Image,
    Slot,
    base_of,
    no_checkpoint,
    other_slot,
    piece_key,
    piece_keys,
)
from ..pure.record import NO_TAG, tag_of
from ..pure.segment import ROUTES, Route
from .store_disk import CHECKPOINT, Disk
from .store_heads import Heads
from .store_log import SegmentLog
from .store_tables import Tables
from .store_vault import Vault


class _Taken(NamedTuple):
    """A route's image and what it holds."""

    data: bytes
    base: Base
    rows: int


class Checkpoints:
    """Writes and reads checkpoints.

    Attributes:
        last_ms: How long the last one took; None before the first.
        last_rowid: Of the latest event in the checkpoint in use.
        turn: Held while one is written or given up; taken before the turn of the disk.
    """

    def __init__(
        self,
        clock: Clock,
        disk: Disk,
        vault: Vault,
        heads: Heads,
        log: SegmentLog,
        limits: Limits,
    ) -> None:
        self._clock = clock
        self._disk = disk
        self._vault = vault
        self._heads = heads
        self._log = log
        self._limits = limits
        self.last_ms: float | None = None
        self.last_rowid = 0
        self.turn = asyncio.Lock()

    async def write(
        self, tables: Tables, *, keep_spare: bool, with_it: Sequence[Put | Delete] = ()
    ) -> None:
        """Make a checkpoint of ``tables``.

        Args:
            tables: What to store; taken at once, so they may change meanwhile.
            keep_spare: Keep the former checkpoint, and the segments behind it, as a spare.
            with_it: More operations for the transaction that puts it in use.

        Raises:
            HostError, RefusedError: The former checkpoint is still in use.
        """
        async with self.turn:
            await self._heads.settle()
            started_ms = self._clock.monotonic_ms()
            last_rowid = tables.last_rowid()
            await self._put_in_use(await self._write_images(tables), keep_spare, with_it)
            self.last_rowid = last_rowid
            self.last_ms = round(self._clock.monotonic_ms() - started_ms, 3)
        await self._heads.anchor_to(self._log.written)

    async def drop_spare(self) -> int:
        """Free what only the spare needs; return how many bytes that were.

        The deletes go first and alone, because a full disk takes no head.
        """
        async with self.turn, self._disk.turn:
            await self._heads.settle()
            head = self._heads.head
            bases = {route: head.base(route) for route in ROUTES}
            deletes = self._log.deletes(bases)
            spare = head.spare
            if spare is not None:
                deletes += [Delete(CHECKPOINT, key) for key in piece_keys(spare)]
            if not deletes:
                return 0
            before = self._log.size_bytes
            await self._disk.write(deletes)
            self._log.forget(deletes)
            self._heads.adopt(replace(head, spare=None))
            return before - self._log.size_bytes + (spare.size_bytes if spare else 0)

    async def _write_images(self, tables: Tables) -> Checkpoint:
        head = self._heads.head
        slot, version = other_slot(head.checkpoint), head.version + 1
        taken = {route: self._take(tables, route) for route in ROUTES}
        images = {
            route: await self._write_image(slot, version, route, taken.pop(route))
            for route in ROUTES
        }
        return Checkpoint(slot, version, self._clock.now_ms(), images)

    def _take(self, tables: Tables, route: Route) -> _Taken:
        rows = tables.rows(route)
        return _Taken(tables.image(route) if rows else b"", self._log.last[route], rows)

    async def _write_image(self, slot: Slot, version: int, route: Route, taken: _Taken) -> Image:
        if not taken.rows:
            return Image(taken.base)
        tag, size_bytes = NO_TAG, 0
        slices = segment.packed_pieces(taken.data, self._limits.piece_bytes)
        key_id = ""
        for index, piece in enumerate(slices):
            await self._heads.claim(1)
            key_id = self._heads.head.current.key_id
            key = piece_key(slot, route, index)
            payload = segment.pack_piece(taken.data[piece])
            record = await self._vault.seal(route, CHECKPOINT, key, version, payload, tag)
            await self._disk.write([Put(CHECKPOINT, key, record)])
            tag, size_bytes = tag_of(record), size_bytes + len(record)
        return Image(taken.base, len(slices), tag, key_id, size_bytes, taken.rows)

    async def _put_in_use(
        self, new: Checkpoint, keep_spare: bool, with_it: Sequence[Put | Delete]
    ) -> None:
        async with self._disk.turn:
            await self._heads.claim(1)
            former = self._heads.head
            spare = (former.checkpoint or no_checkpoint(new.slot)) if keep_spare else None
            bases = {route: base_of(spare or new, route) for route in ROUTES}
            needed = self._keys_needed((new, spare), bases)
            deletes = self._log.deletes(bases) + _surplus(former, new, spare)
            tail = await self._log.sealed_tail()
            await self._heads.change(
                lambda head: replace(head, checkpoint=new, spare=spare).with_keys(needed),
                [*deletes, *with_it, tail],
            )
            self._log.forget([*deletes, *(each for each in with_it if isinstance(each, Delete))])

    def _keys_needed(
        self, checkpoints: Sequence[Checkpoint | None], bases: dict[Route, Base]
    ) -> set[str]:
        found = (each for each in checkpoints if each is not None)
        images = (image for checkpoint in found for image in checkpoint.images.values())
        return self._log.keys_behind(bases) | {image.key_id for image in images}


def _surplus(former: Head, new: Checkpoint, spare: Checkpoint | None) -> list[Delete]:
    """Return the deletes of pieces that no checkpoint in use refers to."""
    kept = {*piece_keys(new), *(piece_keys(spare) if spare else ())}
    known = [each for each in (former.checkpoint, former.spare) if each is not None]
    keys = dict.fromkeys(key for checkpoint in known for key in piece_keys(checkpoint))
    return [Delete(CHECKPOINT, key) for key in keys if key not in kept]
