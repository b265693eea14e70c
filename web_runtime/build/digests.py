"""Names that carry a digest of the content, so that they can be cached for ever."""

import base64
import hashlib
from pathlib import Path
from typing import Final

HASH_CHARS: Final = 8


def digest_of(data: bytes) -> str:
    """Return the SHA-256 of ``data`` in lower-case hex."""
    return hashlib.sha256(data).hexdigest()


def integrity_of(data: bytes) -> str:
    """Return what a tag's ``integrity`` says of ``data``."""
    return f"sha384-{base64.b64encode(hashlib.sha384(data).digest()).decode()}"


def named_by_content(out: Path, stem: str, suffix: str, data: bytes) -> str:
    """Write ``data`` as ``<stem>.<hash><suffix>`` in ``out`` and return that name."""
    name = f"{stem}.{digest_of(data)[:HASH_CHARS]}{suffix}"
    (out / name).write_bytes(data)
    return name


def folder_named_by_content(out: Path, stem: str, files: dict[str, bytes]) -> str:
    """Write ``files`` into ``<stem>-<hash>`` in ``out`` and return that name."""
    listing = "".join(f"{name} {digest_of(files[name])}\n" for name in sorted(files))
    folder = f"{stem}-{digest_of(listing.encode())[:HASH_CHARS]}"
    for name, data in files.items():
        path = out / folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return folder
