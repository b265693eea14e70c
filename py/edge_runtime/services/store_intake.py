"""Events on their way in: into the tables at once, into the log with the next commit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ..config import EventsRule, Limits
from ..errors import ConfigError
from ..pure.backlog import Entry
from ..pure.segment import Route
from ..types import Event
from .store_commit import GroupCommit
from .store_tables import Tables

Done = Callable[[], None]

_TRIMMED_PER_ADDED: Final = 2


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of a batch: new events of watched keys, and refused rows."""

    matching: list[Event]
    errors: list[ConfigError]


class Intake:
    """Adds batches and keeps the number of events bounded.

    Attributes:
        trimmed: Events deleted because there were too many.
    """

    def __init__(
        self, tables: Tables, commits: GroupCommit, rule: EventsRule, limits: Limits
    ) -> None:
        self._tables = tables
        self._commits = commits
        self._max_events = rule.max_rows
        self._slack = limits.slice_rows
        self._events = 0
        self.trimmed = 0

    def add(self, batch_json: str, done: Done | None, *, is_durable: bool) -> Taken:
        """Add a batch; ``done`` is called when it is durable, at once if that can not be."""
        added = self._tables.add_batch(batch_json)
        if added.new:
            texts: Mapping[Route, str] = {self._tables.events_route: added.text}
            self._commits.add(Entry(texts, added.new))
            self._trim(added.new)
        if done is not None:
            self._when_durable(done, is_durable)
        if not is_durable:
            self._commits.bound()
        return Taken(added.matching, added.errors)

    def add_waiting(self) -> None:
        """Put into the tables what waits to become durable: they were loaded anew."""
        for entry in self._commits.waiting():
            if entry.key is None:
                self._tables.add_batch(entry.texts[self._tables.events_route])
        self.count()

    def count(self) -> None:
        """Count again: others have added or deleted events."""
        self._events = self._tables.count(self._tables.events_route, "events")

    def _when_durable(self, done: Done, is_durable: bool) -> None:
        # Known ids may still be waiting, so a batch without news waits for what came before it.
        last = self._commits.last if is_durable else None
        if last is not None:
            last.waiters.append(done)
        else:
            done()

    def _trim(self, added: int) -> None:
        self._events += added
        surplus = self._events - self._max_events
        # Twice what came is enough to get ahead of it, and little enough not to be noticed.
        if surplus > self._slack:
            deleted, _ = self._tables.delete_oldest(min(surplus, _TRIMMED_PER_ADDED * added))
            self._events -= deleted
            self.trimmed += deleted
