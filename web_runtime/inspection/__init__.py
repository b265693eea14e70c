"""Looks at stored data: counts, sizes, integrity. Contents are never printed, with or without key.

Without the root key everything is judged by what records say in clear; with it, by the core's own
recovery on a copy in memory.
"""

import asyncio
from pathlib import Path

from .dump import read_dump
from .key_file import read_key
from .look import look, look_with_key
from .report import Report

__all__ = ["Report", "inspect"]


def inspect(path: Path, key_file: Path | None = None) -> Report:
    """Return what there is to say of a dump, or of a native host's folder.

    Args:
        path: ``edge-dump.json``, or a folder with ``edge-store.sqlite3``.
        key_file: The root key; None judges what can be judged without it.

    Raises:
        NoDump: ``path`` is no dump, or ``key_file`` no key.
    """
    key = None if key_file is None else read_key(key_file)
    dump = read_dump(path)
    return asyncio.run(look(dump) if key is None else look_with_key(dump, key))
