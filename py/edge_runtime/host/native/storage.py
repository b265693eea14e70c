"""Storage in one SQLite file per database, or in memory."""

import sqlite3
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ...errors import HostError, RefusedError
from ..ports import Clear, Durability, Guard, Operation, Put

# Keys as UTF-16, big end first: bytes then sort as the port says, by code units.
_SCHEMA: Final = """
create table if not exists records (
    store text not null, key blob not null, data blob not null, primary key (store, key)
) without rowid
"""
_GET: Final = "select data from records where store = ? and key = ?"
_READ: Final = "select key, data from records where store = ? and key > ? order by key limit ?"


class SqliteStorage:
    """Implements ``Storage``; calls are short and run where they are made.

    Args:
        directory: Folder of ``<database>.sqlite3``; None keeps the data in this object.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._connection: sqlite3.Connection | None = None
        self._database = ""
        self._stores: frozenset[str] = frozenset()
        self._images: dict[str, bytes] = {}

    async def open(self, database: str, stores: Sequence[str]) -> None:
        """Open or create the database with these stores; records of others stay."""
        await self.close()
        self._database, self._stores = database, frozenset(stores)
        with _converted():
            connection = sqlite3.connect(self._path or ":memory:", isolation_level=None)
            if self._path:
                connection.execute("pragma journal_mode = wal")
            elif database in self._images:
                connection.deserialize(self._images[database])
            connection.execute(_SCHEMA)
        self._connection = connection

    async def get(self, store: str, key: str) -> bytes | None:
        """Return the record under ``key``; None if there is none."""
        self._check(store)
        with _converted():
            return _get(self._open_connection(), store, key)

    async def read(
        self, store: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return up to ``limit`` records with keys > ``after``, in UTF-16 order."""
        self._check(store)
        with _converted():
            rows = self._open_connection().execute(_READ, (store, _utf16(after), limit))
            return [(key.decode("utf-16-be", "surrogatepass"), data) for key, data in rows]

    async def write(
        self,
        operations: Sequence[Operation],
        *,
        durability: Durability = "relaxed",
        guard: Guard | None = None,
    ) -> None:
        """Apply all operations in one transaction, or none."""
        for each in (*operations, *((guard,) if guard else ())):
            self._check(each.store)
        connection = self._open_connection()
        with _converted():
            # In WAL mode FULL syncs at every commit and NORMAL at checkpoints only.
            level = "full" if durability == "strict" else "normal"
            connection.execute(f"pragma synchronous = {level}")
            with _guarded(connection, guard, operations):
                for operation in operations:
                    _apply(connection, operation)
                connection.execute("commit")

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if self._connection is not None:
            if self._path is None:
                self._images[self._database] = self._connection.serialize()
            self._connection.close()
            self._connection = None

    async def erase(
        self, guard: Guard | None = None, before: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Delete the database that was opened last, if ``guard`` holds and after ``before``."""
        if guard is not None:
            with _converted(), _guarded(self._open_connection(), guard, ()):
                if before is not None:
                    await before()
        await self.close()
        self._images.pop(self._database, None)
        if self._path:
            _unlink(self._path)

    @property
    def _path(self) -> Path | None:
        if self._directory is None or not self._database:
            return None
        return self._directory / f"{self._database}.sqlite3"

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise HostError("storage-failed", "storage: expected an open database, got none.")
        return self._connection

    def _check(self, store: str) -> None:
        if store not in self._stores:
            known = ", ".join(sorted(self._stores))
            raise HostError("storage-failed", f"storage: expected one of {known}, got {store}.")


@contextmanager
def _guarded(
    connection: sqlite3.Connection, guard: Guard | None, operations: Sequence[Operation]
) -> Iterator[None]:
    """Begin a transaction if ``guard`` holds; what is not committed inside is rolled back."""
    connection.execute("begin immediate")
    try:
        if guard:
            _check_guard(connection, guard, operations)
        yield
    finally:
        if connection.in_transaction:
            connection.rollback()


def _apply(connection: sqlite3.Connection, operation: Operation) -> None:
    if isinstance(operation, Clear):
        connection.execute("delete from records where store = ?", (operation.store,))
        return
    place = (operation.store, _utf16(operation.key))
    if isinstance(operation, Put):
        connection.execute("replace into records values (?, ?, ?)", (*place, operation.data))
    else:
        connection.execute("delete from records where store = ? and key = ?", place)


def _get(connection: sqlite3.Connection, store: str, key: str) -> bytes | None:
    row = connection.execute(_GET, (store, _utf16(key))).fetchone()
    return row[0] if row else None


def _check_guard(
    connection: sqlite3.Connection, guard: Guard, operations: Sequence[Operation]
) -> None:
    found = _get(connection, guard.store, guard.key)
    own = [each.data for each in operations if isinstance(each, Put) and _is_at(guard, each)]
    if found in (guard.data, *own):
        return
    got = "none" if found is None else "another one's"
    place = f"{guard.store}/{guard.key}"
    raise RefusedError(
        "writer-superseded",
        f"storage write: expected this writer's record {place}, got {got}. Nothing was written.",
        {"found": found is not None},
    )


def _is_at(guard: Guard, put: Put) -> bool:
    return (put.store, put.key) == (guard.store, guard.key)


def _unlink(path: Path) -> None:
    for suffix in ("", "-wal", "-shm"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


@contextmanager
def _converted() -> Iterator[None]:
    try:
        yield
    except sqlite3.Error as error:
        full = getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL
        code = "storage-full" if full else "storage-failed"
        raise HostError(code, f"storage: expected a completed operation, got {error}.") from error


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")
