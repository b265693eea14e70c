"""Which segments of a log belong to its history, judged from the end backwards.

Each segment is bound to its number and to the tag of the one before it, and the tail names the
last one. So whatever is missing, damaged, moved, replayed, added or reordered shows, and a fault
costs the segments it touched: those behind it still open. One limit: of a segment right below a
fault only the number and the key are sure, since what would name its tag is what is gone.

>>> links = {1: Link(b"A", b"0"), 2: Link(b"B", b"A")}
>>> judge(Base(0, b"0"), links, Base(3, b"C"))
Verdict(good=(1, 2), faults=(Fault(first=3, last=3, reason='missing'),))
"""

from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from .record import NO_TAG

Reason = Literal["missing", "seal-broken", "other-history", "unexpected"]


class Base(NamedTuple):
    """A point of the history: a segment's number and tag."""

    sequence: int
    tag: bytes


class Link(NamedTuple):
    """A segment that opened: its own tag, and the one it says came before."""

    tag: bytes
    previous_tag: bytes


class Fault(NamedTuple):
    """Segments ``first`` to ``last`` that are left out."""

    first: int
    last: int
    reason: Reason


class Verdict(NamedTuple):
    """Numbers of the segments to apply, ascending, and what is wrong with the others."""

    good: tuple[int, ...]
    faults: tuple[Fault, ...]


def judge(base: Base, links: Mapping[int, Link | None], tail: Base | None) -> Verdict:
    """Judge the segments behind ``base``.

    Args:
        base: The last segment that the checkpoint holds.
        links: Every stored segment by number; None for one that did not open.
        tail: The last segment ever written, without a tag if only its number is known; None if
            nobody knows even that.
    """
    # A number alone proves nothing: anybody can store something under a high one.
    opened = [number for number, link in links.items() if link is not None]
    last = max([base.sequence, *opened]) if tail is None else tail.sequence
    found = dict(_backwards(base, links, last, (tail and tail.tag) or None))
    found |= {n: "unexpected" for n in links if not base.sequence < n <= last}
    good = tuple(sorted(n for n, reason in found.items() if reason is None))
    bad = sorted((n, reason) for n, reason in found.items() if reason is not None)
    return Verdict(good, tuple(_ranges(bad)))


def end_of(base: Base, links: Mapping[int, Link | None], tail: Base | None) -> Base:
    """Return where the log goes on: behind the tail, or else behind the last one that opened."""
    if tail is None:
        opened = (Base(n, link.tag) for n, link in links.items() if link is not None)
        return max([base, *opened])
    link = links.get(tail.sequence)
    return Base(tail.sequence, tail.tag or (link.tag if link else NO_TAG))


def _backwards(
    base: Base, links: Mapping[int, Link | None], last: int, last_tag: bytes | None
) -> Iterator[tuple[int, Reason | None]]:
    expected = last_tag
    for number in range(last, base.sequence, -1):
        link = links.get(number)
        if number not in links:
            yield number, "missing"
        elif link is None:
            yield number, "seal-broken"
        elif _is_foreign(link, expected) or (
            number == base.sequence + 1 and link.previous_tag != base.tag
        ):
            link = None
            yield number, "other-history"
        else:
            yield number, None
        expected = None if link is None else link.previous_tag


def _is_foreign(link: Link, expected: bytes | None) -> bool:
    return expected is not None and link.tag != expected


def _ranges(bad: list[tuple[int, Reason]]) -> Iterator[Fault]:
    first = 0
    for index, (number, reason) in enumerate(bad):
        if index and bad[index - 1] != (number - 1, reason):
            first = index
        if index + 1 == len(bad) or bad[index + 1] != (number + 1, reason):
            yield Fault(bad[first][0], number, reason)
