"""Reads a root key from a file: the raw bytes, as the native host keeps it, or hex digits."""

from pathlib import Path
from typing import Final

from ..errors import NoDump

KEY_BYTES: Final = 32


def read_key(path: Path) -> bytes:
    """Return the key.

    Raises:
        NoDump: The file holds none; the text never quotes it.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise NoDump(f"--key: expected a file, got {error}.") from error
    if len(data) == KEY_BYTES:
        return data
    try:
        key = bytes.fromhex(data.decode("ascii"))
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise NoDump(
            f"--key: expected {KEY_BYTES} bytes or {2 * KEY_BYTES} hex digits, got {len(data)} "
            f"other bytes in {path}. The native host keeps its key in edge-root-2.key; a browser's "
            "cannot be exported."
        )
    return key
