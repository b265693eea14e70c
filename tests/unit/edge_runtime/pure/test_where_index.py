"""The index of conditions: it finds what asking every item finds, and looks at few of them."""

import json
import math
from typing import Any

import pytest
from edge_runtime.config_where import MISSING, Condition
from edge_runtime.pure.where_index import WhereIndex
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples

SCALARS: list[Any] = [None, True, False, 0, 1, 1.0, -0.0, 1.5, 10**400, "", "1", "a"]
OTHERS: list[Any] = [math.nan, math.inf, [], [1], {}, {"b": 1}, {"b": {"c": 1}}, {"b.c": 1}]
PATHS = ["a", "b", "a.b", "a.b.c"]


def index_of(*wheres: dict[str, Any]) -> WhereIndex[int]:
    index: WhereIndex[int] = WhereIndex()
    for number, where in enumerate(wheres):
        index.add(number, conditions_of(where))
    return index


def conditions_of(where: dict[str, Any]) -> list[Condition]:
    return [
        Condition(path, operator, json.dumps(operand))
        for path, wanted in where.items()
        for operator, operand in (wanted if isinstance(wanted, dict) else {"eq": wanted}).items()
    ]


def looked_at(index: WhereIndex[int], props: dict[str, Any]) -> int:
    return sum(map(len, index.candidates(props)))


scalars = st.sampled_from(SCALARS)
operators = st.one_of(
    st.tuples(st.sampled_from(["eq", "eq", "ne"]), scalars),
    st.tuples(st.sampled_from(["in", "in", "notIn"]), st.lists(scalars, min_size=1, max_size=3)),
    st.tuples(st.just("exists"), st.booleans()),
    st.tuples(st.sampled_from(["gt", "lte"]), st.sampled_from([1, "1"])),
)
conditions = st.builds(
    lambda path, wanted: Condition(path, wanted[0], json.dumps(wanted[1])),
    st.sampled_from(PATHS),
    operators,
)
wheres = st.lists(conditions, max_size=3)
values = st.sampled_from([*SCALARS, *OTHERS])
props = st.one_of(
    st.dictionaries(st.sampled_from(["a", "b", "a.b"]), values),
    st.builds(lambda value: {"a": {"b": value}}, values),
    st.builds(lambda value: {"a": {"b": {"c": value}}, "b": value}, values),
)


def value_of(props: Any, path: str) -> object:
    for name in path.split("."):
        if not isinstance(props, dict) or name not in props:
            return MISSING
        props = props[name]
    return props


@settings(max_examples=examples(300))
@given(st.lists(wheres, max_size=12), st.lists(props, min_size=1, max_size=5))
def test_it_finds_each_item_once_whose_conditions_all_hold(
    wheres: list[list[Condition]], stream: list[dict[str, Any]]
) -> None:
    index: WhereIndex[int] = WhereIndex()
    for number, where in enumerate(wheres):
        index.add(number, where)
    for props in stream:
        holds = [
            all(each.predicate()(value_of(props, each.path)) for each in where) for where in wheres
        ]
        assert sorted(index.matching(props)) == [n for n, does in enumerate(holds) if does]


@pytest.mark.parametrize(
    ("where", "props"),
    [
        ({"sku": 7}, {"sku": 7, "other": 8}),
        ({"sku": {"in": [7, "7"]}}, {"sku": 7.0}),
        ({"sku": {"gt": 5, "eq": 7}}, {"sku": 7}),
        ({"item.sku": 7}, {"item": {"sku": 7}}),
    ],
)
def test_of_many_that_want_other_values_only_those_that_want_this_one_are_looked_at(
    where: dict[str, Any], props: dict[str, Any]
) -> None:
    path = next(iter(where))
    index = index_of(*({path: number} for number in range(100, 1_100)), where)

    assert index.matching(props) == [1_000]
    assert looked_at(index, props) == 1
    assert looked_at(index, {}) == 0


def test_of_many_that_want_other_props_only_those_that_want_these_are_looked_at() -> None:
    index = index_of(*({f"p{number}": 1, f"q.p{number}": 1} for number in range(1_000)))

    assert index.matching({"p7": 1, "p8": 2, "q": {"p7": 1}}) == [7]
    assert looked_at(index, {"p7": 1, "p8": 2, "q": {"p9": 1}}) <= 2


def test_of_several_values_that_are_wanted_the_one_that_few_others_want_decides() -> None:
    index = index_of(*({"kind": "shoe", "sku": number} for number in range(1_000)))
    lists = index_of(
        *({"kind": {"in": ["shoe", n]}, "sku": {"in": [n, -n]}} for n in range(1, 1_001))
    )

    assert looked_at(index, {"kind": "shoe", "sku": 7}) <= 2
    assert looked_at(lists, {"kind": "shoe", "sku": 7}) <= 2


def test_what_wants_no_single_value_is_always_looked_at() -> None:
    index = index_of({}, {"a": {"gt": 1}}, {"a": {"ne": 1}}, {"a": {"exists": False}}, {"a": 2})

    assert looked_at(index, {"a": 3}) == 4
    assert index.matching({"a": 3}) == [0, 1, 2]
