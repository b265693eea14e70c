"""The log of one route as far as it can be judged without a key: numbers, links, headers."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from edge_runtime.config import LIMITS
from edge_runtime.errors import TrustError
from edge_runtime.pure import segment
from edge_runtime.pure.chain import Base, Fault, Link, judge
from edge_runtime.pure.damage import Damage
from edge_runtime.pure.record import NO_TAG, Header, tag_of, unpack
from edge_runtime.pure.segment import Route

from .old_schema import is_old

# Nobody's log has a hole this wide; a number behind one is a stranger's.
_WIDEST_GAP: Final = 100_000


@dataclass(frozen=True, slots=True)
class Span:
    """Where a route's segments should be.

    Attributes:
        oldest: The last segment before those that are kept.
        base: The last segment that the checkpoint holds; those up to it are kept as a spare.
    """

    oldest: Base
    base: Base


@dataclass(frozen=True, slots=True)
class LogLook:
    """One route's log.

    Attributes:
        records: How many there are under whatever key.
        first, last: The lowest and highest number in place.
        linked: Segments whose links hold on both sides, as far as those are known.
        gaps: Ranges of numbers that are missing.
        out_of_place: Records where no segment belongs.
        old_schema: Records of schema 1.
        generations: The lowest and the highest.
        key_ids: How many segments each data key sealed.
    """

    records: int
    first: int | None
    last: int | None
    linked: int
    gaps: list[tuple[int, int]]
    out_of_place: int
    old_schema: int
    generations: tuple[int, int] | None
    key_ids: dict[str, int]


def look_at_log(
    route: Route, records: Mapping[str, bytes], span: Span | None, *, may_be_old: bool
) -> tuple[LogLook, list[Damage]]:
    """Judge a route's records.

    Args:
        route: Whose log it is.
        records: All there are in its store.
        span: Where they should be; None takes the first of them for the oldest.
        may_be_old: Records of schema 1 are in their place: nothing has replaced them yet.
    """
    old = {key for key, record in records.items() if is_old(route, record)}
    numbered = {n: records[key] for key in records if (n := segment.sequence_of(key)) is not None}
    headers = {number: _header(route, record) for number, record in numbered.items()}
    links = {
        number: None if header is None else Link(tag_of(numbered[number]), header.previous_tag)
        for number, header in headers.items()
    }
    span = _span_of(links) if span is None else span
    placed = set(_in_reach(sorted(n for n in links if n > span.oldest.sequence), span))
    faults = list(_faults({n: links[n] for n in links if n in placed}, span))
    bad = {n for fault in faults for n in range(fault.first, fault.last + 1)}
    good = {n: header for n in placed - bad if (header := headers[n]) is not None}
    waiting = old if may_be_old else set()
    strays = sorted(k for k in records.keys() - waiting if segment.sequence_of(k) not in placed)
    look = LogLook(
        records=len(records),
        first=min(placed, default=None),
        last=max(placed, default=None),
        linked=len(good),
        gaps=[(fault.first, fault.last) for fault in faults if fault.reason == "missing"],
        out_of_place=len(strays),
        old_schema=len(old),
        generations=_extent([header.version for header in good.values()]),
        key_ids=dict(Counter(header.key_id for header in good.values())),
    )
    return look, [*damage_of(route, faults), *(Damage(route, k, k, "unexpected") for k in strays)]


def faults_of_spare(links: Mapping[int, Link | None], span: Span) -> list[Fault]:
    """Judge the segments that the checkpoint holds as well, up to its base."""
    kept = {n: link for n, link in links.items() if n <= span.base.sequence}
    return list(judge(span.oldest, kept, span.base).faults)


def damage_of(route: Route, faults: list[Fault]) -> Iterator[Damage]:
    """Yield faults of a route as damage."""
    for fault in faults:
        first, last = segment.record_key(fault.first), segment.record_key(fault.last)
        yield Damage(route, first, last, fault.reason)


def _faults(links: Mapping[int, Link | None], span: Span) -> Iterator[Fault]:
    # With the checkpoint's base in between, as the core does: a spare may be gone altogether.
    if span.oldest.sequence < span.base.sequence:
        yield from faults_of_spare(links, span)
    behind = {n: link for n, link in links.items() if n > span.base.sequence}
    # Where the log ends only the sealed tail knows.
    yield from judge(span.base, behind, None).faults


def _in_reach(numbers: list[int], span: Span) -> Iterator[int]:
    for before, number in pairwise([span.oldest.sequence, *numbers]):
        if number - before > _WIDEST_GAP:
            return
        yield number


def _span_of(links: Mapping[int, Link | None]) -> Span:
    first = min((number for number in links if number > 0), default=1)
    link = links.get(first)
    before = Base(first - 1, NO_TAG if link is None else link.previous_tag)
    return Span(before, before)


def _header(route: Route, record: bytes) -> Header | None:
    try:
        header, _, payload = unpack(route, record)
        if payload is not None:
            segment.decode(payload, max_bytes=LIMITS.segment_bytes)
    except TrustError:
        return None
    return header


def _extent(numbers: list[int]) -> tuple[int, int] | None:
    return (min(numbers), max(numbers)) if numbers else None
