"""The triggers in use: taken up at a start, swapped at run time, asked about each new event."""

from collections.abc import Callable, Collection, Iterable, Iterator

from ..config_triggers import EventKey, Trigger
from ..errors import ConfigError
from ..host.ports import Clock
from ..pure.config_checks import usable_triggers
from ..pure.matcher import Match, Matcher
from ..pure.statistics import TriggerStatistics
from ..types import Event

Watch = Callable[[Collection[EventKey], float], list[Event]]


class Triggers:
    """Those whose task is loaded.

    Args:
        clock: Says when events arrive.
        watch: Has the store return events of these keys, and returns those of the last so many ms.
    """

    def __init__(self, clock: Clock, watch: Watch) -> None:
        self._clock = clock
        self._watch = watch
        self._matcher = Matcher(())
        self._matches = 0

    def start(self, triggers: Iterable[Trigger], tasks: Collection[str]) -> list[ConfigError]:
        """Go on where an earlier life stopped; return a problem for each trigger without a task."""
        usable, problems = usable_triggers(triggers, tasks)
        self._matcher = matcher = Matcher(usable)
        now_ms = self._clock.now_ms()
        for event in self._watch(matcher.patterns, matcher.window_ms):
            matcher.replayed(event, now_ms)
        return problems

    def swap(self, triggers: Iterable[Trigger], tasks: Collection[str]) -> list[ConfigError]:
        """Use other triggers from now on; return a problem for each without a task."""
        usable, problems = usable_triggers(triggers, tasks)
        self._matcher = self._matcher.swapped(usable)
        self._watch(self._matcher.patterns, 0)
        return problems

    def matches(self, events: Iterable[Event]) -> Iterator[tuple[Event, Match]]:
        """Yield what new events, which arrive now, activate."""
        now_ms = self._clock.now_ms()
        for event in events:
            for match in self._matcher.match(event, now_ms):
                self._matches += 1
                yield event, match

    def statistics(self) -> TriggerStatistics:
        """Return the counts."""
        return TriggerStatistics(count=len(self._matcher), matches=self._matches)
