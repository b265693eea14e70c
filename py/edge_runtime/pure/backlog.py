"""Operations that are not durable yet, in order, and how the next commit takes them.

Invariants: operations leave in the order in which they came; within one commit only the last
operation on a key is written, so that a segment holds a key at most once.
"""

from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .segment import ROUTES, Operations, Route


@dataclass(slots=True, eq=False)
class Entry:
    """A batch of ``count`` events (``key`` None), or what to do with ``key``, as text by route.

    ``waiters`` are called once it is durable, or once nobody expects that any more.
    """

    texts: Mapping[Route, str]
    count: int = 1
    key: str | None = None
    waiters: list[Callable[[], None]] = field(default_factory=list)
    settled: bool = False

    def release(self) -> None:
        """Call the waiters, each once."""
        waiters, self.waiters = self.waiters, []
        for done in waiters:
            done()

    @property
    def chars(self) -> int:
        """Length of all texts."""
        return sum(map(len, self.texts.values()))


class Commit(NamedTuple):
    """What one commit writes. ``keys`` are its operations on keys, by route and in order."""

    entries: tuple[Entry, ...]
    routes: Mapping[Route, Operations]
    keys: tuple[tuple[Route, str], ...]

    @property
    def has_keys(self) -> bool:
        """Whether anything but events is in it."""
        return bool(self.keys)


class Backlog:
    """A queue of entries; ``operations`` counts events and key operations in it.

    Whatever is added, dropped or settled costs the entries it is about, however many wait.
    """

    def __init__(self) -> None:
        # Ordered sets: entries leave from the front, and a single one from anywhere.
        self._entries: OrderedDict[Entry, None] = OrderedDict()
        self._batches: OrderedDict[Entry, None] = OrderedDict()
        self._by_key: Counter[tuple[str, Route]] = Counter()
        self.operations = 0
        self._events = 0
        self._batch_chars = 0

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self._entries)

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The entries, oldest first."""
        return tuple(self._entries)

    @property
    def last(self) -> Entry | None:
        """The entry that came last, None when there is none."""
        return next(reversed(self._entries), None)

    def routes_of(self, key: str) -> set[Route]:
        """Return the routes in which something waits to be done with ``key``."""
        return {route for route in ROUTES if (key, route) in self._by_key}

    def add(self, entry: Entry) -> Entry:
        """Append ``entry`` and return it."""
        self._entries[entry] = None
        self._count(entry, 1)
        if entry.key is None:
            self._batches[entry] = None
        return entry

    def next_commit(self, max_chars: int) -> Commit:
        """Return the oldest entries whose texts fit ``max_chars``, at least one; they stay."""
        taken: list[Entry] = []
        chars = 0
        for entry in self._entries:
            chars += entry.chars
            if taken and chars > max_chars:
                break
            taken.append(entry)
        return _commit(taken)

    def settle(self, commit: Commit) -> None:
        """Remove what has become durable and tell those who wait for it."""
        for entry in commit.entries:
            entry.settled = True
            self.remove(entry)
        for entry in commit.entries:
            entry.release()

    def remove(self, entry: Entry) -> None:
        """Take back an entry whose caller is told that it failed; one that has left is no error."""
        if entry in self._entries:
            del self._entries[entry]
            self._batches.pop(entry, None)
            self._count(entry, -1)

    def clear(self) -> None:
        """Forget everything; nobody is told."""
        self._entries.clear()
        self._batches.clear()
        self._by_key.clear()
        self.operations = self._events = self._batch_chars = 0

    def drop_oldest_events(self, max_events: int, max_chars: int) -> int:
        """Drop the oldest batches of events until neither their events nor their texts are more.

        Returns:
            How many events went.
        """
        before = self._events
        while self._events > max_events or self._batch_chars > max_chars:
            oldest = next(iter(self._batches))
            self.remove(oldest)
            oldest.release()
        return before - self._events

    def _count(self, entry: Entry, sign: Literal[1, -1]) -> None:
        self.operations += sign * entry.count
        if entry.key is None:
            self._events += sign * entry.count
            self._batch_chars += sign * entry.chars
            return
        for route in entry.texts:
            self._by_key[entry.key, route] += sign
            if not self._by_key[entry.key, route]:
                del self._by_key[entry.key, route]


def _commit(entries: list[Entry]) -> Commit:
    last = {entry.key: entry for entry in entries if entry.key is not None}
    routes: dict[Route, Operations] = {}
    for entry in entries:
        for route, text in entry.texts.items():
            operations = routes.setdefault(route, Operations([], []))
            if entry.key is None:
                operations.batches.append(text)
            elif last[entry.key] is entry:
                operations.keys.append(text)
    routes = {route: each for route, each in routes.items() if each.batches or each.keys}
    keys = tuple((route, text) for entry in last.values() for route, text in entry.texts.items())
    return Commit(tuple(entries), routes, keys)
