"""Reads what the native host keeps in a folder as if it were a dump."""

import asyncio
import shutil
import tempfile
from pathlib import Path
from urllib.parse import unquote

from edge_runtime.errors import HostError
from edge_runtime.host.native.storage import SqliteStorage
from edge_runtime.services.store_disk import DATABASE, STORES, Disk

from ..errors import NoDump
from .dump import Dump


def read_folder(folder: Path) -> Dump:
    """Return the folder's records, notes and names of keys.

    Raises:
        NoDump: There is no database, or SQLite cannot read it.
    """
    database = folder / f"{DATABASE}.sqlite3"
    if not database.is_file():
        raise NoDump(f"{folder}: expected {database.name} in it, got none. Name the host's folder.")
    try:
        stores = asyncio.run(_read_copy(database))
        notes = {unquote(path.stem): path.read_bytes() for path in folder.glob("*.note")}
    except (HostError, OSError) as error:
        raise NoDump(f"{folder}: expected a readable database, got an error: {error}") from error
    keys = sorted(unquote(path.stem) for path in folder.glob("*.key"))
    return Dump(str(folder), None, stores, notes, tuple(keys))


async def _read_copy(database: Path) -> dict[str, dict[str, bytes]]:
    # Opening a database writes beside it: only a copy is opened.
    with tempfile.TemporaryDirectory() as copied:
        for path in database.parent.glob(f"{database.name}*"):
            shutil.copy(path, copied)
        disk = Disk(SqliteStorage(Path(copied)), "inspect")
        await disk.open()
        try:
            return {store: await _records(disk, store) for store in STORES}
        finally:
            await disk.close()


async def _records(disk: Disk, store: str) -> dict[str, bytes]:
    return {key: data async for batch in disk.read(store) for key, data in batch}
