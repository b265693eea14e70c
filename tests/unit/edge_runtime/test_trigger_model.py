"""Triggers over whole lives, with the store's tables, against a naive model: same decisions."""

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import product
from typing import Any, Final

import pytest
from edge_runtime.config_triggers import Count, EventPattern, Scope, Trigger
from edge_runtime.config_where import parse_where
from edge_runtime.pure.matcher import Matcher
from edge_runtime.services.store_tables import Tables
from edge_runtime.types import Event
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from tests.effort import examples

from .pure.naive_matcher import NaiveMatcher

Pick = Callable[[Sequence[Any]], Any]
"""Chooses one of several; hypothesis does, or chance does."""

BEGIN_MS: Final = 1e12

# Few keys and values, so that all meet: the same page, clicks and props again and again.
FORMS: Final[list[dict[str, Any]]] = [
    *[{"click_ids": ("x",)}] * 5,
    *[{"need_pv": True}] * 2,
    *({"need_exit": True}, {"exposure_ids": ("x",)}, {"click_ids": ("y", "x", "x")}),
    {"need_pv": True, "click_ids": ("y",), "exposure_ids": ("x",), "need_exit": True},
]
WHERES: Final = [
    parse_where(where, "where")
    for where in (
        *[{}] * 8,
        *({"k": 1}, {"k": "1"}, {"k": True}, {"k": None}, {"k": 1.5}, {"o.k": 1}, {"o.k": None}),
        *({"k": {"in": [1, "1"]}}, {"k": {"in": [True, 1.0, None]}}, {"o.k": {"in": [1, 2]}}),
        *({"k": 1, "o.k": 1}, {"k": 1, "o.k": {"gt": 1}}, {"k": {"in": [1, 2], "ne": 1}}),
        *({"k": {"gt": 1}}, {"k": {"lte": "1"}}, {"k": {"ne": 1}}, {"o": {"exists": False}}),
        *({"k": {"notIn": [1, None]}}, {"o.k": {"exists": True}, "k": {"in": [1, True, 2]}}),
    )
]
COUNTS: Final = [None, None, None, Count(2, 45), Count(2, 100_000), Count(3, 100_000)]
KINDS: Final = [
    *[("m", "x", False)] * 5,
    *[("m", None, True)] * 2,
    *(("m", "y", False), ("m.exposure", "x", False), ("m.exit", None, True), ("m", None, False)),
]
SCALARS: Final[list[Any]] = [1, 1, 1.0, True, "1", None, 2, 1.5, 10**20, [1], {"k": 1}]
PROPS: Final = [
    *({"k": value} for value in SCALARS),
    *({"k": k, "o": {"k": inner}} for k, inner in product((1, "1", True), (1, 2, None, [1]))),
    *({}, {}, {"o": 1}, {"o": {"k": 1}}, {"o.k": 1}),
]
STEPS_MS: Final = [0, 1, 10, 10, 45, 100, 1_000, 20_000]
# How much later, or earlier, an event says that it was than it arrives.
OFFSETS_MS: Final = [0, 0, 0, 0, 0, 0, -5, 70, 2_000, -59_000, -61_000]


def pattern_of(pick: Pick, page: str) -> EventPattern:
    return EventPattern("m", page, **pick(FORMS), where=pick(WHERES))


def trigger_of(pick: Pick) -> Trigger:
    trigger = Trigger(
        pick("RST"),
        count=pick(COUNTS),
        cooldown_ms=pick([0, 0, 0, 30, 90_000]),
        sample=pick([1, 1, 1, 1, 0.5]),
        expires_at_ms=pick([None, None, None, BEGIN_MS + 55, BEGIN_MS + 40_000]),
    )
    if pick([True, False]):
        return replace(
            trigger, events=tuple(pattern_of(pick, pick("AAAB")) for _ in range(pick([1, 1, 2, 3])))
        )
    scope = pick(list(Scope))
    pages = pick(["A", "B"] if scope is Scope.PAGE else ["A", "A", "AB"])
    steps = tuple(pattern_of(pick, pick(pages)) for _ in range(pick([2, 2, 3])))
    return replace(trigger, sequence=steps, scope=scope, within_ms=pick([45, 600_000]))


def happening_of(pick: Pick) -> tuple[Any, ...]:
    return pick(KINDS), pick("AAAB"), pick("112"), pick(PROPS), pick(OFFSETS_MS)


@st.composite
def triggers(draw: st.DrawFn) -> Trigger:
    return trigger_of(lambda some: draw(st.sampled_from(some)))


@st.composite
def happenings(draw: st.DrawFn) -> tuple[Any, ...]:
    return happening_of(lambda some: draw(st.sampled_from(some)))


class TriggerMachine(RuleBasedStateMachine):
    """Does the same to both and compares."""

    @initialize(rules=st.lists(triggers(), min_size=1, max_size=8))
    def begin(self, rules: list[Trigger]) -> None:
        self.now_ms = BEGIN_MS
        self.rules = rules
        self.tables = Tables()
        self.stored: list[Event] = []
        self.model = NaiveMatcher(rules)
        self.matcher = Matcher(rules)
        self.tables.watch(self.matcher.patterns)
        self.matches = 0

    @rule(step_ms=st.sampled_from(STEPS_MS), batch=st.lists(happenings(), min_size=1, max_size=4))
    def track(self, step_ms: float, batch: list[Any]) -> None:
        self.now_ms += step_ms
        self.take([self.event(len(self.stored) + n, each) for n, each in enumerate(batch)])

    @precondition(lambda self: self.stored)
    @rule(index=st.integers(0, 9), happening=happenings())
    def track_again(self, index: int, happening: Any) -> None:
        known = self.stored[-1 - index % len(self.stored)]
        event = self.event(len(self.stored), happening)
        self.take([replace(known, ts=self.now_ms), event, replace(event, click_id="y", pv=False)])

    @rule(step_ms=st.sampled_from([500, 30_000, 200_000, -900, -1_500]))
    def time_passes_or_is_set_back(self, step_ms: float) -> None:
        self.now_ms += step_ms

    @rule(others=st.lists(triggers(), max_size=2), seed=st.integers(0, 99))
    def swap(self, others: list[Trigger], seed: int) -> None:
        self.change(others, random.Random(seed))
        self.matcher = self.matcher.swapped(self.rules)
        self.model.swap(self.rules)
        self.tables.watch(self.matcher.patterns)

    @rule(others=st.lists(triggers(), max_size=2), seed=st.integers(0, 99))
    def reload(self, others: list[Trigger], seed: int) -> None:
        kept = json.loads(json.dumps(self.matcher.remembered()))
        if others:
            self.change(others, random.Random(seed))
        self.matcher = Matcher(self.rules)
        self.tables.watch(self.matcher.steps)
        for event in self.tables.latest(self.now_ms - self.matcher.window_ms, 5_000):
            self.matcher.replayed(event, self.now_ms)
        self.matcher.remember(kept, self.now_ms)
        self.tables.watch(self.matcher.patterns)
        self.model.restart(self.rules, self.stored, self.now_ms)

    @rule()
    def forget(self) -> None:
        self.matcher.forget()
        self.model.forget()

    def event(self, number: int, happening: Any) -> Event:
        (kind, click_id, pv), page, load, props, offset_ms = happening
        ts = self.now_ms + offset_ms
        return Event(f"{number}-{load}-0", ts, kind, page, click_id, pv, props)

    def take(self, events: list[Event]) -> None:
        rows = [[e.id, e.ts, e.type, e.page_id, e.click_id, int(e.pv), e.props] for e in events]
        given = self.tables.add_batch(json.dumps(rows)).matching
        known = {each.id for each in self.stored}
        new = {each.id: each for each in reversed(events) if each.id not in known}
        self.stored += reversed(new.values())
        assert given == [each for each in reversed(new.values()) if self.model.watches(each)]
        for event in given:
            found = [(m.task_name, m.trigger_index) for m in self.matcher.match(event, self.now_ms)]
            assert found == self.model.match(event, self.now_ms)
            self.matches += len(found)

    def change(self, others: list[Trigger], chance: random.Random) -> None:
        """Use most of the triggers and others, of which one is there twice, one like a kept one."""
        kept = [each for each in self.rules if chance.random() < 0.8]
        alike = [replace(each, task_name="V") for each in kept[:1]]
        self.rules = [*kept, *alike, *others, *others[:1]]
        chance.shuffle(self.rules)

    def teardown(self) -> None:
        if hasattr(self, "tables"):
            self.tables.close()


TriggerMachine.TestCase.settings = settings(max_examples=examples(30), stateful_step_count=30)
TestTriggers = TriggerMachine.TestCase


@pytest.mark.parametrize("seed", range(examples(80)))
def test_long_lives_are_the_same(seed: int) -> None:
    lived(seed)


def test_lives_are_full_of_matches() -> None:
    assert sum(lived(seed).matches for seed in range(20)) > 400


def lived(seed: int) -> TriggerMachine:
    chance, life = random.Random(seed), TriggerMachine()
    life.begin(rules=[trigger_of(chance.choice) for _ in range(8)])
    for _ in range(80):
        step(life, chance)
    life.teardown()
    return life


def step(life: TriggerMachine, chance: random.Random) -> None:
    """Do one thing, mostly tracking: what is remembered is to matter before it is gone."""
    share = chance.random()
    others = [trigger_of(chance.choice) for _ in range(chance.randrange(3))]
    if share < 0.8 or not life.stored:
        batch = [happening_of(chance.choice) for _ in range(1 + chance.randrange(2))]
        life.track(step_ms=chance.choice(STEPS_MS), batch=batch)
    elif share < 0.84:
        life.track_again(index=chance.randrange(9), happening=happening_of(chance.choice))
    elif share < 0.88:
        life.time_passes_or_is_set_back(step_ms=chance.choice([500, 30_000, -900, -1_500]))
    elif share < 0.92:
        life.swap(others=others, seed=chance.randrange(99))
    elif share < 0.99:
        life.reload(others=others, seed=chance.randrange(99))
    else:
        life.forget()
