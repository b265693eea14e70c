"""Which tasks an event activates (docs/triggers.md), in time independent of how many triggers.

Deterministic: the same events with the same times of arrival give the same activations.

>>> from edge_runtime.config_triggers import EventPattern
>>> pattern = EventPattern("mta", "Home", click_ids=("item",))
>>> matcher = Matcher([Trigger("RankFeed", (pattern,))])
>>> matcher.match(Event("1", 0, "mta", "Home", click_id="item"), now_ms=0)
(Match(task_name='RankFeed', priority=None, trigger_index=0),)
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property
from typing import Final

from ..config_triggers import EventKey, Trigger, key_of
from ..types import Event, JsonValue
from . import trigger_memory
from .rule import Match, Rule
from .sequences import Sequences
from .where_index import WhereIndex

__all__ = ["LATE_MS", "Match", "Matcher"]

LATE_MS: Final = 60_000.0
"""An event so much older than the newest takes no part in sequences and counts."""

_SET_BACK_MS: Final = 1_000.0
_LONG_AGO_MS: Final = float("-inf")


class Matcher:
    """Triggers, and what they remember of the events so far.

    Args:
        triggers: In the order of the configuration, which decides between two of one task.

    Attributes:
        changes: How often a count or a cooldown changed.
    """

    def __init__(self, triggers: Sequence[Trigger]) -> None:
        self.changes = 0
        self._newest_ms = _LONG_AGO_MS
        self._take([Rule(trigger, index, 0) for index, trigger in enumerate(triggers)])

    def __len__(self) -> int:
        return len(self._rules)

    @property
    def patterns(self) -> list[EventKey]:
        """Keys of the events that it must see, whatever their props."""
        return list(dict.fromkeys((*self._plain, *self._sequences.keys)))

    @property
    def steps(self) -> list[EventKey]:
        """Keys of the events that matter to sequences."""
        return list(self._sequences.keys)

    @property
    def window_ms(self) -> float:
        """How far back an event can matter to a sequence; 0 if there is none."""
        triggers = (rule.trigger for rule in self._rules)
        return max((each.within_ms for each in triggers if each.sequence), default=0.0)

    def match(self, event: Event, now_ms: float) -> tuple[Match, ...]:
        """Take an event and return what it activates, each task once.

        Args:
            event: One whose id was not taken before.
            now_ms: When it arrived, Unix ms.
        """
        key = key_of(event)
        if key is None:
            return ()
        at_ms, is_late = self._time(event.ts, now_ms)
        complete = self._plain[key].matching(event.props) if key in self._plain else []
        if not is_late:
            done = self._sequences.completed(event, key, at_ms)
            complete.extend(self._rules[index] for index in done)
        if len(complete) > 1:
            # A set, as several patterns of a rule may match.
            complete = sorted(set(complete), key=_by_index)
        return self._activated(complete, event.id, at_ms, is_late=is_late)

    def replayed(self, event: Event, now_ms: float) -> None:
        """Take an event of an earlier life: sequences go on from it, nothing else comes of it.

        One of the future is passed over: it came before the clock was set back.
        """
        key = key_of(event)
        if key is not None and event.ts <= now_ms + _SET_BACK_MS:
            at_ms, is_late = self._time(event.ts, now_ms)
            if not is_late:
                deque(self._sequences.completed(event, key, at_ms), maxlen=0)

    def remembered(self) -> dict[str, JsonValue]:
        """Return counts and cooldowns as JSON, for :meth:`remember` of a later life."""
        return trigger_memory.stored(self._newest_ms, self._kept, self._names)

    def remember(self, plain: JsonValue, now_ms: float) -> None:
        """Go on from counts and cooldowns of an earlier life, after :meth:`replayed`.

        What cannot be read is left out, and all of it if the clock was set back meanwhile.
        """
        newest_ms = trigger_memory.newest_of(plain)
        if newest_ms is not None and newest_ms <= now_ms + _SET_BACK_MS:
            self._kept.update(trigger_memory.restored(plain, newest_ms, self._names))
            self._newest_ms = max(newest_ms, self._newest_ms)

    def swapped(self, triggers: Sequence[Trigger]) -> "Matcher":
        """Return a matcher of other triggers, which takes the place of this one.

        Triggers that are equal in both keep what they remember; changed and new ones begin empty.
        """
        former = dict(_named(self._rules))
        fresh = 1 + max((rule.generation for rule in self._rules), default=0)
        rules = [Rule(trigger, index, fresh) for index, trigger in enumerate(triggers)]
        kept = [(former[name], rule) for name, rule in _named(rules) if name in former]
        for old, new in kept:
            new.generation = old.generation
            new.inherit(old)
        swapped = Matcher(())
        swapped.changes = self.changes + bool(self._kept)
        swapped._newest_ms = self._newest_ms
        swapped._take(rules)
        swapped._kept.update((new, None) for old, new in kept if old in self._kept)
        indexes = [(_by_index(old), _by_index(new)) for old, new in kept if new.trigger.sequence]
        swapped._sequences.inherit(self._sequences, indexes)
        return swapped

    def _take(self, rules: Sequence[Rule]) -> None:
        self._rules = rules
        self._kept: dict[Rule, None] = {}
        self._plain: defaultdict[EventKey, WhereIndex[Rule]] = defaultdict(WhereIndex)
        self._sequences = Sequences()
        for index, rule in enumerate(rules):
            for pattern in rule.trigger.events:
                for key in pattern.keys():
                    self._plain[key].add(rule, pattern.where)
            if rule.trigger.sequence:
                self._sequences.add(index, rule.trigger, rule.generation)

    def _time(self, ts: float, now_ms: float) -> tuple[float, bool]:
        """Return the event's time, which never goes back, and whether the event is late."""
        if self._newest_ms > now_ms + _SET_BACK_MS:
            # No time of before can be compared with one from now on.
            self.forget()
        given_ms = min(ts, now_ms)
        is_late = given_ms < self._newest_ms - LATE_MS
        self._newest_ms = max(given_ms, self._newest_ms)
        return self._newest_ms, is_late

    def forget(self) -> None:
        """Begin anew, as if there had been no event."""
        self.changes += 1
        self._newest_ms = _LONG_AGO_MS
        self._sequences.clear()
        for rule in self._rules:
            rule.clear()

    def _activated(
        self, complete: Iterable[Rule], event_id: str, at_ms: float, *, is_late: bool
    ) -> tuple[Match, ...]:
        matches: dict[str, Match] = {}
        for rule in complete:
            if at_ms >= rule.expires_at_ms or (is_late and rule.trigger.count is not None):
                continue
            if rule.trigger.count is not None:
                self._changed(rule)
            # Others of the task count and complete as well, but only the winner begins to cool.
            if rule.fires(event_id, at_ms) and rule.match.task_name not in matches:
                rule.activated(at_ms)
                matches[rule.match.task_name] = rule.match
                if rule.keeps:
                    self._changed(rule)
        return tuple(matches.values())

    def _changed(self, rule: Rule) -> None:
        self.changes += 1
        # Put in at the end: the first one is the one that did not change for longest.
        self._kept.pop(rule, None)
        self._kept[rule] = None

    @cached_property
    def _names(self) -> dict[Rule, str]:
        return {
            rule: f"{trigger_memory.digest(trigger)}-{place}"
            for (trigger, place), rule in _named(self._rules)
            if rule.keeps
        }


def _named(rules: Iterable[Rule]) -> Iterator[tuple[tuple[Trigger, int], Rule]]:
    """Name each rule that remembers something by its trigger, and its place among equal ones."""
    seen: dict[Trigger, int] = {}
    for rule in rules:
        if rule.keeps or rule.trigger.sequence:
            place = seen[rule.trigger] = seen.get(rule.trigger, 0) + 1
            yield (rule.trigger, place), rule


def _by_index(rule: Rule) -> int:
    return rule.match.trigger_index
