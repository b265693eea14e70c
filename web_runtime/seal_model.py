"""Seals a model file for publishing: AES-256-GCM in chunks, opened by ``host/model-seal.js``.

The page that opens it has the key: whoever reads the page can have it as well. This keeps a model
from being taken off the network or the disk by a look, no more; it is obfuscation, not a secret.
"""

import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import ToolError

MAGIC: Final = b"EDGEMDL\x01"
KEY_BYTES: Final = 32
CHUNK_BYTES: Final = 1024 * 1024
IV_BYTES: Final = 12
FILE_ID_BYTES: Final = 16


def seal_model(
    plain: bytes,
    key: bytes,
    *,
    chunk_bytes: int = CHUNK_BYTES,
    random_bytes: Callable[[int], bytes] = os.urandom,
) -> bytes:
    """Return the sealed file.

    A header (magic with version, plain size as u64, chunk size as u32, 16 random bytes; all little
    endian) and the chunks, each IV ‖ ciphertext ‖ tag. Header, index (u32) and whether it is the
    last (u8) are each chunk's associated data: none opens in another place or another file, and a
    file that ends early does not open.

    Args:
        plain: The model.
        key: 32 bytes.
        chunk_bytes: Plain bytes of each chunk but the last; the page needs about as much memory
            beside the file.
        random_bytes: For the tests' vectors.
    """
    header = MAGIC + struct.pack("<QI", len(plain), chunk_bytes) + random_bytes(FILE_ID_BYTES)
    cipher = AESGCM(key)
    # Empty, too, is a chunk: the key is proven.
    starts = range(0, max(1, len(plain)), chunk_bytes)
    sealed = [header]
    for index, start in enumerate(starts):
        iv = random_bytes(IV_BYTES)
        place = header + struct.pack("<IB", index, index == len(starts) - 1)
        sealed += [iv, cipher.encrypt(iv, plain[start : start + chunk_bytes], place)]
    return b"".join(sealed)


def load_or_make_key(path: Path) -> tuple[bytes, bool]:
    """Return the key in a file of 64 hex digits or 32 bytes, and whether it was made just now.

    Raises:
        ToolError: The file is none, cannot be read, or holds something else.
    """
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return _make_key(path), True
    except OSError as error:
        raise ToolError(f"--key: expected a file, got {error}.") from error
    key = data if len(data) == KEY_BYTES else _from_hex(data)
    if len(key) != KEY_BYTES:
        raise ToolError(
            f"--key: expected {KEY_BYTES} bytes or {2 * KEY_BYTES} hex digits, got {len(data)} "
            f"other bytes in {path}. Name a file that is not there to have a key made."
        )
    return key, False


def _from_hex(data: bytes) -> bytes:
    try:
        return bytes.fromhex(data.decode("ascii"))
    except ValueError:
        return b""


def _make_key(path: Path) -> bytes:
    key = os.urandom(KEY_BYTES)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(f"{key.hex()}\n")
    except OSError as error:
        raise ToolError(f"--key: expected to write a new key, got {error}.") from error
    return key
