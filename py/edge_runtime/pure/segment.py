"""The log's unit: operations of one commit as one JSON text, compressed, under a number.

::

    text  {"events": [[id, ts, type, pageId, clickId, pv, props], …],
           "keys": [["put", key, value, updatedMs, asked], ["delete", key], …]}

Batches of events go in as the page sent them. Invariant: a key occurs at most once per commit and
route, and each route has tables of its own, so the order between routes does not matter.
"""

import sys
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple

from ..errors import TrustError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Route = Literal["sealed", "plain"]
ROUTES: Final[tuple[Route, Route]] = ("sealed", "plain")

_DIGITS: Final = 12
# Level 1 shrinks events 14-fold at 1.8 M events/s.
_ZSTD_OPTIONS: Final[dict[int, int]] = {
    zstd.CompressionParameter.compression_level: 1,
    zstd.CompressionParameter.checksum_flag: 1,
}


class Operations(NamedTuple):
    """JSON texts of one segment: arrays of event rows, and puts and deletes of keys."""

    batches: list[str]
    keys: list[str]


def record_key(sequence: int) -> str:
    """Return the key of a segment; keys sort as their numbers do.

    >>> record_key(42)
    '000000000042'
    """
    return f"{sequence:0{_DIGITS}d}"


def sequence_of(key: str) -> int | None:
    """Return the number that :func:`record_key` was given; None for any other key.

    >>> sequence_of("000000000042"), sequence_of("42")
    (42, None)
    """
    return int(key) if len(key) == _DIGITS and key.isascii() and key.isdigit() else None


def encode(operations: Operations) -> bytes:
    """Return the compressed text of ``operations``."""
    rows = ",".join(inside for batch in operations.batches if (inside := batch.strip()[1:-1]))
    text = f'{{"events":[{rows}],"keys":[{",".join(operations.keys)}]}}'
    return zstd.compress(text.encode(), options=_ZSTD_OPTIONS)


def decode(packed: bytes, *, max_bytes: int) -> str:
    """Return the JSON text that :func:`encode` compressed.

    Raises:
        TrustError: ``seal-broken``: damaged, cut off, or larger than ``max_bytes`` unpacked.
    """
    try:
        return unpacked(packed, max_bytes=max_bytes).decode()
    except UnicodeDecodeError as error:
        raise _broken("UTF-8 text", str(error)) from error


def unpacked(packed: bytes, *, max_bytes: int) -> bytes:
    """Return the content of one zstd frame.

    Raises:
        TrustError: ``seal-broken``: as in :func:`decode`.
    """
    decompressor = zstd.ZstdDecompressor()
    try:
        data = decompressor.decompress(packed, max_length=max_bytes + 1)
    except zstd.ZstdError as error:
        raise _broken("one intact zstd frame", str(error)) from error
    if len(data) > max_bytes:
        raise _broken(f"at most {max_bytes} bytes unpacked", "more")
    if not decompressor.eof or decompressor.unused_data:
        raise _broken("one whole zstd frame", "a cut-off or extended one")
    return data


def packed_pieces(image: bytes, piece_bytes: int) -> Sequence[slice]:
    """Return the slices in which an image is stored, at least one."""
    return [
        slice(start, start + piece_bytes) for start in range(0, max(1, len(image)), piece_bytes)
    ]


def pack_piece(piece: bytes) -> bytes:
    """Compress one piece of an image."""
    return zstd.compress(piece, options=_ZSTD_OPTIONS)


def _broken(expected: str, got: str) -> TrustError:
    return TrustError("seal-broken", f"segment: expected {expected}, got {got}. It is left out.")
