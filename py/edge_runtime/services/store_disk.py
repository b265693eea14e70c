"""The store's database: opened, taken over from another writer, and written under a fence.

Every write names the generation under which this writer took over, inside its own transaction.
A writer that was frozen or lost its lock without knowing it can therefore write nothing.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Final

from ..config import LIMITS
from ..errors import RefusedError
from ..host.ports import Clear, Durability, Guard, Operation, Put, Storage

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
        is_emptied: Everything was deleted but the database itself, by this writer or by one
            before: :meth:`erase` is to follow.
        turn: Held while something is read from memory, sealed and written, so that two writes
            that depend on each other never cross.
    """

    def __init__(self, storage: Storage, owner: str) -> None:
        self._storage = storage
        self._owner = owner
        self._mark: bytes | None = None
        self.generation = 0
        self.is_emptied = False
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
            is_emptied = _field_of(found, "emptied") is True
            mark = self._mark_of(generation, is_emptied)
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
            self.generation, self._mark, self.is_emptied = generation, mark, is_emptied
            return

    async def write(
        self, operations: Sequence[Operation], *, durability: Durability = "relaxed"
    ) -> None:
        """Apply all operations in one transaction, if this is still the writer.

        Raises:
            HostError: Nothing was written.
            RefusedError: ``writer-superseded``: nothing was written, and nothing will be.
        """
        await self._storage.write(operations, durability=durability, guard=self._guard())

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

    async def empty(self) -> None:
        """Delete every record in one transaction; from then on a start knows that it was wanted.

        Raises:
            HostError: Nothing was deleted.
            RefusedError: ``writer-superseded``: nothing was deleted.
        """
        mark = self._mark_of(self.generation, is_emptied=True)
        clears = [Clear(store) for store in STORES]
        await self.write([*clears, Put(META, _WRITER, mark)], durability="strict")
        self._mark, self.is_emptied = mark, True

    async def erase(self, before: Callable[[], Awaitable[None]]) -> None:
        """Delete the database if this is still the writer; :meth:`open` makes a new one.

        Args:
            before: Done first, while nobody can take over.

        Raises:
            HostError: It is deleted later, when other tabs let go of it, or not at all.
            RefusedError: ``writer-superseded``.
        """
        await self._storage.erase(self._guard(), before)
        self.generation, self._mark, self.is_emptied = 0, None, False

    def _guard(self) -> Guard:
        if self._mark is None:
            text = "store: expected to be the writer, got a database that was erased since."
            raise RefusedError("writer-superseded", text, {"found": True})
        return Guard(META, _WRITER, self._mark)

    def _mark_of(self, generation: int, is_emptied: bool) -> bytes:
        plain = {"generation": generation, "owner": self._owner}
        if is_emptied:
            plain["emptied"] = True
        return json.dumps(plain, separators=(",", ":")).encode()


def _field_of(mark: bytes | None, name: str) -> object:
    try:
        return json.loads(mark or b"{}")[name]
    except (ValueError, LookupError, TypeError):
        return None


def _generation_of(mark: bytes | None) -> int:
    found = _field_of(mark, "generation")
    # Anybody can write here: a number that no header could hold begins the count anew.
    return found if type(found) is int and 0 <= found < _MAX_GENERATION else 0
