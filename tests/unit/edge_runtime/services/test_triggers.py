"""The triggers in use: what a start takes up from the store, and what a swap asks it for."""

import json
from dataclasses import replace
from typing import Any

from edge_runtime.config_triggers import Count, EventPattern, Scope, Trigger
from edge_runtime.services.store_tables import Tables
from edge_runtime.services.triggers import Triggers
from edge_runtime.testing.manual_clock import ManualClock
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples

ITEM = EventPattern("mta", "Home", click_ids=("item",))
BUY = EventPattern("mta", "Home", click_ids=("buy",))
VIEW = EventPattern("mta", "Home", need_pv=True)
MINUTE_MS = 60_000


class Device:
    """Tables that outlive the triggers on them."""

    def __init__(self, *rules: Trigger) -> None:
        self.clock = ManualClock()
        self.tables = Tables()
        self.rules = rules
        self.events = 0
        self.restart()

    def restart(self) -> None:
        self.triggers = Triggers(self.clock, self.watch)
        assert self.triggers.start(self.rules, {"T", "S"}) == []

    def watch(self, keys: Any, window_ms: float) -> Any:
        self.tables.watch(keys)
        since_ms = self.clock.now_ms() - window_ms
        return self.tables.latest(since_ms, 5_000) if window_ms else []

    def click(self, click_id: str | None, load: str = "1") -> list[str]:
        self.events += 1
        pv = int(click_id is None)
        name = f"{self.events}-{load}-0"
        row = [name, self.clock.now_ms(), "mta", "Home", click_id, pv, {}]
        new = self.tables.add_batch(json.dumps([row])).matching
        return [match.task_name for _, match in self.triggers.matches(new)]

    def pass_ms(self, ms: float) -> None:
        self.clock.set_now(self.clock.now_ms() + ms)


def test_a_start_takes_up_sequences_counts_and_cooldowns() -> None:
    counted = Trigger("S", (BUY,), count=Count(2, MINUTE_MS))
    device = Device(Trigger("T", sequence=(ITEM, BUY), cooldown_ms=MINUTE_MS), counted)
    device.click("item")
    device.restart()
    assert device.click("buy") == ["T"]
    device.restart()
    assert device.click("buy") == ["S"]
    device.pass_ms(MINUTE_MS)
    device.restart()
    assert device.click("buy") == ["T"]


def test_what_is_replayed_activates_and_counts_as_nothing() -> None:
    device = Device(Trigger("T", (ITEM,), cooldown_ms=5))
    device.click("item")
    device.restart()

    assert device.triggers.statistics() == {"count": 1, "matches": 0}


def test_events_before_a_clock_was_set_back_are_not_taken_up() -> None:
    device = Device(Trigger("T", sequence=(ITEM, BUY)))
    device.click("item")
    device.pass_ms(-2_000)
    device.restart()

    assert device.click("buy") == []


def test_a_swap_watches_what_the_new_triggers_want_and_names_those_without_a_task() -> None:
    device = Device(Trigger("T", (ITEM,)))
    problems = device.triggers.swap([Trigger("S", (BUY,)), Trigger("Gone", (ITEM,))], {"T", "S"})

    assert [problem.details["path"] for problem in problems] == ["triggers[1].taskName"]
    assert (device.click("item"), device.click("buy")) == ([], ["S"])
    assert device.triggers.statistics() == {"count": 1, "matches": 1}


rules = st.builds(
    lambda steps, scope, times, cooldown_ms, sample: Trigger(
        "T",
        events=steps if len(steps) == 1 else (),
        sequence=steps if len(steps) > 1 else (),
        scope=scope,
        count=Count(times, MINUTE_MS) if times else None,
        cooldown_ms=cooldown_ms,
        sample=sample,
    ),
    st.lists(st.sampled_from([ITEM, BUY, VIEW]), min_size=1, max_size=3).map(tuple),
    st.sampled_from(Scope),
    st.sampled_from([0, 2, 3]),
    st.sampled_from([0, 3_000]),
    st.sampled_from([1, 0.5]),
)
steps = st.tuples(
    st.sampled_from([None, "item", "buy"]),
    st.sampled_from("12"),
    st.sampled_from([0, 1_000, 2_500]),
    st.booleans(),
)


@settings(max_examples=examples(200))
@given(st.lists(rules, min_size=1, max_size=3), st.lists(steps, max_size=20))
def test_within_the_window_starts_change_nothing(some: list[Trigger], stream: list[Any]) -> None:
    # The window of a whole configuration is the longest of its triggers'.
    some = [*some, Trigger("S", (BUY,), cooldown_ms=MINUTE_MS)]
    once, often = Device(*some), Device(*some)
    for click_id, load, pass_ms, is_restarted in stream:
        for device in (once, often):
            device.pass_ms(pass_ms)
        if is_restarted:
            often.restart()
        assert once.click(click_id, load) == often.click(click_id, load)


def test_equal_triggers_go_on_over_a_swap() -> None:
    pair = Trigger("T", sequence=(ITEM, BUY))
    device = Device(pair)
    device.click("item")
    device.triggers.swap([replace(pair, task_name="S"), pair], {"T", "S"})

    assert device.click("buy") == ["T"]
