"""The semantics of triggers once more, without index, trie or bounded state: the whole stream."""

import hashlib
import json
from dataclasses import astuple
from typing import Any

from edge_runtime.config_triggers import EventPattern, Scope, Trigger
from edge_runtime.types import Event


class NaiveMatcher:
    """Keeps every event and asks every trigger; births are the stream's length at its swap-in."""

    def __init__(self, triggers: list[Trigger]) -> None:
        self.rules = [NaiveRule(trigger, 0) for trigger in triggers]
        self.forget()

    def forget(self) -> None:
        self.stream: list[tuple[Event, float, bool]] = []
        self.newest_ms = float("-inf")
        self.rules = [NaiveRule(rule.trigger, 0) for rule in self.rules]

    def swap(self, triggers: list[Trigger]) -> None:
        born = len(self.stream)
        self.rules = [rule or NaiveRule(trigger, born) for trigger, rule in self.paired(triggers)]

    def restart(self, triggers: list[Trigger], stored: list[Event], now_ms: float) -> None:
        """Begin a new life with the stored events and what is kept for counts and cooldowns."""
        newest_ms = self.newest_ms
        kept = [rule.kept(newest_ms) if rule else None for _, rule in self.paired(triggers)]
        is_kept = newest_ms <= now_ms + 1_000 and any(rule.kept(newest_ms) for rule in self.rules)
        self.rules = [NaiveRule(trigger, 0) for trigger in triggers]
        self.forget()
        within_ms = max((each.within_ms for each in triggers if each.sequence), default=0)
        for event in stored:
            is_step = any(is_of_sequence(trigger, event) for trigger in triggers)
            if is_step and now_ms - within_ms <= event.ts <= now_ms + 1_000:
                self.note(event, now_ms)
        if is_kept:
            self.newest_ms = max(newest_ms, self.newest_ms)
            for rule, memory in zip(self.rules, kept, strict=True):
                rule.completed, rule.activated = memory or ([], [])

    def paired(self, triggers: list[Trigger]) -> list[tuple[Trigger, "NaiveRule | None"]]:
        """Give each of other triggers the one in use that is equal, each of which is given once."""
        left, pairs = list(self.rules), []
        for trigger in triggers:
            same = next((rule for rule in left if rule.trigger == trigger), None)
            if same:
                left.remove(same)
            pairs.append((trigger, same))
        return pairs

    def watches(self, event: Event) -> bool:
        """Say whether an event is one that the matcher must see."""
        return any(
            is_of_sequence(rule.trigger, event)
            or any(is_of_kind(each, event) for each in rule.trigger.events)
            for rule in self.rules
        )

    def match(self, event: Event, now_ms: float) -> list[tuple[str, int]]:
        if self.newest_ms > now_ms + 1_000:
            self.forget()
        self.note(event, now_ms)
        winners: dict[str, int] = {}
        for index, rule in enumerate(self.rules):
            if rule.fires(self.stream) and rule.trigger.task_name not in winners:
                rule.activated.append(self.newest_ms)
                winners[rule.trigger.task_name] = index
        return list(winners.items())

    def note(self, event: Event, now_ms: float) -> None:
        late = min(event.ts, now_ms) < self.newest_ms - 60_000
        self.newest_ms = max(min(event.ts, now_ms), self.newest_ms)
        self.stream.append((event, self.newest_ms, late))


class NaiveRule:
    def __init__(self, trigger: Trigger, born: int) -> None:
        self.trigger = trigger
        self.born = born
        self.completed: list[float] = []
        self.activated: list[float] = []

    def kept(self, newest_ms: float) -> tuple[list[float], list[float]] | None:
        """Return the completions and activations that still matter then; None without any."""
        count, cooldown_ms = self.trigger.count, self.trigger.cooldown_ms
        completed = [at for at in self.completed if count and newest_ms - at <= count.within_ms]
        activated = [at for at in self.activated[-1:] if newest_ms - at < cooldown_ms]
        return (completed, activated) if completed or activated else None

    def fires(self, stream: list[tuple[Event, float, bool]]) -> bool:
        trigger, (event, at_ms, late) = self.trigger, stream[-1]
        if trigger.expires_at_ms is not None and at_ms >= trigger.expires_at_ms:
            return False
        if late and (trigger.sequence or trigger.count):
            return False
        if not (any(fits(each, event) for each in trigger.events) or self.is_sequence(stream)):
            return False
        if trigger.count is not None:
            self.completed.append(at_ms)
            recent = [t for t in self.completed if at_ms - t <= trigger.count.within_ms]
            if len(recent) < trigger.count.times:
                return False
            self.completed = []
        if self.activated and at_ms - self.activated[-1] < trigger.cooldown_ms:
            return False
        return is_sampled(trigger, event.id)

    def is_sequence(self, stream: list[tuple[Event, float, bool]]) -> bool:
        trigger = self.trigger
        if not trigger.sequence:
            return False
        seen = [(event, at) for event, at, late in stream[self.born :] if not late]
        if trigger.scope is Scope.PAGE:
            seen = of_one_view(trigger, seen)
        last, now_ms = seen[-1]
        return fits(trigger.sequence[-1], last) and any(
            now_ms - at <= trigger.within_ms
            and is_subsequence(trigger.sequence[:-1], [event for event, _ in seen[first:-1]])
            for first, (event, at) in enumerate(seen[:-1])
            if fits(trigger.sequence[0], event)
        )


def of_one_view(trigger: Trigger, seen: list[tuple[Event, float]]) -> list[tuple[Event, float]]:
    kept: list[tuple[Event, float]] = []
    load = seen[-1][0].id.split("-")[1]
    for event, at in seen:
        if event.id.split("-")[1] != load:
            continue
        pages = {(step.type, step.page_id) for step in trigger.sequence}
        if event.pv and (event.type, event.page_id) in pages:
            kept = []
        kept.append((event, at))
    return kept


def is_subsequence(steps: tuple[EventPattern, ...], events: list[Event]) -> bool:
    left = list(steps)
    for event in events:
        if left and fits(left[0], event):
            left.pop(0)
    return not left


def is_of_sequence(trigger: Trigger, event: Event) -> bool:
    """Say whether an event is a step but for ``where``, or a view that begins a page anew."""
    pages = {(step.type, step.page_id) for step in trigger.sequence}
    begins = event.pv and trigger.scope is Scope.PAGE and (event.type, event.page_id) in pages
    return begins or any(is_of_kind(step, event) for step in trigger.sequence)


def fits(pattern: EventPattern, event: Event) -> bool:
    return is_of_kind(pattern, event) and all(
        holds(condition.operator, json.loads(condition.operand), prop(event, condition.path))
        for condition in pattern.where
    )


def is_of_kind(pattern: EventPattern, event: Event) -> bool:
    if event.page_id != pattern.page_id:
        return False
    kind = event.type.removeprefix(pattern.type)
    return (
        (kind == "" and event.pv and pattern.need_pv)
        or (kind == "" and not event.pv and event.click_id in pattern.click_ids)
        or (kind == ".exposure" and not event.pv and event.click_id in pattern.exposure_ids)
        or (kind == ".exit" and event.pv and pattern.need_exit)
    )


def prop(event: Event, path: str) -> list[Any]:
    """Return the value in a list, which is empty if there is none."""
    found: Any = event.props
    for name in path.split("."):
        if not isinstance(found, dict) or name not in found:
            return []
        found = found[name]
    return [found]


def holds(operator: str, operand: Any, value: list[Any]) -> bool:
    def same(one: Any, other: Any) -> bool:
        alike = isinstance(one, bool) == isinstance(other, bool)
        numbers = all(isinstance(each, int | float) for each in (one, other))
        return alike and (numbers or type(one) is type(other)) and bool(one == other)

    match operator:
        case "exists":
            return bool(value) == operand
        case "ne":
            return not value or not same(value[0], operand)
        case "notIn":
            return not value or not any(same(value[0], each) for each in operand)
        case "eq":
            return bool(value) and same(value[0], operand)
        case "in":
            return bool(value) and any(same(value[0], each) for each in operand)
    if not value or isinstance(value[0], bool) or value[0] is None:
        return False
    if isinstance(value[0], str) != isinstance(operand, str):
        return False
    if not isinstance(value[0], str | int | float):
        return False
    one, other = value[0], operand
    return bool(
        {"gt": one > other, "gte": one >= other, "lt": one < other, "lte": one <= other}[operator]
    )


def is_sampled(trigger: Trigger, event_id: str) -> bool:
    patterns = [astuple(pattern) for pattern in (*trigger.events, *trigger.sequence)]
    text = json.dumps([trigger.task_name, patterns]) + event_id
    return int(hashlib.sha256(text.encode()).hexdigest()[:16], 16) / 2**64 < trigger.sample
