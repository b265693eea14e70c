"""Operations that are not durable yet, in order, and how the next commit takes them.

Invariants: operations leave in the order in which they came; within one commit only the last
operation on a key is written, so that records of both routes may be replayed in any order.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from .segment import Operations, Route


@dataclass(slots=True, eq=False)
class Entry:
    """Rows of a batch of events (``key`` None), or one operation on ``key``, as JSON text."""

    route: Route
    text: str
    count: int = 1
    key: str | None = None
    settled: bool = False


class Commit(NamedTuple):
    """What one commit writes. ``key_texts`` are its operations on keys, in order."""

    entries: tuple[Entry, ...]
    routes: Mapping[Route, Operations]
    key_texts: tuple[str, ...]
    has_keys: bool


class Backlog:
    """A queue of entries; ``operations`` counts events and key operations in it."""

    def __init__(self) -> None:
        self._entries: list[Entry] = []
        self.operations = 0

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    @property
    def last(self) -> Entry | None:
        """The entry that came last, None when there is none."""
        return self._entries[-1] if self._entries else None

    def add(self, entry: Entry) -> Entry:
        """Append ``entry`` and return it."""
        self._entries.append(entry)
        self.operations += entry.count
        return entry

    def next_commit(self, max_chars: int) -> Commit:
        """Return the oldest entries whose texts fit ``max_chars``, at least one; they stay."""
        taken: list[Entry] = []
        chars = 0
        for entry in self._entries:
            chars += len(entry.text)
            if taken and chars > max_chars:
                break
            taken.append(entry)
        return _commit(taken)

    def settle(self, commit: Commit) -> None:
        """Remove what has become durable."""
        for entry in commit.entries:
            entry.settled = True
        self._keep(entry for entry in self._entries if not entry.settled)

    def remove(self, entry: Entry) -> None:
        """Take back an entry whose caller is told that it failed."""
        self._keep(each for each in self._entries if each is not entry)

    def drop_oldest_events(self, max_events: int) -> int:
        """Drop the oldest batches of events beyond ``max_events``; return how many events went."""
        surplus = sum(entry.count for entry in self._entries if entry.key is None) - max_events
        kept: list[Entry] = []
        dropped = 0
        for entry in self._entries:
            if entry.key is None and dropped < surplus:
                dropped += entry.count
            else:
                kept.append(entry)
        self._keep(kept)
        return dropped

    def _keep(self, entries: Iterable[Entry]) -> None:
        self._entries = list(entries)
        self.operations = sum(entry.count for entry in self._entries)


def _commit(entries: list[Entry]) -> Commit:
    last = {entry.key: entry for entry in entries if entry.key is not None}
    routes: dict[Route, Operations] = {}
    for entry in entries:
        events, keys = routes.setdefault(entry.route, Operations([], []))
        if entry.key is None:
            events.append(entry.text)
        elif last[entry.key] is entry:
            keys.append(entry.text)
    routes = {route: each for route, each in routes.items() if each.events or each.keys}
    key_texts = tuple(entry.text for entry in last.values())
    return Commit(tuple(entries), routes, key_texts, bool(last))
