"""What there is beside log and checkpoints: writer, heads, tail, anchor, pointers, root key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from edge_runtime.errors import TrustError
from edge_runtime.pure.damage import Damage
from edge_runtime.pure.head import Checkpoint, plain_images_from_bytes
from edge_runtime.pure.record import Kind, is_newer_head, unpack
from edge_runtime.pure.segment import ROUTES
from edge_runtime.services.store_disk import CHECKPOINT, META
from edge_runtime.services.store_durable import Durable
from edge_runtime.services.store_heads import PLAIN_IMAGES
from edge_runtime.services.store_log import TAIL
from edge_runtime.services.store_vault import HEADS, ROOT

from .dump import Dump
from .old_schema import is_old

WRITER: Final = "writer"
_MOST: Final = 10**12


@dataclass(frozen=True, slots=True)
class MetaLook:
    """What the records of ``meta`` and the notes say in clear; nothing of it is proven.

    Attributes:
        is_begun: Whether this version's store has written anything.
        writer: Generation of the last writer; None without its record.
        heads: Version of each copy of the head that has its form, by row.
        tail: Generation of the writer that wrote the tail; None if it is not there or damaged.
        has_anchor: Whether there is one; it is sealed.
        is_erasing: A deletion of everything was begun and not finished.
        checkpoints: The one in use, then its spare; None if that cannot be read.
    """

    is_begun: bool
    writer: int | None
    heads: dict[str, int]
    tail: int | None
    has_anchor: bool
    is_erasing: bool
    checkpoints: tuple[Checkpoint, ...] | None


async def look_at_meta(dump: Dump, device: Durable) -> MetaLook:
    """Read what needs no key."""
    meta = dump.stores[META]
    heads = {row: _version("head", meta[row]) for row in HEADS if row in meta}
    # The core parses its own records: who takes over is one generation above who wrote last.
    await device.disk.take_over()
    return MetaLook(
        is_begun=any(_is_of_this_version(dump)),
        writer=device.disk.generation - 1 if WRITER in meta else None,
        heads={row: version for row, version in heads.items() if version is not None},
        tail=_version("sealed", meta[TAIL]) if TAIL in meta else None,
        has_anchor="anchor" in dump.notes,
        is_erasing=device.disk.is_emptied,
        checkpoints=_checkpoints(meta.get(PLAIN_IMAGES)),
    )


def faults_of_meta(dump: Dump, look: MetaLook) -> Iterator[Damage]:
    """Yield what is missing, damaged or older than it must be."""
    yield from (Damage("keys", name, name, "unexpected") for name in dump.strange_keys)
    if not look.is_begun or look.is_erasing:
        return
    yield from _faults_of_records(dump, look)
    if ROOT not in dump.keys:
        yield Damage("keys", ROOT, ROOT, "missing")
    if not look.has_anchor and max(look.heads.values(), default=0) > 1:
        yield Damage("notes", "anchor", "anchor", "missing")


def _faults_of_records(dump: Dump, look: MetaLook) -> Iterator[Damage]:
    meta = dump.stores[META]
    sound = {
        WRITER: bool(look.writer),
        **{row: row in look.heads for row in HEADS},
        TAIL: look.tail is not None,
        PLAIN_IMAGES: look.checkpoints is not None,
    }
    for row, is_sound in sound.items():
        if row not in meta:
            yield Damage(META, row, row, "missing")
        elif row in HEADS and is_newer_head(meta[row]):
            yield Damage(META, row, row, "version-mismatch")
        elif not is_sound:
            yield Damage(META, row, row, "seal-broken")
    if len(set(look.heads.values())) > 1:
        older = min(look.heads, key=look.heads.__getitem__)
        yield Damage(META, older, older, "other-history")


def _is_of_this_version(dump: Dump) -> Iterator[bool]:
    yield from (row != WRITER for row in dump.stores[META])
    yield from (True for _ in dump.stores[CHECKPOINT])
    for route in ROUTES:
        yield from (not is_old(route, record) for record in dump.stores[route].values())


def _version(kind: Kind, record: bytes) -> int | None:
    try:
        return unpack(kind, record).header.version
    except TrustError:
        return None


def _checkpoints(record: bytes | None) -> tuple[Checkpoint, ...] | None:
    try:
        found = () if record is None else tuple(plain_images_from_bytes(record))
        return None if record is None or not all(map(_is_sane, found)) else found
    except (ValueError, LookupError, TypeError):
        return None


def _is_sane(checkpoint: Checkpoint) -> bool:
    """Say whether everything has its type: nobody vouches for these bytes."""
    counts = [
        count
        for image in checkpoint.images.values()
        for count in (image.base.sequence, image.pieces, image.size_bytes, image.rows)
    ]
    return all(type(each) is int and 0 <= each < _MOST for each in (checkpoint.version, *counts))
