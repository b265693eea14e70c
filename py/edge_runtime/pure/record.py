"""Stored records: a header in clear, and a body that opens only in its own place.

::

    head    "EDH2" · header · sealed(payload)           sealed with the root key
    sealed  "EDS2" · header · sealed(payload)           sealed with a data key
    plain   "EDP2" · header · length (4) · payload · seal of nothing
    header  length of key id (1) · key id · version (8) · previous tag (16)

``sealed()`` is ``iv (12) ‖ ciphertext ‖ tag (16)``. Associated data names the place: application,
database, store, schema, key id, row, row version and the previous row's tag, so a record that is
swapped, moved, replayed or reordered does not open. A plain record carries a seal over nothing
whose associated data holds its payload's digest: readable, and still unforgeable.

Invariant: every record ends with its tag.
"""

import hashlib
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from ..errors import TrustError

Kind = Literal["head", "sealed", "plain"]

SCHEMA_VERSION: Final = 2
TAG_BYTES: Final = 16
NO_TAG: Final = bytes(TAG_BYTES)
_SEAL_OF_NOTHING_BYTES: Final = 12 + TAG_BYTES
_MAGIC: Final[dict[Kind, bytes]] = {"head": b"EDH2", "sealed": b"EDS2", "plain": b"EDP2"}
_HEAD_FAMILY: Final = b"EDH"
_APPLICATION: Final = "edge-runtime"


@dataclass(frozen=True, slots=True)
class Place:
    """Where a record belongs: its store and row, and which version of the row it is."""

    database: str
    store: str
    row: str
    version: int


class Header(NamedTuple):
    """What a record says in clear; all of it is part of the associated data."""

    key_id: str
    version: int
    previous_tag: bytes


def tag_of(record: bytes) -> bytes:
    """Return the tag that ends every record."""
    return record[-TAG_BYTES:]


def associated_data(place: Place, header: Header, payload: bytes | None = None) -> bytes:
    """Return what a record is bound to.

    Args:
        place: Where it is.
        header: What it says of itself; its version must be the place's.
        payload: Of a plain record, which is bound by its digest.

    Raises:
        ValueError: A part is empty or holds NUL, which would let two places look the same.
    """
    parts = [
        _APPLICATION,
        place.database,
        place.store,
        str(SCHEMA_VERSION),
        header.key_id,
        place.row,
        str(place.version),
        header.previous_tag.hex(),
        "sealed" if payload is None else f"plain:{hashlib.sha256(payload).hexdigest()}",
    ]
    if not all(parts) or any("\0" in part for part in parts):
        raise ValueError(f"associated data: expected parts without NUL, none empty, got {parts}")
    return "\0".join(parts).encode()


def pack(kind: Kind, header: Header, body: bytes, payload: bytes = b"") -> bytes:
    """Return the record: ``body`` is what was sealed, ``payload`` a plain record's own bytes."""
    key_id = header.key_id.encode()
    clear = len(payload).to_bytes(4, "big") + payload if kind == "plain" else b""
    version = header.version.to_bytes(8, "big")
    return b"".join(
        (_MAGIC[kind], bytes([len(key_id)]), key_id, version, header.previous_tag, clear, body)
    )


class Unpacked(NamedTuple):
    """A record taken apart; ``payload`` is None unless it is plain."""

    header: Header
    body: bytes
    payload: bytes | None


def unpack(kind: Kind, record: bytes) -> Unpacked:
    """Take a record apart.

    Raises:
        TrustError: ``seal-broken``: no record of this kind; a sealed store takes no plain record.
    """
    magic, rest = record[:4], record[4:]
    if magic != _MAGIC[kind]:
        raise _broken(f"a record beginning with {_MAGIC[kind]!r}", repr(magic))
    length = rest[0] if rest else 0
    key_id, rest = rest[1 : 1 + length].decode("ascii", "replace"), rest[1 + length :]
    if not length or len(rest) < 8 + TAG_BYTES + _SEAL_OF_NOTHING_BYTES:
        raise _broken("a whole header", f"{len(record)} bytes")
    if "\0" in key_id:
        raise _broken("a key id without NUL", repr(key_id))
    version, previous = int.from_bytes(rest[:8], "big"), rest[8 : 8 + TAG_BYTES]
    header, rest = Header(key_id, version, previous), rest[8 + TAG_BYTES :]
    return _plain(header, rest) if kind == "plain" else Unpacked(header, rest, None)


def is_newer_head(record: bytes) -> bool:
    """Say whether a later version of the runtime made this head."""
    return record[:3] == _HEAD_FAMILY and record[:4] > _MAGIC["head"]


def _plain(header: Header, rest: bytes) -> Unpacked:
    length = int.from_bytes(rest[:4], "big")
    payload, body = rest[4 : 4 + length], rest[4 + length :]
    if len(payload) != length or len(body) != _SEAL_OF_NOTHING_BYTES:
        raise _broken(f"{length} bytes and a seal", f"{len(rest) - 4} bytes")
    return Unpacked(header, body, payload)


def _broken(expected: str, got: str) -> TrustError:
    return TrustError("seal-broken", f"record: expected {expected}, got {got}. It is left out.")
