"""Rules for keys, against three filters one after the other."""

import pytest
from edge_runtime.config import KeyRule
from edge_runtime.pure.head import DAY_MS
from edge_runtime.pure.retention import KeyRow, surplus_keys
from hypothesis import given
from hypothesis import strategies as st

NOW_MS = 1_000 * DAY_MS


def row(key: str, *, days: float = 0, size_bytes: int = 10) -> KeyRow:
    return KeyRow(key, NOW_MS - days * DAY_MS, size_bytes)


ROWS = [row("new"), row("old", days=2), row("older", days=3, size_bytes=1)]


@pytest.mark.parametrize(
    ("rule", "gone"),
    [
        (KeyRule(""), []),
        (KeyRule("", max_age_days=2), ["older"]),
        (KeyRule("", max_age_days=1.9), ["older", "old"]),
        (KeyRule("", max_rows=2), ["older"]),
        (KeyRule("", max_rows=1), ["older", "old"]),
        (KeyRule("", max_bytes=21), []),
        (KeyRule("", max_bytes=20), ["older"]),
        (KeyRule("", max_bytes=9), ["older", "old", "new"]),
        (KeyRule("", max_age_days=3, max_rows=2, max_bytes=10), ["older", "old"]),
    ],
    ids=repr,
)
def test_the_oldest_go_first_by_age_number_and_bytes(rule: KeyRule, gone: list[str]) -> None:
    assert surplus_keys(rule, ROWS, NOW_MS) == gone


def test_a_small_value_does_not_stay_behind_an_older_one_that_did_not_fit() -> None:
    rows = [row("new"), row("large", days=1, size_bytes=99), row("small", days=2, size_bytes=1)]
    assert surplus_keys(KeyRule("", max_bytes=50), rows, NOW_MS) == ["small", "large"]


def test_a_clock_that_was_set_back_expires_nothing() -> None:
    assert surplus_keys(KeyRule("", max_age_days=1), [row("future", days=-900)], NOW_MS) == []


def kept_naively(rule: KeyRule, rows: list[KeyRow]) -> set[str]:
    newest_first = sorted(rows, key=lambda each: -each.updated_ms)
    if rule.max_age_days is not None:
        earliest = NOW_MS - rule.max_age_days * DAY_MS
        newest_first = [each for each in newest_first if each.updated_ms >= earliest]
    newest_first = newest_first[: rule.max_rows]
    while rule.max_bytes is not None and sum(each[2] for each in newest_first) > rule.max_bytes:
        newest_first.pop()
    return {each.key for each in newest_first}


days = st.integers(0, 6)
rows = st.lists(
    st.builds(lambda key, age, size: row(key, days=age, size_bytes=size), st.text(), days, days),
    unique_by=(lambda each: each.key, lambda each: each.updated_ms),
)
rules = st.builds(
    KeyRule,
    st.just(""),
    max_age_days=st.none() | st.integers(1, 6),
    max_rows=st.none() | st.integers(1, 6),
    max_bytes=st.none() | st.integers(1, 20),
)


@given(rules, rows)
def test_what_is_left_is_what_filters_would_leave(rule: KeyRule, found: list[KeyRow]) -> None:
    gone = surplus_keys(rule, found, NOW_MS)

    assert {each.key for each in found} - set(gone) == kept_naively(rule, found)
    times = {each.key: each.updated_ms for each in found}
    assert gone == sorted(gone, key=lambda key: times[key])
