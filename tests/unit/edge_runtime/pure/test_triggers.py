"""The trigger index: the native SDK's semantics, and equality with brute force."""

import pytest
from edge_runtime.config import EventPattern, Trigger
from edge_runtime.pure.triggers import TriggerIndex
from edge_runtime.types import Event
from hypothesis import given
from hypothesis import strategies as st


def pattern(page_id: str = "Home", *, need_pv: bool = False, clicks: str = "") -> EventPattern:
    return EventPattern("mta", page_id, need_pv, tuple(clicks.split()))


def view(page_id: str = "Home", type: str = "mta") -> Event:
    return Event("e", 0, type, page_id, pv=True)


def click(click_id: str, page_id: str = "Home", type: str = "mta") -> Event:
    return Event("e", 0, type, page_id, click_id=click_id)


VIEWS = TriggerIndex([Trigger("Task", (pattern(need_pv=True),))])
CLICKS = TriggerIndex([Trigger("Task", (pattern(clicks="item buy"),))])
BOTH = TriggerIndex([Trigger("Task", (pattern(need_pv=True, clicks="item"),))])


@pytest.mark.parametrize(
    ("index", "event", "expected"),
    [
        (VIEWS, view(), ("Task",)),
        (VIEWS, click("item"), ()),
        (VIEWS, view("Item"), ()),
        (VIEWS, view(type="other"), ()),
        (CLICKS, view(), ()),
        (CLICKS, click("item"), ("Task",)),
        (CLICKS, click("buy"), ("Task",)),
        (CLICKS, click("other"), ()),
        (CLICKS, click("item", "Item"), ()),
        (CLICKS, click("item", type="other"), ()),
        (BOTH, view(), ("Task",)),
        (BOTH, click("item"), ("Task",)),
        (BOTH, Event("e", 0, "mta", "Home"), ()),
    ],
)
def test_a_pattern_matches_views_if_needed_and_the_clicks_it_lists(
    index: TriggerIndex, event: Event, expected: tuple[str, ...]
) -> None:
    assert index.match(event) == expected


def test_any_of_several_patterns_activates_the_task() -> None:
    either = (pattern("Home", clicks="a"), pattern("Item", clicks="b"))
    index = TriggerIndex([Trigger("Task", either)])

    assert index.match(click("a", "Home")) == index.match(click("b", "Item")) == ("Task",)
    assert index.match(click("a", "Item")) == ()


def test_one_event_activates_a_task_once_and_tasks_in_the_order_of_the_configuration() -> None:
    twice = (pattern(clicks="item"), pattern(clicks="item other"))
    index = TriggerIndex([Trigger("B", twice), Trigger("A", twice), Trigger("B", twice)])

    assert index.match(click("item")) == ("B", "A")
    assert len(index) == 3


names = st.sampled_from(["a", "b", "c"])
patterns = st.builds(
    EventPattern, names, names, st.booleans(), st.lists(names, max_size=3).map(tuple)
)
triggers = st.lists(st.builds(Trigger, names, st.lists(patterns, max_size=3).map(tuple)))
events = st.one_of(
    st.builds(Event, st.just("e"), st.just(0.0), names, names, st.none(), st.booleans()),
    st.builds(Event, st.just("e"), st.just(0.0), names, names, names),
)


@given(triggers, events)
def test_the_index_agrees_with_asking_every_pattern(rules: list[Trigger], event: Event) -> None:
    def matches(one: EventPattern) -> bool:
        if (one.type, one.page_id) != (event.type, event.page_id):
            return False
        return one.need_pv if event.pv else event.click_id in one.click_ids

    expected = dict.fromkeys(rule.task_name for rule in rules if any(map(matches, rule.events)))

    assert TriggerIndex(rules).match(event) == tuple(expected)
