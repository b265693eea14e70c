"""Which event activated what, against a matcher that keeps the whole stream, across lives.

A start goes on as docs/triggers.md says: sequences from the stored events that are steps of one,
counts and cooldowns from the value that is kept, which may be a second old after a crash.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from edge_runtime.config_triggers import Trigger
from edge_runtime.pure.trigger_memory import digest
from edge_runtime.types import Event

from tests.unit.edge_runtime.pure.findings import Findings
from tests.unit.edge_runtime.pure.naive_matcher import NaiveMatcher

from .kept import Kept
from .site import TASKS

# No sequence of the site reaches back further; the whole stream takes too long.
LOOKS_BACK_MS = 600_000


class TriggerAudit:
    """All triggers of a device.

    Args:
        findings: Hears of what does not hold.
        now_ms: Virtual time in which something could be written.

    Attributes:
        kept: What storage may hold of counts and cooldowns.
        died: The life before this one ended in the middle of something.
    """

    def __init__(self, findings: Findings, now_ms: Callable[[], float]) -> None:
        self._findings = findings
        self.kept: Kept[NaiveMatcher] = Kept(now_ms, NaiveMatcher([]))
        self.died = False
        self._arrived: dict[str, Event] = {}
        self._matcher = NaiveMatcher([])

    @property
    def event_times(self) -> dict[str, float]:
        """The times of all events that a worker may know, Unix ms by id."""
        return {name: event.ts for name, event in self._arrived.items()}

    def started(
        self, triggers: Sequence[Trigger], stored_ids: Collection[str], stored: Any, now_ms: float
    ) -> None:
        """Go on from what a start has found; ``now_ms`` is Unix time, here and below."""
        self._arrived = {name: self._arrived[name] for name in self._arrived if name in stored_ids}
        latest = [each for each in self._arrived.values() if each.ts >= now_ms - LOOKS_BACK_MS]
        memory = self._found(stored)
        self._matcher = memory_of(memory)
        self._matcher.restart(list(triggers), latest, now_ms)
        self.kept.found(memory)

    def swapped(self, triggers: Sequence[Trigger]) -> None:
        """Go by other triggers."""
        self._matcher.swap(list(triggers))
        self.kept.note(memory_of(self._matcher), is_change=True)

    def expected(self, rows: Iterable[Sequence[Any]], now_ms: float) -> list[tuple[str, str, str]]:
        """Return the task, run id and queue of all that new events activate, in order."""
        found: list[tuple[str, str, str]] = []
        for event_id, ts, kind, page_id, click_id, pv, props in rows:
            if event_id not in self._arrived:
                event = Event(event_id, ts, kind, page_id, click_id, bool(pv), props)
                self._arrived[event_id] = event
                found += self._matched(event, now_ms)
        return found

    def _matched(self, event: Event, now_ms: float) -> list[tuple[str, str, str]]:
        matcher = self._matcher
        if not matcher.watches(event):
            return []  # The store does not even tell of it.
        before = memory_of(matcher)
        matches = matcher.match(event, now_ms)
        memory = memory_of(matcher)
        self.kept.note(memory, is_change=contents(memory) != contents(before))
        self._forget_old_events()
        triggers = [(task, matcher.rules[index].trigger) for task, index in matches]
        return [(task, f"{task}-{event.id}", queue_of(trigger)) for task, trigger in triggers]

    def _found(self, stored: Any) -> NaiveMatcher:
        candidates = self.kept.candidates(died=self.died)
        for memory in candidates:
            if stored_form(memory) == stored:
                return memory
        expected = stored_form(candidates[0])
        self._findings.add(f"counts and cooldowns kept as they were, {expected}, got {stored}")
        return NaiveMatcher([])

    def _forget_old_events(self) -> None:
        matcher = self._matcher
        oldest_ms = matcher.newest_ms - LOOKS_BACK_MS
        old = next((n for n, (_, at_ms, _) in enumerate(matcher.stream) if at_ms >= oldest_ms), 0)
        del matcher.stream[:old]
        for rule in matcher.rules:
            rule.born = max(0, rule.born - old)


def memory_of(matcher: NaiveMatcher) -> NaiveMatcher:
    """Return a copy that knows of counts and cooldowns alone."""
    rules = [
        rule
        for rule in matcher.rules
        if rule.trigger.count is not None or rule.trigger.cooldown_ms > 0
    ]
    memory = NaiveMatcher([rule.trigger for rule in rules])
    memory.newest_ms = matcher.newest_ms
    for rule, copy in zip(rules, memory.rules, strict=True):
        copy.completed, copy.activated = list(rule.completed), rule.activated[-1:]
    return memory


def contents(memory: NaiveMatcher) -> list[tuple[list[float], list[float]]]:
    """Return completions and last activations."""
    return [(rule.completed, rule.activated) for rule in memory.rules]


def stored_form(memory: NaiveMatcher) -> dict[str, Any]:
    """Return what of each rule still matters: its last activation or None, its completions."""
    rules: dict[str, list[float | None]] = {}
    for rule in memory.rules:
        kept = rule.kept(memory.newest_ms)
        if kept is not None:
            completed, activated = kept
            # No two triggers of the site are equal: each is the first of its kind.
            rules[f"{digest(rule.trigger)}-1"] = [activated[0] if activated else None, *completed]
    return {"newestMs": memory.newest_ms, "rules": rules} if rules else {}


def queue_of(trigger: Trigger) -> str:
    """Return the queue of the runs of a trigger."""
    queue: str = TASKS[trigger.task_name]["priority"]
    return trigger.priority.value if trigger.priority else queue
