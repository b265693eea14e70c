"""The triggers in use: what a start takes up from the store, and what a swap asks it for."""

import asyncio
import json
from dataclasses import replace
from typing import Any

from edge_runtime.config_triggers import Count, EventPattern, Scope, Trigger
from edge_runtime.errors import HostError
from edge_runtime.services.store_tables import Tables
from edge_runtime.services.triggers import KEY, SAVE_MS, Triggers
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import JsonValue
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples

from ..in_loop import running

ITEM = EventPattern("mta", "Home", click_ids=("item",))
BUY = EventPattern("mta", "Home", click_ids=("buy",))
VIEW = EventPattern("mta", "Home", need_pv=True)
MINUTE_MS = 60_000


class Device:
    """Tables and values that outlive the triggers on them."""

    def __init__(self, *rules: Trigger) -> None:
        self.clock = ManualClock()
        self.tables = Tables()
        self.rules = rules
        self.events = 0
        self.kept: dict[str, JsonValue] = {}
        self.puts: list[bool | None] = []
        self.failing = False
        self.crash()

    async def restart(self) -> None:
        await self.triggers.stop()
        self.crash()

    def crash(self) -> None:
        self.triggers = Triggers(self.clock, self.watch, self)
        assert self.triggers.start(self.rules, {"T", "S"}) == []

    def get(self, key: str) -> JsonValue:
        return json.loads(json.dumps(self.kept.get(key)))

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        self.puts.append(encrypted)
        if self.failing:
            raise HostError("storage-failed", "no")
        self.kept[key] = value

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


@running
async def test_a_start_takes_up_sequences_counts_and_cooldowns() -> None:
    counted = Trigger("S", (BUY,), count=Count(2, MINUTE_MS))
    device = Device(Trigger("T", sequence=(ITEM, BUY), cooldown_ms=MINUTE_MS), counted)
    device.click("item")
    await device.restart()
    assert device.click("buy") == ["T"]
    await device.restart()
    assert device.click("buy") == ["S"]
    device.pass_ms(MINUTE_MS)
    await device.restart()
    assert device.click("buy") == ["T"]


async def activations(rule: Trigger, gap_ms: float, clicks: int, restart_each: int) -> list[int]:
    """Return which clicks activate, with a restart after every so many of them."""
    device, found = Device(rule), []
    for n in range(clicks):
        if device.click("item"):
            found.append(n)
        device.pass_ms(gap_ms)
        if restart_each and n % restart_each == restart_each - 1:
            await device.restart()
    return found


@running
async def test_in_an_unbroken_series_starts_change_neither_cooldowns_nor_counts() -> None:
    hour_ms = 60 * MINUTE_MS
    cooled, daily = (Trigger("T", (ITEM,), cooldown_ms=ms) for ms in (10_000, 24 * hour_ms))
    counted = Trigger("T", (ITEM,), count=Count(3, 10_000))
    for restart_each in (0, 1, 4):
        assert await activations(cooled, 4_000, 12, restart_each) == [0, 3, 6, 9]
        assert await activations(counted, 4_000, 12, restart_each) == [2, 5, 8, 11]
        assert await activations(daily, 5 * hour_ms, 12, restart_each) == [0, 5, 10]


@running
async def test_thousands_of_other_watched_events_do_not_push_a_sequence_out() -> None:
    device = Device(Trigger("T", sequence=(ITEM, BUY)), Trigger("S", (VIEW,)))
    device.click("item")
    rows = [[f"v{n}", device.clock.now_ms(), "mta", "Home", None, 1, {}] for n in range(5_000)]
    device.tables.add_batch(json.dumps(rows))
    await device.restart()

    assert device.click("buy") == ["T"]


@running
async def test_what_is_remembered_is_sealed_and_written_once_a_second_and_at_the_end() -> None:
    device = Device(Trigger("T", (ITEM,), count=Count(9, MINUTE_MS)), Trigger("S", (BUY,)))
    device.click("buy")
    await settle()
    assert device.puts == []
    device.click("item")
    device.click("item")
    await settle()
    device.click("item")
    await settle()
    assert device.puts == [True]
    await device.clock.advance(SAVE_MS)
    assert device.puts == [True, True]
    await device.clock.advance(SAVE_MS)
    await device.clock.advance(SAVE_MS)
    assert device.puts == [True, True]
    device.click("item")
    await settle()
    device.click("item")
    await device.triggers.stop()
    assert device.puts == [True] * 4
    assert len(device.kept[KEY]["rules"].popitem()[1]) == 1 + 5


@running
async def test_what_is_remembered_is_written_at_once_where_that_is_asked_for() -> None:
    device = Device(Trigger("T", (ITEM,), count=Count(3, MINUTE_MS)))
    device.click("item")
    await settle()
    device.click("item")
    await device.triggers.save()
    await device.triggers.save()
    assert device.puts == [True, True]
    await device.clock.advance(2 * SAVE_MS)
    assert device.puts == [True, True]
    device.crash()

    assert device.click("item") == ["T"]


@running
async def test_after_a_crash_before_the_first_write_a_trigger_begins_empty() -> None:
    device = Device(Trigger("T", (ITEM,), cooldown_ms=MINUTE_MS))
    assert device.click("item") == ["T"]
    device.crash()
    assert device.click("item") == ["T"]
    await settle()
    device.crash()
    assert device.click("item") == []


@running
async def test_a_write_that_fails_is_made_up_for_with_the_next_change() -> None:
    counted = Trigger("T", (ITEM,), count=Count(3, MINUTE_MS))
    device = Device(counted)
    device.failing = True
    device.click("item")
    await device.clock.advance(SAVE_MS)
    device.failing = False
    device.click("item")
    await settle()
    device.crash()

    assert device.click("item") == ["T"]


@running
async def test_a_swap_forgets_what_was_taken_out_for_later_lives_too() -> None:
    device = Device(Trigger("T", (ITEM,), cooldown_ms=MINUTE_MS))
    device.click("item")
    await device.clock.advance(SAVE_MS)
    device.triggers.swap([], {"T"})
    await device.restart()

    assert device.kept[KEY] == {}
    assert device.click("item") == ["T"]


@running
async def test_what_is_replayed_activates_and_counts_as_nothing() -> None:
    device = Device(Trigger("T", sequence=(ITEM, BUY), cooldown_ms=5))
    device.click("item")
    device.click("buy")
    await device.restart()

    assert device.triggers.statistics() == {"count": 1, "matches": 0}


@running
async def test_events_before_a_clock_was_set_back_are_not_taken_up() -> None:
    device = Device(
        Trigger("T", sequence=(ITEM, BUY)), Trigger("S", (ITEM,), cooldown_ms=MINUTE_MS)
    )
    device.click("item")
    device.pass_ms(-2_000)
    await device.restart()

    assert device.click("buy") == []
    assert device.click("item") == ["S"]


@running
async def test_a_swap_watches_what_the_new_triggers_want_and_names_those_without_a_task() -> None:
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
def test_starts_change_nothing(some: list[Trigger], stream: list[Any]) -> None:
    async def compared() -> None:
        once, often = Device(*some), Device(*some)
        for click_id, load, pass_ms, is_restarted in stream:
            for device in (once, often):
                device.pass_ms(pass_ms)
            if is_restarted:
                await often.restart()
            assert once.click(click_id, load) == often.click(click_id, load)
        await once.triggers.stop()
        await often.triggers.stop()

    asyncio.run(compared())


@running
async def test_equal_triggers_go_on_over_a_swap() -> None:
    pair = Trigger("T", sequence=(ITEM, BUY))
    device = Device(pair)
    device.click("item")
    device.triggers.swap([replace(pair, task_name="S"), pair], {"T", "S"})

    assert device.click("buy") == ["T"]
