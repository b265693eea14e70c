"""Storage in one SQLite file per database, or in memory."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from ...errors import HostError
from ..ports import Delete, Durability, Put

# Keys as UTF-16, big end first: bytes then sort as the port says, by code units.
_SCHEMA: Final = """
create table if not exists records (
    store text not null, key blob not null, data blob not null, primary key (store, key)
) without rowid
"""
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
        self._image: bytes | None = None

    async def open(self, database: str, stores: Sequence[str]) -> None:
        """Open or create the database with exactly these stores."""
        self._database, self._stores = database, frozenset(stores)
        with _converted():
            connection = sqlite3.connect(self._path or ":memory:", isolation_level=None)
            if self._path:
                connection.execute("pragma journal_mode = wal")
            elif self._image:
                connection.deserialize(self._image)
            connection.execute(_SCHEMA)
            marks = ",".join("?" * len(stores))
            connection.execute(f"delete from records where store not in ({marks})", stores)
        self._connection = connection

    async def read(
        self, store: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return up to ``limit`` records with keys > ``after``, in UTF-16 order."""
        self._check(store)
        with _converted():
            rows = self._open_connection().execute(_READ, (store, _utf16(after), limit))
            return [(key.decode("utf-16-be", "surrogatepass"), data) for key, data in rows]

    async def write(
        self, operations: Sequence[Put | Delete], *, durability: Durability = "relaxed"
    ) -> None:
        """Apply all operations in one transaction, or none."""
        for operation in operations:
            self._check(operation.store)
        connection = self._open_connection()
        with _converted():
            # In WAL mode FULL syncs at every commit and NORMAL at checkpoints only.
            level = "full" if durability == "strict" else "normal"
            connection.execute(f"pragma synchronous = {level}")
            connection.execute("begin immediate")
            try:
                for operation in operations:
                    _apply(connection, operation)
                connection.execute("commit")
            except sqlite3.Error:
                connection.rollback()
                raise

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""
        if self._connection is not None:
            self._image = None if self._path else self._connection.serialize()
            self._connection.close()
            self._connection = None

    async def erase(self) -> None:
        """Delete the whole database."""
        await self.close()
        self._image = None
        if self._path:
            _unlink(self._path)

    @property
    def _path(self) -> Path | None:
        return self._directory and self._directory / f"{self._database}.sqlite3"

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise HostError("storage-failed", "storage: expected an open database, got none.")
        return self._connection

    def _check(self, store: str) -> None:
        if store not in self._stores:
            known = ", ".join(sorted(self._stores))
            raise HostError("storage-failed", f"storage: expected one of {known}, got {store}.")


def _apply(connection: sqlite3.Connection, operation: Put | Delete) -> None:
    place = (operation.store, _utf16(operation.key))
    if isinstance(operation, Put):
        connection.execute("replace into records values (?, ?, ?)", (*place, operation.data))
    else:
        connection.execute("delete from records where store = ? and key = ?", place)


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
