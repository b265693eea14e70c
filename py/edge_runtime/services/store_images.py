"""Reads the images of checkpoints: piece by piece, each bound to the one before it."""

import asyncio
import sqlite3
from typing import Final, NamedTuple

from ..config import Limits
from ..errors import TrustError
from ..host.ports import Delete
from ..pure import segment
from ..pure.head import SLOTS, Checkpoint, Head, Slot, piece_key, piece_keys
from ..pure.record import NO_TAG, tag_of, unpack
from ..pure.segment import ROUTES, Route
from .store_disk import CHECKPOINT, Disk
from .store_tables import Tables
from .store_vault import Vault

# Pieces are read and opened while those before them are unpacked.
_READ_AHEAD: Final = 4


class _Piece(NamedTuple):
    """One piece that opened."""

    previous_tag: bytes
    tag: bytes
    payload: bytes


class Images:
    """Loads what :class:`Checkpoints` wrote."""

    def __init__(self, disk: Disk, vault: Vault, limits: Limits) -> None:
        self._disk = disk
        self._vault = vault
        self._limits = limits

    async def load(self, tables: Tables, checkpoint: Checkpoint, route: Route) -> None:
        """Load one route's image into ``tables``.

        Raises:
            TrustError: ``seal-broken``, or what SQLite refuses; the route's tables are empty.
        """
        keys = [key for key in piece_keys(checkpoint) if f"-{route}-" in key]
        data, tag = bytearray(), NO_TAG
        for start in range(0, len(keys), _READ_AHEAD):
            reads = [
                self._piece(route, key, checkpoint.version)
                for key in keys[start : start + _READ_AHEAD]
            ]
            for piece in await asyncio.gather(*reads):
                if piece.previous_tag != tag:
                    raise TrustError("seal-broken", f"checkpoint: a {route} piece out of order")
                tag = piece.tag
                data += segment.unpacked(piece.payload, max_bytes=self._limits.piece_bytes)
        if tag != checkpoint.images[route].last_tag:
            raise TrustError("seal-broken", f"checkpoint {checkpoint.slot}: not the one in use")
        _load_image(tables, route, data, is_proven=True)

    async def load_unproven(self, tables: Tables, checkpoint: Checkpoint) -> None:
        """Load the plain image without its seals, for a start whose keys are gone.

        Raises:
            TrustError: It is damaged; the plain tables are empty.
        """
        data = bytearray()
        for index in range(checkpoint.images["plain"].pieces):
            key = piece_key(checkpoint.slot, "plain", index)
            payload = unpack("plain", await self._disk.get(CHECKPOINT, key) or b"").payload
            data += segment.unpacked(payload or b"", max_bytes=self._limits.piece_bytes)
        _load_image(tables, "plain", data, is_proven=False)

    async def orphans(self, head: Head) -> list[Delete]:
        """Return the deletes of pieces that an attempt left behind when it ended halfway."""
        counts = dict.fromkeys(((slot, route) for slot in SLOTS for route in ROUTES), 0)
        for checkpoint in filter(None, (head.checkpoint, head.spare)):
            for route, image in checkpoint.images.items():
                place = checkpoint.slot, route
                counts[place] = max(counts[place], image.pieces)
        return [
            Delete(CHECKPOINT, key)
            for (slot, route), count in counts.items()
            for key in await self._keys_from(slot, route, count)
        ]

    async def _keys_from(self, slot: Slot, route: Route, count: int) -> list[str]:
        prefix = f"{slot}-{route}-"
        after = piece_key(slot, route, count - 1) if count else prefix
        keys: list[str] = []
        # One at a time: where there are none, the first one behind them is the only one read.
        async for batch in self._disk.read(CHECKPOINT, after, limit=1):
            key, _ = batch[0]
            if not key.startswith(prefix):
                break
            keys.append(key)
        return keys

    async def _piece(self, route: Route, key: str, version: int) -> _Piece:
        record = await self._disk.get(CHECKPOINT, key) or b""
        header, payload = await self._vault.unseal(route, CHECKPOINT, key, record, version)
        return _Piece(header.previous_tag, tag_of(record), payload)


def _load_image(tables: Tables, route: Route, data: bytearray, *, is_proven: bool) -> None:
    if not data:
        return
    try:
        tables.load(route, data, is_proven=is_proven)
    except (sqlite3.Error, ValueError) as error:
        raise TrustError("seal-broken", f"checkpoint: expected our tables, got {error}") from error
