"""Counts and cooldowns as a value: what a later life takes from it, and what it refuses."""

import json
from dataclasses import replace
from typing import Any

import pytest
from edge_runtime.config_triggers import Count, EventPattern, Trigger
from edge_runtime.pure.matcher import Matcher
from edge_runtime.pure.trigger_memory import MAX_TIMES, digest
from edge_runtime.types import Event
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples

NOW_MS = 1e12
ITEM = EventPattern("mta", "Home", click_ids=("item",))
COOLED = Trigger("C", (ITEM,), cooldown_ms=10_000)
COUNTED = Trigger("N", (ITEM,), count=Count(3, 10_000))


def click(matcher: Matcher, now_ms: float) -> list[str]:
    event = Event(str(now_ms), now_ms, "mta", "Home", "item")
    return [match.task_name for match in matcher.match(event, now_ms)]


def later(plain: Any, *triggers: Trigger, now_ms: float = NOW_MS) -> Matcher:
    matcher = Matcher(triggers)
    matcher.remember(json.loads(json.dumps(plain)), now_ms)
    return matcher


def test_a_later_life_goes_on_with_counts_and_cooldowns() -> None:
    matcher = Matcher([COOLED, COUNTED])
    click(matcher, NOW_MS)
    click(matcher, NOW_MS + 1)
    matcher = later(matcher.remembered(), COOLED, COUNTED, now_ms=NOW_MS + 2)

    assert click(matcher, NOW_MS + 2) == ["N"]
    assert click(matcher, NOW_MS + 9_999) == []
    assert click(matcher, NOW_MS + 10_000) == ["C"]


def test_equal_triggers_keep_their_own_and_changed_ones_begin_empty() -> None:
    matcher = Matcher([COOLED, COOLED])
    click(matcher, NOW_MS)
    click(matcher, NOW_MS + 5_000)
    kept = matcher.remembered()

    assert click(later(kept, COOLED, COOLED, now_ms=NOW_MS + 9_999), NOW_MS + 9_999) == []
    assert click(later(kept, COOLED, COOLED, now_ms=NOW_MS + 10_000), NOW_MS + 10_000) == ["C"]
    assert click(later(kept, replace(COOLED, cooldown_ms=9_999)), NOW_MS + 5_001) == ["C"]


def test_what_is_older_than_its_window_is_not_stored() -> None:
    matcher = Matcher([COOLED, replace(COUNTED, events=(replace(ITEM, page_id="Cart"),))])
    assert matcher.remembered() == {}
    click(matcher, NOW_MS)
    assert len(matcher.remembered()["rules"]) == 1
    matcher.match(Event("v", NOW_MS + 10_000, "mta", "Cart", "item"), NOW_MS + 10_000)

    assert list(matcher.remembered()["rules"].values()) == [[None, NOW_MS + 10_000]]


def test_a_value_is_bounded_and_holds_the_latest_changes() -> None:
    many = [replace(COOLED, task_name=f"T{n}", cooldown_ms=1e9) for n in range(MAX_TIMES)]
    last = replace(COUNTED, events=(replace(ITEM, page_id="Cart"),))
    matcher = Matcher([last, *many])
    click(matcher, NOW_MS)
    matcher.match(Event("v", NOW_MS, "mta", "Cart", "item"), NOW_MS)
    rules = matcher.remembered()["rules"]

    assert sum(map(len, rules.values())) == MAX_TIMES
    assert rules[f"{digest(last)}-1"] == [None, NOW_MS]
    assert len(json.dumps(matcher.remembered())) < 2**19


def test_what_was_taken_over_is_stored_again() -> None:
    matcher = Matcher([COOLED])
    click(matcher, NOW_MS)
    kept = matcher.remembered()

    assert later(kept, COOLED).remembered() == kept
    assert matcher.swapped([COUNTED, COOLED]).remembered() == kept


def test_a_value_of_before_the_clock_was_set_back_is_ignored() -> None:
    matcher = Matcher([COOLED])
    click(matcher, NOW_MS)

    assert click(later(matcher.remembered(), COOLED, now_ms=NOW_MS - 999), NOW_MS - 999) == []
    assert click(later(matcher.remembered(), COOLED, now_ms=NOW_MS - 1_001), NOW_MS) == ["C"]


@pytest.mark.parametrize(
    "times",
    [
        *(None, 1, "12", {}, [], ["1"], [True], [[]], [NOW_MS + 1], [1e400], [10**400]),
        *([None, "1"], [None, NOW_MS, NOW_MS - 1], [None, NOW_MS + 1], [None, *[NOW_MS] * 3]),
    ],
)
def test_a_rule_that_cannot_be_read_begins_empty_and_others_go_on(times: Any) -> None:
    names = f"{digest(COUNTED)}-1", f"{digest(COOLED)}-1"
    kept = {"newestMs": NOW_MS, "rules": {names[0]: times, names[1]: [NOW_MS], "other": [1]}}
    matcher = later(kept, COOLED, COUNTED)

    assert click(matcher, NOW_MS) == click(matcher, NOW_MS) == []
    assert click(matcher, NOW_MS) == ["N"]


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda some: (
        st.lists(some, max_size=3)
        | st.dictionaries(st.sampled_from(["newestMs", "rules", f"{digest(COOLED)}-1"]), some)
    ),
)


@settings(max_examples=examples(200))
@given(anything)
def test_no_value_does_harm(plain: Any) -> None:
    later(plain, COOLED, COUNTED, now_ms=1e300)
