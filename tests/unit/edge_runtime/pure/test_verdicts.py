"""What measuring found: for how long it holds, and what is left of it after a restart."""

import json
import math
from typing import Any

import pytest
from edge_runtime.pure.verdicts import MOST_VERDICTS, REFUSED_MS, Verdict, Verdicts, verdicts_of
from edge_runtime.types import JsonValue
from hypothesis import given
from hypothesis import strategies as st

NOW_MS = 1e12


def test_a_time_holds_and_a_refusal_ends() -> None:
    verdicts = Verdicts("this")
    verdicts.measured("fast", 2.5, NOW_MS)
    verdicts.refuse("wrong", "other answers", NOW_MS)

    assert verdicts.get("fast") == Verdict(2.5, "", NOW_MS)
    for late_ms, reason in (
        (0, "other answers"),
        (REFUSED_MS - 1, "other answers"),
        (REFUSED_MS, None),
    ):
        assert verdicts.refusal("wrong", NOW_MS + late_ms) == reason
        assert verdicts.is_open("wrong", NOW_MS + late_ms) is (reason is None)
        assert not verdicts.is_open("fast", NOW_MS + late_ms)
    assert verdicts.refusal("fast", NOW_MS) is verdicts.refusal("unknown", NOW_MS) is None
    assert verdicts.is_open("unknown", NOW_MS)


def test_a_clock_that_was_set_back_makes_nothing_last_longer() -> None:
    verdicts = Verdicts()
    verdicts.refuse("wrong", "other answers", NOW_MS)

    assert verdicts.refusal("wrong", NOW_MS - REFUSED_MS) is None


def test_the_oldest_go_first_but_not_within_a_life() -> None:
    verdicts = Verdicts("this")
    for number in range(MOST_VERDICTS):
        verdicts.measured(str(number), 1, NOW_MS)
    verdicts.measured("0", 2, NOW_MS)

    verdicts.measured("new", 1, NOW_MS)
    later = verdicts_of(verdicts.to_plain(), "this")

    assert verdicts.get("1") == Verdict(1, "", NOW_MS)
    assert later.get("1") is None
    assert (later.get("0"), later.get("2")) == (Verdict(2, "", NOW_MS), Verdict(1, "", NOW_MS))


def test_as_many_as_come_back_fit_into_one_value_of_the_store() -> None:
    verdicts = Verdicts("this")
    for number in range(MOST_VERDICTS):
        verdicts.refuse(f"{number:064} webnn-npu asyncify 1", "no kernel " * 1_000, NOW_MS)

    assert len(json.dumps(verdicts.to_plain())) < 2**20


def test_what_is_stored_comes_back_on_the_same_device() -> None:
    verdicts = Verdicts("this")
    verdicts.measured("fast", 2.5, NOW_MS)
    verdicts.refuse("wrong", "other answers", NOW_MS)
    stored = json.loads(json.dumps(verdicts.to_plain()))

    assert verdicts_of(stored, "this").to_plain() == verdicts.to_plain()
    assert verdicts_of(stored, "other").to_plain() == {"device": "other", "plans": {}}


@pytest.mark.parametrize(
    "told",
    [
        None, [], [1], [1, "", 2, 3], ["1", "", 2], [1, None, 2], [None, "", 2], [1, "", None],
        [math.nan, "", 2], [-1, "", 2], [math.inf, "", 2], [1, "", math.nan], [True, "", 2],
    ],
)  # fmt: skip
def test_a_verdict_that_makes_no_sense_is_none(told: Any) -> None:
    plain: JsonValue = {"device": "this", "plans": {"odd": told, "fast": [1, "", 2]}}

    verdicts = verdicts_of(plain, "this")

    assert (verdicts.get("odd"), verdicts.get("fast")) == (None, Verdict(1.0, "", 2.0))


values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["device", "plans", "a"]), inner, max_size=3)
    ),
)


@given(values)
def test_reading_never_raises(plain: Any) -> None:
    verdicts = verdicts_of(plain, "this")
    assert verdicts_of(verdicts.to_plain(), "this").to_plain() == verdicts.to_plain()
