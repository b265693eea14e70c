"""The matcher: what its comparison with a naive model (test_trigger_model) cannot see."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from edge_runtime.config_triggers import Count, EventPattern, Scope, Trigger
from edge_runtime.config_where import Condition
from edge_runtime.pure.matcher import LATE_MS, Match, Matcher
from edge_runtime.pure.sequences import MAX_LOADS
from edge_runtime.types import Event, Priority

VIEW = EventPattern("mta", "Home", need_pv=True)
ITEM = EventPattern("mta", "Home", click_ids=("item",))
BUY = EventPattern("mta", "Home", click_ids=("buy",))
PAIR = Trigger("T", sequence=(ITEM, BUY))
PAGED = replace(PAIR, scope=Scope.PAGE)


class Session:
    """Feeds a matcher with one event after the other, a second apart."""

    def __init__(self, *triggers: Trigger) -> None:
        self.matcher = Matcher(triggers)
        self.now_ms = 1e12
        self.count = 0

    def click(self, click_id: str, *, load: str = "1", after_ms: float = 1_000) -> list[str]:
        return self.take(click_id, after_ms, load)

    def view(self, *, load: str = "1") -> list[str]:
        return self.take(None, 1_000, load)

    def take(self, click_id: str | None, after_ms: float, load: str) -> list[str]:
        self.now_ms += after_ms
        self.count += 1
        name = f"{self.count}-{load}-0"
        event = Event(name, self.now_ms, "mta", "Home", click_id, pv=click_id is None)
        return [match.task_name for match in self.matcher.match(event, self.now_ms)]

    def swap(self, *triggers: Trigger) -> None:
        self.matcher = self.matcher.swapped(triggers)


def test_a_match_tells_task_queue_and_trigger() -> None:
    triggers = [Trigger("A", (VIEW,)), Trigger("B", (ITEM,), priority=Priority.CORE)]
    click = Event("1", 0, "mta", "Home", "item")

    assert Matcher(triggers).match(click, 0) == (Match("B", Priority.CORE, 1),)


def test_an_event_that_is_neither_view_nor_click_matches_nothing() -> None:
    assert Matcher([Trigger("A", (VIEW, ITEM))]).match(Event("1", 0, "mta", "Home"), 0) == ()


def test_one_event_activates_a_task_once_and_tasks_in_the_order_of_the_configuration() -> None:
    triggers = [Trigger("B", (ITEM, ITEM)), Trigger("A", (ITEM,)), Trigger("B", (ITEM,))]
    matcher = Matcher(triggers)

    assert [each.task_name for each in matcher.match(Event("1", 0, "mta", "Home", "item"), 0)] == [
        "B",
        "A",
    ]
    assert len(matcher) == 3


def test_the_store_must_watch_all_kinds_and_the_views_that_begin_a_page_anew() -> None:
    every = EventPattern("mta", "Home", True, ("a",), ("b",), need_exit=True)
    named = {
        ("mta", "Home", ""),
        ("mta", "Home", "a"),
        ("mta.exposure", "Home", "b"),
        ("mta.exit", "Home", ""),
    }

    assert set(Matcher([Trigger("T", (every,))]).patterns) == named
    assert set(Matcher([PAIR]).patterns) == {("mta", "Home", "item"), ("mta", "Home", "buy")}
    assert set(Matcher([PAGED]).patterns) == {*Matcher([PAIR]).patterns, ("mta", "Home", "")}


def test_a_start_looks_back_as_far_as_the_longest_sequence_at_the_events_of_sequences() -> None:
    plain = Trigger("T", (VIEW,), count=Count(2, within_ms=700_000), cooldown_ms=900_000)
    assert (Matcher([plain]).window_ms, Matcher([plain]).steps) == (0, [])
    matcher = Matcher([plain, replace(PAIR, within_ms=5), replace(PAIR, within_ms=70)])

    assert matcher.window_ms == 70
    assert set(matcher.steps) == {("mta", "Home", "item"), ("mta", "Home", "buy")}


def test_page_loads_beyond_the_bound_are_forgotten_the_most_silent_first() -> None:
    session = Session(PAGED)
    for load in range(MAX_LOADS):
        session.click("item", load=str(load))
    session.click("buy", load="0")
    session.click("item", load="new")

    assert session.click("buy", load="0") == session.click("buy", load="2") == ["T"]
    assert session.click("buy", load="1") == []


def test_ids_of_another_form_are_one_page_load() -> None:
    matcher = Matcher([PAGED])
    matcher.match(Event("one", 0, "mta", "Home", "item"), 0)

    assert matcher.match(Event("an-other", 0, "mta", "Home", "buy"), 0)


def test_a_swap_keeps_what_equal_triggers_remember_and_nothing_else() -> None:
    cooled = Trigger("C", (BUY,), cooldown_ms=60_000)
    counted = Trigger("N", (BUY,), count=Count(2, 60_000))
    session = Session(PAIR, replace(PAGED, task_name="P"), cooled, counted)
    session.click("item")
    session.click("buy")
    longer = replace(PAIR, task_name="L", within_ms=700_000)
    session.swap(longer, counted, replace(PAGED, task_name="P"), cooled, PAIR)

    assert session.click("buy") == ["N", "P", "T"]
    session.click("item")
    assert session.click("buy", after_ms=60_000) == ["L", "P", "C", "T"]


def test_a_trigger_swapped_out_and_in_begins_empty() -> None:
    session = Session(PAIR)
    session.click("item")
    session.swap()
    session.swap(PAIR)

    assert session.click("buy") == []
    session.click("item")
    assert session.click("buy") == ["T"]


def test_after_a_swap_late_is_as_late_as_before() -> None:
    session = Session(PAIR)
    session.click("item")
    session.swap(PAIR)
    late = Event("9", session.now_ms - LATE_MS - 1, "mta", "Home", "buy")

    assert session.matcher.match(late, session.now_ms) == ()


def test_a_swap_leaves_the_former_matcher_as_it_was() -> None:
    counted = Trigger("N", (BUY,), count=Count(2, 60_000))
    session = Session(counted)
    session.click("buy")
    former = session.matcher
    session.swap(counted)
    session.click("buy")
    session.matcher = former

    assert session.click("buy") == ["N"]


def test_what_is_replayed_is_remembered() -> None:
    session = Session(PAIR)
    session.matcher.replayed(Event("0", 1e12, "mta", "Home", "item"), 1e12)

    assert session.click("buy") == ["T"]


def test_steps_whose_conditions_differ_in_type_alone_are_other_steps() -> None:
    one, true = (replace(ITEM, where=(Condition("k", "eq", operand),)) for operand in ("1", "true"))
    matcher = Matcher([Trigger("1", sequence=(one, BUY)), Trigger("t", sequence=(true, BUY))])
    matcher.match(Event("1", 0, "mta", "Home", "item", props={"k": True}), 0)

    assert [m.task_name for m in matcher.match(Event("2", 0, "mta", "Home", "buy"), 0)] == ["t"]


def test_steps_are_looked_up_from_the_side_where_they_are_fewer() -> None:
    starts = [EventPattern("mta", "Home", click_ids=(f"c{n}",)) for n in range(100)]
    session = Session(
        *(Trigger(f"T{n}", sequence=(start, BUY)) for n, start in enumerate(starts)),
        Trigger("Late", sequence=(starts[0], ITEM, BUY), within_ms=5_000),
    )
    session.click("c0")
    session.click("c7")

    assert session.click("buy") == ["T0", "T7"]
    assert session.click("buy", after_ms=598_999) == ["T7"]
    assert session.click("buy", after_ms=1) == ["T7"]
    assert session.click("buy", after_ms=1) == []
    session.click("c7")
    assert session.click("buy") == ["T7"]


def test_a_sampled_trigger_samples_its_share_and_a_larger_share_keeps_it() -> None:
    def sampled(share: float) -> set[int]:
        matcher = Matcher([Trigger("T", (ITEM,), sample=share)])
        return {
            n for n in range(2_000) if matcher.match(Event(f"{n}", 0, "mta", "Home", "item"), 0)
        }

    assert 500 < len(sampled(0.3)) < 700
    assert sampled(0.3) < sampled(0.6) < sampled(1)


class Asked(dict[str, Any]):
    """Props that count how often they are asked for a value."""

    times = 0

    def __getitem__(self, name: str) -> Any:
        self.times += 1
        return super().__getitem__(name)


def wanting(pattern: EventPattern, number: int) -> EventPattern:
    return replace(pattern, where=(Condition("sku", "eq", str(number)),))


@pytest.mark.parametrize(
    "trigger",
    [
        lambda n: Trigger(f"T{n}", (wanting(BUY, n),)),
        lambda n: Trigger(f"T{n}", sequence=(ITEM, wanting(BUY, n))),
        lambda n: Trigger(f"T{n}", sequence=(wanting(ITEM, n), BUY)),
        lambda n: Trigger(f"T{n}", sequence=(wanting(ITEM, n), wanting(BUY, n))),
    ],
)
def test_of_many_that_want_other_values_few_are_asked(trigger: Callable[[int], Trigger]) -> None:
    matcher = Matcher([trigger(number) for number in range(1_000)])
    for number in range(100):
        event = Event(f"{number}", number, "mta", "Home", "item", props=Asked(sku=number))
        matcher.match(event, number)
        assert event.props.times <= 2
    buy = Event("buy", 100, "mta", "Home", "buy", props=Asked(sku=7))

    assert Match("T7", None, 7) in matcher.match(buy, 100)
    assert buy.props.times <= 2


def test_how_late_is_late() -> None:
    session = Session(PAIR)
    session.click("item")
    buy = Event("b", session.now_ms - LATE_MS, "mta", "Home", "buy")

    assert session.matcher.match(replace(buy, ts=buy.ts - 1), session.now_ms) == ()
    assert session.matcher.match(buy, session.now_ms)
