"""Checkpoints as far as they can be judged without a key: pieces, their order and their links."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple

from edge_runtime.config import LIMITS
from edge_runtime.errors import TrustError
from edge_runtime.pure import segment
from edge_runtime.pure.chain import Reason
from edge_runtime.pure.damage import Damage
from edge_runtime.pure.head import SLOTS, Checkpoint, Slot, piece_key
from edge_runtime.pure.record import NO_TAG, Header, tag_of, unpack
from edge_runtime.pure.segment import ROUTES, Route
from edge_runtime.services.store_disk import CHECKPOINT

from .known import Known, headers_in

Use = Literal["in use", "spare", "left over", "unknown"]
Pieces = Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class ImageLook:
    """The pieces of one route in one slot.

    Attributes:
        use: What the pointers in clear say; ``left over``: of a checkpoint that was given up, or
            did not end. Nothing reads those, and the next start removes them.
        pieces: How many there are.
        expected: How many the pointers name.
        linked: How many, from the first on, follow one on the other.
        versions: Of the checkpoints they belong to.
        key_ids: How many of them each data key sealed.
    """

    slot: Slot
    route: Route
    use: Use
    pieces: int
    expected: int
    linked: int
    size_bytes: int
    versions: list[int]
    key_ids: dict[str, int]


class _Walk(NamedTuple):
    """How far pieces follow one on the other, and why no further."""

    linked: int
    tag: bytes
    reason: Reason | None


def look_at_images(pieces: Pieces, known: Known) -> tuple[list[ImageLook], list[Damage]]:
    """Judge all pieces."""
    used: dict[Slot, tuple[Use, Checkpoint]] = {}
    if known.spare is not None:
        used[known.spare.slot] = ("spare", known.spare)
    if known.checkpoint is not None:
        used[known.checkpoint.slot] = ("in use", known.checkpoint)
    places = [(slot, route) for slot in SLOTS for route in ROUTES]
    looks = [_look(pieces, slot, route, used.get(slot), known) for slot, route in places]
    faults = [
        fault
        for _, checkpoint in used.values()
        for route in ROUTES
        for fault in _faults(pieces, checkpoint, route)
    ]
    own = {key for slot, route in places for key in _keys(pieces, slot, route)}
    strays = sorted(pieces.keys() - own)
    faults += [Damage(CHECKPOINT, key, key, "unexpected") for key in strays]
    return [look for look in looks if look.pieces or look.expected], faults


def _look(
    pieces: Pieces, slot: Slot, route: Route, used: tuple[Use, Checkpoint] | None, known: Known
) -> ImageLook:
    keys = _keys(pieces, slot, route)
    headers = headers_in(pieces, slot, route)
    expected = used[1].images[route].pieces if used else 0
    unused: Use = "left over" if known.has_pointers else "unknown"
    version = used[1].version if used else None
    return ImageLook(
        slot=slot,
        route=route,
        use=used[0] if used and expected else unused,
        pieces=len(keys),
        expected=expected,
        linked=_walk(pieces, slot, route, expected or len(keys), version).linked,
        size_bytes=sum(len(pieces[key]) for key in keys),
        versions=sorted({header.version for header in headers}),
        key_ids=dict(Counter(header.key_id for header in headers)),
    )


def _faults(pieces: Pieces, checkpoint: Checkpoint, route: Route) -> Iterator[Damage]:
    image = checkpoint.images[route]
    walk = _walk(pieces, checkpoint.slot, route, image.pieces, checkpoint.version)
    if walk.reason is not None:
        key = piece_key(checkpoint.slot, route, walk.linked)
        yield Damage(CHECKPOINT, key, key, walk.reason)
    elif walk.tag != image.last_tag:
        key = piece_key(checkpoint.slot, route, max(0, image.pieces - 1))
        yield Damage(CHECKPOINT, key, key, "other-history")


def _walk(pieces: Pieces, slot: Slot, route: Route, count: int, version: int | None) -> _Walk:
    """Follow the links through ``count`` pieces; the version is None for whatever the first has."""
    tag = NO_TAG
    for index in range(count):
        record = pieces.get(piece_key(slot, route, index))
        if record is None:
            return _Walk(index, tag, "missing")
        header = _header(route, record)
        if header is None:
            return _Walk(index, tag, "seal-broken")
        version = header.version if version is None else version
        if header.version != version or header.previous_tag != tag:
            return _Walk(index, tag, "other-history")
        tag = tag_of(record)
    return _Walk(count, tag, None)


def _header(route: Route, record: bytes) -> Header | None:
    try:
        header, _, payload = unpack(route, record)
        if payload is not None:
            segment.unpacked(payload, max_bytes=LIMITS.piece_bytes)
    except TrustError:
        return None
    return header


def _keys(pieces: Pieces, slot: Slot, route: Route) -> list[str]:
    prefix = f"{slot}-{route}-"
    return [key for key in pieces if key.startswith(prefix)]
