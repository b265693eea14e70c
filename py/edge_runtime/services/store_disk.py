"""The store's database: opened, taken over from another writer, and written under a fence.

Every write names the generation under which this writer took over, inside its own transaction.
A writer that was frozen or lost its lock without knowing it can therefore write nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Final

from ..config import LIMITS
from ..errors import RefusedError
from ..host.ports import Delete, Durability, Guard, Put, Storage

DATABASE: Final = "edge-store"
META: Final = "meta"
CHECKPOINT: Final = "checkpoint"
QUARANTINE: Final = "quarantine"
STORES: Final = (META, "sealed", "plain", CHECKPOINT, QUARANTINE)
_WRITER: Final = "writer"
_TAKEOVERS: Final = 5
_MAX_GENERATION: Final = 2**53


class Disk:
    """One writer's way to the database.

    Attributes:
        generation: Grows with every writer; 0 before :meth:`take_over`.
        turn: Held while something is read from memory, sealed and written, so that two writes
            that depend on each other never cross.
    """

    def __init__(self, storage: Storage, owner: str) -> None:
        self._storage = storage
        self._owner = owner
        self._mark: bytes | None = None
        self.generation = 0
        self.turn = asyncio.Lock()

    async def open(self) -> None:
        """Open or create the database.

        Raises:
            HostError: It cannot be opened.
        """
        await self._storage.open(DATABASE, STORES)

    async def take_over(self) -> None:
        """Begin a new generation: from now on no earlier writer can write.

        Raises:
            HostError: It could not be written down.
            RefusedError: ``writer-superseded``: others take over at the same time, again and again.
        """
        for attempt in range(_TAKEOVERS):
            found = await self._storage.get(META, _WRITER)
            generation = _generation_of(found) + 1
            plain = {"generation": generation, "owner": self._owner}
            mark = json.dumps(plain, separators=(",", ":")).encode()
            try:
                await self._storage.write(
                    [Put(META, _WRITER, mark)],
                    durability="strict",
                    guard=Guard(META, _WRITER, found),
                )
            except RefusedError:
                if attempt == _TAKEOVERS - 1:
                    raise
                continue
            self.generation, self._mark = generation, mark
            return

    async def write(
        self, operations: Sequence[Put | Delete], *, durability: Durability = "relaxed"
    ) -> None:
        """Apply all operations in one transaction, if this is still the writer.

        Raises:
            HostError: Nothing was written.
            RefusedError: ``writer-superseded``: nothing was written, and nothing will be.
        """
        if self._mark is None:
            text = "store: expected to be the writer, got a database that was erased since."
            raise RefusedError("writer-superseded", text, {"found": True})
        guard = Guard(META, _WRITER, self._mark)
        await self._storage.write(operations, durability=durability, guard=guard)

    async def get(self, store: str, key: str) -> bytes | None:
        """Return one record."""
        return await self._storage.get(store, key)

    async def read(
        self, store: str, after: str = "", limit: int = LIMITS.read_batch
    ) -> AsyncIterator[list[tuple[str, bytes]]]:
        """Yield the records with keys > ``after`` in order, up to ``limit`` at once."""
        while batch := await self._storage.read(store, after=after, limit=limit):
            yield batch
            after = batch[-1][0]

    async def close(self) -> None:
        """Close the database."""
        await self._storage.close()

    async def erase(self) -> None:
        """Delete the database; :meth:`open` makes a new one."""
        self.generation, self._mark = 0, None
        await self._storage.erase()


def _generation_of(mark: bytes | None) -> int:
    try:
        found = json.loads(mark or b"{}")["generation"]
    except (ValueError, LookupError, TypeError):
        return 0
    # Anybody can write here: a number that no header could hold begins the count anew.
    return found if type(found) is int and 0 <= found < _MAX_GENERATION else 0
