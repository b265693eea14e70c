"""Storage in memory, with the failures a real one has. Not for production.

A :class:`FakeDisk` outlives the hosts that use it, as a browser profile outlives its pages.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Literal

from ..errors import HostError, RefusedError
from ..host.ports import Clear, Durability, Guard, Operation, Put
from .fake_crypto import FakeCrypto
from .fake_disk import FakeDisk, Records, SimulatedCrash, Steps, stepped

__all__ = ["FakeCrypto", "FakeDisk", "FakeStorage", "SimulatedCrash", "Steps"]


class FakeStorage:
    """Implements ``Storage`` over a disk.

    Attributes:
        writes: Durability of every completed write, in order.
        open_error: Raised by ``open`` while it is set.
        may_write: Writes wait while this event is clear.
        quota_bytes: Room for the data on the disk; a write that needs more is refused.
        steps: Where tests step in.
    """

    def __init__(self, disk: FakeDisk, steps: Steps | None = None) -> None:
        self._disk = disk
        self._database = ""
        self._stores: tuple[str, ...] = ()
        self._is_open = False
        self._failures: list[tuple[str, bool]] = []
        self.writes: list[Durability] = []
        self.open_error: HostError | None = None
        self.steps = steps or Steps()
        self.quota_bytes: int | None = None
        self.may_write = asyncio.Event()
        self.may_write.set()

    def fail_next_write(
        self, code: Literal["storage-full", "storage-failed"], *, applied: bool = False
    ) -> None:
        """Make the next write raise; ``applied``: it was done, but the answer was lost."""
        self._failures.append((code, applied))

    @stepped
    async def open(self, database: str, stores: Sequence[str]) -> None:
        """Open or create the database with these stores; others stay."""
        self._database, self._stores, self._is_open = database, tuple(stores), False
        if self.open_error is not None:
            raise self.open_error
        self._is_open = True
        self._records()

    @stepped
    async def get(self, store: str, key: str) -> bytes | None:
        """Return the record under ``key``; None if there is none."""
        return self._store(store).get(key)

    @stepped
    async def read(
        self, store: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return up to ``limit`` records with keys > ``after``, in UTF-16 order."""
        records = self._store(store)
        keys = sorted((key for key in records if _utf16(key) > _utf16(after)), key=_utf16)
        return [(key, records[key]) for key in keys[:limit]]

    @stepped
    async def write(
        self,
        operations: Sequence[Operation],
        *,
        durability: Durability = "relaxed",
        guard: Guard | None = None,
    ) -> None:
        """Apply all operations or none."""
        await self.may_write.wait()
        code, applied = self._failures.pop(0) if self._failures else ("", True)
        async with self._disk.turn:
            if guard is not None:
                self._check_guard(guard, operations)
            for each in operations:
                self._store(each.store)
            self._check_room(operations)
            if applied:
                self._apply(operations)
        if code:
            raise HostError(code, f"storage: expected a completed write, got {code} (injected).")
        self.writes.append(durability)

    @stepped
    async def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._is_open = False

    @stepped
    async def erase(
        self, guard: Guard | None = None, before: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Delete the database that was opened last, and close the connection."""
        async with self._disk.turn:
            if guard is not None:
                self._check_guard(guard, ())
            if before is not None:
                await before()
            self._disk.databases.pop(self._database, None)
        self._is_open = False

    def _records(self) -> Records:
        if not self._is_open:
            raise HostError("storage-failed", "storage: expected an open database, got none.")
        # One that was deleted meanwhile is there again, and empty, as with IndexedDB.
        records = self._disk.databases.setdefault(self._database, {})
        for store in self._stores:
            records.setdefault(store, {})
        return records

    def _store(self, store: str) -> dict[str, bytes]:
        records = self._records()
        if store not in records:
            known = ", ".join(sorted(records))
            raise HostError("storage-failed", f"storage: expected one of {known}, got {store}.")
        return records[store]

    def _apply(self, operations: Sequence[Operation]) -> None:
        for each in operations:
            if isinstance(each, Put):
                self._store(each.store)[each.key] = bytes(each.data)
            elif isinstance(each, Clear):
                self._store(each.store).clear()
            else:
                self._store(each.store).pop(each.key, None)

    def _check_guard(self, guard: Guard, operations: Sequence[Operation]) -> None:
        found = self._store(guard.store).get(guard.key)
        own = [each for each in operations if isinstance(each, Put)]
        is_own = found is not None and Put(guard.store, guard.key, found) in own
        if found != guard.data and not is_own:
            text = f"storage write: expected this writer's record {guard.store}/{guard.key}."
            raise RefusedError("writer-superseded", text, {"found": found is not None})

    def _check_room(self, operations: Sequence[Operation]) -> None:
        if self.quota_bytes is None:
            return
        sizes_bytes: dict[tuple[str, str], int] = {}
        for each in operations:
            if isinstance(each, Clear):
                sizes_bytes.update({(each.store, key): 0 for key in self._store(each.store)})
            else:
                size_bytes = len(each.data) if isinstance(each, Put) else 0
                sizes_bytes[each.store, each.key] = size_bytes
        grown_bytes = sum(
            size_bytes - len(self._store(store).get(key, b""))
            for (store, key), size_bytes in sizes_bytes.items()
        )
        if grown_bytes > max(0, self.quota_bytes - self._disk.size_bytes()):
            raise HostError("storage-full", "storage: expected room to write, got a full quota.")


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")
