"""What should be there, by the pointers in clear."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from edge_runtime.errors import TrustError
from edge_runtime.pure import segment
from edge_runtime.pure.head import Checkpoint, Slot, base_of
from edge_runtime.pure.record import Header, unpack
from edge_runtime.pure.segment import ROUTES, Route
from edge_runtime.services.store_disk import CHECKPOINT

from .dump import Dump
from .logs import Span
from .meta import MetaLook

# Far beyond what lies between two checkpoints: pointers in clear may say anything.
_LONGEST_SPARE: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Known:
    """What to expect.

    Attributes:
        has_pointers: Whether the pointers can be read; without them little is known.
        checkpoint: The one in use; None before the first.
        spare: The one before, if its pieces are to be there.
        spans: Where the segments of each route should be; None if that is not known.
    """

    has_pointers: bool
    checkpoint: Checkpoint | None
    spare: Checkpoint | None
    spans: Mapping[Route, Span | None]


def known_of(dump: Dump, meta: MetaLook) -> Known:
    """Return what to expect of a dump.

    A spare is given up in one transaction when room is short, and its slot is written over piece by
    piece by the next checkpoint: the head, and with it the pointers, follows later.
    """
    if meta.checkpoints is None:
        return Known(False, None, None, dict.fromkeys(ROUTES))
    checkpoint, spare = (*meta.checkpoints, None, None)[:2]
    if spare is not None and _is_given_up(dump, checkpoint, spare):
        spare = None
    spans = {route: _span(route, checkpoint, spare) for route in ROUTES}
    if spare is not None and checkpoint is not None:
        newest = max(_versions_in(dump.stores[CHECKPOINT], spare.slot), default=0)
        spare = spare if newest <= checkpoint.version else None
    return Known(True, checkpoint, spare, spans)


def headers_in(pieces: Mapping[str, bytes], slot: Slot, route: Route) -> list[Header]:
    """Return the headers of a route's pieces in a slot, but for those that are no records."""
    headers: list[Header] = []
    for record in (pieces[key] for key in pieces if key.startswith(f"{slot}-{route}-")):
        try:
            headers.append(unpack(route, record).header)
        except TrustError:
            continue
    return headers


def _versions_in(pieces: Mapping[str, bytes], slot: Slot) -> set[int]:
    return {header.version for route in ROUTES for header in headers_in(pieces, slot, route)}


def _is_given_up(dump: Dump, checkpoint: Checkpoint | None, spare: Checkpoint) -> bool:
    kept = [
        number
        for route in ROUTES
        for key in dump.stores[route]
        if (number := segment.sequence_of(key)) and number <= base_of(checkpoint, route).sequence
    ]
    return not kept and spare.version not in _versions_in(dump.stores[CHECKPOINT], spare.slot)


def _span(route: Route, checkpoint: Checkpoint | None, spare: Checkpoint | None) -> Span:
    base = base_of(checkpoint, route)
    oldest = base if spare is None else min(base, base_of(spare, route))
    return Span(
        oldest=base if base.sequence - oldest.sequence > _LONGEST_SPARE else oldest,
        base=base,
    )
