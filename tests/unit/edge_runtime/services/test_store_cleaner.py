"""The cleaner against a naive one, and what it does when others write between two slices."""

import json
from typing import Any

import pytest
from edge_runtime.config import DataConfig, EventsRule, KeyRule
from edge_runtime.pure.head import DAY_MS
from edge_runtime.pure.segment import ROUTES, Route
from edge_runtime.services.store_cleaner import Cleaner
from edge_runtime.services.store_tables import Tables
from hypothesis import given
from hypothesis import strategies as st

NOW_MS = 1_000 * DAY_MS


def row(name: str, days: float = 0, text: str = "") -> list[Any]:
    return [name, NOW_MS - days * DAY_MS, "mta", "Home", None, 1, {"text": text}]


def size_of(event: list[Any]) -> int:
    texts = [event[0], *event[2:4], json.dumps(event[6], separators=(",", ":"), ensure_ascii=False)]
    return sum(len(text.encode()) for text in texts)


def put(tables: Tables, key: str, days: float, route: Route = "sealed", value: Any = 1) -> None:
    tables.apply(route, ["put", key, value, NOW_MS - days * DAY_MS, 0])


def cleaned(tables: Tables, data: DataConfig, slice_rows: int = 2) -> list[int]:
    return list(Cleaner(tables, data, slice_rows).slices(NOW_MS))


def events(tables: Tables) -> set[str]:
    sql = f"select id from {tables.events_route}.events"
    return {found[0] for found in tables.connection.execute(sql)}


def keys(tables: Tables) -> set[str]:
    return {found[0] for route in ROUTES for found in tables.key_rows(route, "", 1_000)}


def events_kept_naively(rule: EventsRule, rows: list[list[Any]]) -> set[str]:
    earliest = NOW_MS - rule.max_age_days * DAY_MS
    kept = [each for each in rows if each[1] >= earliest][-rule.max_rows :]
    while rule.max_bytes is not None and sum(map(size_of, kept)) > rule.max_bytes:
        del kept[0]
    return {each[0] for each in kept}


Put = tuple[str, int, Route, str]


def keys_kept_naively(rules: list[KeyRule], puts: list[Put]) -> set[str]:
    kept = {each[0] for each in puts}
    for rule in rules:
        longer = [other.prefix for other in rules if len(other.prefix) > len(rule.prefix)]
        own = [
            each
            for each in puts
            if each[0].startswith(rule.prefix) and not each[0].startswith(tuple(longer))
        ]
        newest_first = sorted(own, key=lambda each: each[0], reverse=True)
        newest_first.sort(key=lambda each: each[1])
        found = [each for each in newest_first if each[1] <= (rule.max_age_days or 1_000)]
        found = found[: rule.max_rows]
        limit = rule.max_bytes
        while (
            limit is not None
            and sum(len(f'{k}"{text}"'.encode()) for k, _, _, text in found) > limit
        ):
            found.pop()
        kept -= {each[0] for each in own} - {each[0] for each in found}
    return kept


days = st.integers(0, 6)
texts = st.sampled_from(["", "é", "text"])
rows = st.lists(st.tuples(days, texts), max_size=12).map(
    lambda found: [row(f"e{index}", *each) for index, each in enumerate(found)]
)
events_rules = st.builds(
    EventsRule,
    max_age_days=st.integers(1, 7),
    max_rows=st.integers(1, 12),
    max_bytes=st.none() | st.integers(1, 300),
)
puts = st.lists(
    st.tuples(st.text("ab", min_size=1, max_size=3), days, st.sampled_from(ROUTES), texts),
    max_size=12,
    unique_by=lambda each: each[0],
)
key_rules = st.lists(
    st.builds(
        KeyRule,
        st.text("ab", max_size=2),
        max_age_days=st.none() | st.integers(1, 6),
        max_rows=st.none() | st.integers(1, 4),
        max_bytes=st.none() | st.integers(1, 30),
    ),
    max_size=3,
    unique_by=lambda rule: rule.prefix,
)


@given(events_rules, rows, st.sampled_from(ROUTES), st.integers(1, 5))
def test_events_that_stay_are_those_a_naive_cleaner_leaves(
    rule: EventsRule, found: list[list[Any]], route: Route, slice_rows: int
) -> None:
    tables = Tables(route)
    tables.add_batch(json.dumps(found))

    deleted = cleaned(tables, DataConfig(rule), slice_rows)

    assert events(tables) == events_kept_naively(rule, found)
    assert sum(deleted) == len(found) - len(events(tables))
    assert max(deleted, default=0) <= slice_rows


@given(key_rules, puts, st.integers(1, 5))
def test_keys_that_stay_are_those_a_naive_cleaner_leaves(
    rules: list[KeyRule], found: list[Put], slice_rows: int
) -> None:
    tables = Tables()
    for key, age, route, text in found:
        put(tables, key, age, route, text)

    deleted = cleaned(tables, DataConfig(keys=tuple(rules)), slice_rows)

    assert keys(tables) == keys_kept_naively(rules, found)
    assert sum(deleted) == len(found) - len(keys(tables))
    assert max(deleted, default=0) <= slice_rows


def test_the_event_that_came_first_goes_first_whatever_the_clock_said() -> None:
    tables = Tables()
    tables.add_batch(json.dumps([row("b"), row("a"), ["c", row("c")[1] - 1, *row("c")[2:]]]))
    cleaned(tables, DataConfig(EventsRule(max_rows=1)))
    assert events(tables) == {"c"}


@pytest.mark.parametrize(
    "rule",
    [
        EventsRule(max_rows=1),
        EventsRule(max_bytes=1),
        EventsRule(max_age_days=1),
        EventsRule(max_age_days=1, max_rows=1, max_bytes=1),
    ],
    ids=repr,
)
def test_the_cleaner_ends_when_others_empty_the_table_between_its_slices(rule: EventsRule) -> None:
    for emptied_after in range(4):
        tables = Tables()
        tables.add_batch(json.dumps([row(f"e{n}", days=5) for n in range(9)]))
        slices = Cleaner(tables, DataConfig(rule), 2).slices(NOW_MS)
        for _ in range(emptied_after):
            next(slices, None)
        tables.clear("sealed")
        assert sum(slices) == 0


def test_a_key_that_is_put_again_between_two_slices_stays() -> None:
    tables = Tables()
    for key in "abc":
        put(tables, key, days=5)
    slices = Cleaner(tables, DataConfig(keys=(KeyRule("", max_age_days=1),)), 1).slices(NOW_MS)
    while not next(slices):
        pass
    (left, *_) = keys(tables)
    put(tables, left, days=0)

    assert sum(slices) == 1
    assert keys(tables) == {left}


def test_without_rules_for_it_nothing_goes() -> None:
    tables = Tables()
    tables.add_batch(json.dumps([row("e1", days=29)]))
    put(tables, "k", days=900)
    put(tables, "ui.theme", days=900)
    assert sum(cleaned(tables, DataConfig(keys=(KeyRule("ui."),)))) == 0
