"""The triggers in use: taken up at a start, swapped at run time, asked about each new event.

Sequences are taken up from the stored events. What counts and cooldowns remember depends on all
that went before, so it is one value of the store.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import Final, Protocol

from ..config_triggers import EventKey, Trigger
from ..errors import ConfigError, EdgeError
from ..host.ports import Clock
from ..pure.config_checks import usable_triggers
from ..pure.matcher import Match, Matcher
from ..pure.statistics import TriggerStatistics
from ..types import Event, JsonValue

Watch = Callable[[Collection[EventKey], float], list[Event]]

KEY: Final = "edge.triggers"

SAVE_MS: Final = 1_000
"""From one write of what is remembered to the next, at least."""


class Values(Protocol):
    """Where counts and cooldowns are kept."""

    def get(self, key: str) -> JsonValue:
        """Return the value of ``key`` or None."""

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        """Keep ``value``, durable when this returns."""


class Triggers:
    """Those whose task is loaded.

    Args:
        clock: Says when events arrive.
        watch: Has the store return events of these keys, and returns those of the last so many ms.
        values: Where counts and cooldowns are kept.
    """

    def __init__(self, clock: Clock, watch: Watch, values: Values) -> None:
        self._clock = clock
        self._watch = watch
        self._values = values
        self._saving: asyncio.Task[None] | None = None
        self._saved_changes = 0
        self._matcher = Matcher(())
        self._matches = 0

    def start(self, triggers: Iterable[Trigger], tasks: Collection[str]) -> list[ConfigError]:
        """Go on where an earlier life stopped; return a problem for each trigger without a task."""
        usable, problems = usable_triggers(triggers, tasks)
        self._matcher = matcher = Matcher(usable)
        now_ms = self._clock.now_ms()
        for event in self._watch(matcher.steps, matcher.window_ms):
            matcher.replayed(event, now_ms)
        matcher.remember(self._values.get(KEY), now_ms)
        self._watch(matcher.patterns, 0)
        return problems

    def swap(self, triggers: Iterable[Trigger], tasks: Collection[str]) -> list[ConfigError]:
        """Use other triggers from now on; return a problem for each without a task."""
        usable, problems = usable_triggers(triggers, tasks)
        self._matcher = self._matcher.swapped(usable)
        self._watch(self._matcher.patterns, 0)
        self._save()
        return problems

    def matches(self, events: Iterable[Event]) -> Iterator[tuple[Event, Match]]:
        """Yield what new events, which arrive now, activate."""
        now_ms = self._clock.now_ms()
        for event in events:
            for match in self._matcher.match(event, now_ms):
                self._matches += 1
                yield event, match
        self._save()

    def forget(self) -> None:
        """Begin anew, as if there had been no event."""
        self._matcher.forget()

    def statistics(self) -> TriggerStatistics:
        """Return the counts."""
        return TriggerStatistics(count=len(self._matcher), matches=self._matches)

    async def save(self) -> None:
        """Keep at once what has changed; return when it is kept, or cannot be."""
        if self._matcher.changes != self._saved_changes:
            await self._put()

    async def stop(self) -> None:
        """Return when what was to be kept is kept, or cannot be."""
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)
            # Again, as the write that was under way may have been given up.
            await self._put()

    def _save(self) -> None:
        if self._saving is None and self._matcher.changes != self._saved_changes:
            self._saving = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            while self._matcher.changes != self._saved_changes:
                await self._put()
                await self._clock.sleep_ms(SAVE_MS)
        finally:
            self._saving = None

    async def _put(self) -> None:
        self._saved_changes = self._matcher.changes
        try:
            await self._values.put(KEY, self._matcher.remembered(), encrypted=True)
        except EdgeError:
            # The store tells of its own troubles; the next change is written again, with this one.
            pass
