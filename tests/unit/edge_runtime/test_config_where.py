"""Conditions: what satisfies them, and which can never hold."""

import json
import math
import sys
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.config_where import MISSING, Condition, parse_where, typed
from edge_runtime.errors import ConfigError
from hypothesis import given
from hypothesis import strategies as st

PATTERN = {"type": "mta", "pageId": "Home", "needPv": True}
VALUES: list[Any] = [MISSING, None, True, False, 0, 1, 1.0, 2, "", "1", "a", [], [1], {}, {"a": 1}]


def satisfying(operator: str, operand: Any) -> list[Any]:
    holds = Condition("p", operator, json.dumps(operand)).predicate()
    return [value for value in VALUES if holds(value)]


@pytest.mark.parametrize(
    ("operator", "operand", "expected"),
    [
        ("eq", 1, [1, 1.0]),
        ("eq", True, [True]),
        ("eq", None, [None]),
        ("eq", "1", ["1"]),
        ("gt", 0, [1, 1.0, 2]),
        ("gte", 1, [1, 1.0, 2]),
        ("lt", 1, [0]),
        ("lte", 1, [0, 1, 1.0]),
        ("gt", "1", ["a"]),
        ("lt", "a", ["", "1"]),
        ("in", [1, "a", None], [None, 1, 1.0, "a"]),
        ("exists", False, [MISSING]),
        ("exists", True, VALUES[1:]),
        ("ne", 1, [MISSING, None, True, False, 0, 2, "", "1", "a", [], [1], {}, {"a": 1}]),
        ("notIn", [1, ""], [MISSING, None, True, False, 0, 2, "1", "a", [], [1], {}, {"a": 1}]),
    ],
)
def test_a_condition_holds_for_values_of_its_type_only(
    operator: str, operand: Any, expected: list[Any]
) -> None:
    found = satisfying(operator, operand)
    assert [(type(each), each) for each in found] == [(type(each), each) for each in expected]


def test_a_value_means_equality_and_operators_are_all_required() -> None:
    assert parse_where({"a": "x", "b.c": {"gte": 1, "lt": 2}}, "where") == (
        Condition("a", "eq", '"x"'),
        Condition("b.c", "gte", "1"),
        Condition("b.c", "lt", "2"),
    )


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"p": {"exists": False, "ne": 1}}, "p: expected exists false alone"),
    ({"p": {"gt": 5, "lt": 5}}, "p: expected a lower bound below the upper one"),
    ({"p": {"gte": 5, "lt": 5}}, "p: expected a lower bound below the upper one"),
    ({"p": {"gte": 6, "lte": 5}}, "p: expected a lower bound below the upper one"),
    ({"p": {"gt": "b", "lt": "a"}}, "p: expected a lower bound below the upper one"),
    ({"p": {"lt": ""}}, "p: expected a lower bound below the upper one"),
    ({"p": {"gt": 1, "lt": "a"}}, "p: expected bounds of one type"),
    ({"p": {"gte": 5, "lte": 5, "ne": 5}}, "p: expected conditions that one value can satisfy"),
    ({"p": {"eq": 1, "ne": 1}}, "p: expected conditions that one value can satisfy"),
    ({"p": {"eq": 1, "in": [True, "1"]}}, "p: expected conditions that one value can satisfy"),
    ({"p": {"in": [1, 2], "gt": 2}}, "p: expected conditions that one value can satisfy"),
    ({"p": {"in": [1], "notIn": [1]}}, "p: expected conditions that one value can satisfy"),
    ({"p": {"in": []}}, "p.in: expected at least 1 entries"),
    ({"p": {}}, "p: expected at least 1 entries"),
    ({"p": {"gt": True}}, "p.gt: expected string or number, got true"),
    ({"p": {"eq": [1]}}, "p.eq: expected string or number or boolean or null, got [1]"),
    ({"p": [1]}, "p: expected object or string or number or boolean or null, got [1]"),
    ({"p": {"like": "x"}}, "p.like: expected one of the fields eq, ne, gt, gte, lt, lte, in,"),
    ({"p": {"exists": False}, "p.q": 1}, "p.q: expected no condition on a part of p, which"),
    ({"p": 1, "p.q.r": {"exists": True}}, "p.q.r: expected no condition on a part of p, which"),
    ({"p..q": 1}, ": expected names like Name of a prop"),
    ({"": 1}, ": expected names like Name of a prop"),
]


@pytest.mark.parametrize(("where", "message"), REFUSED, ids=[json.dumps(w) for w, _ in REFUSED])
def test_a_condition_that_never_holds_is_refused(where: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config({"triggers": [{"taskName": "T", "events": [{**PATTERN, "where": where}]}]})

    text = refused.value.message
    assert f"where{'' if message[0] == ':' else '.'}{message}" in text
    assert text.startswith("config at triggers[0].events[0].where")


@pytest.mark.parametrize(
    "wanted",
    [
        {"eq": 10**400},
        {"gt": 10**400},
        {"notIn": [-(10**400)]},
        {"gt": 1, "lt": 10**400},
        {"exists": False, "eq": 10**400},
    ],
)
def test_a_number_that_no_prop_can_be_is_refused(wanted: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config(
            {"triggers": [{"taskName": "T", "events": [{**PATTERN, "where": {"p": wanted}}]}]}
        )

    text = refused.value.message
    assert "events[0].where.p: expected a number that a prop can be, got " in text
    assert text.endswith("JSON has neither NaN nor numbers beyond 1.8e308. Correct the condition.")


@pytest.mark.parametrize(
    "wanted",
    [
        *(math.inf, {"gt": math.inf}, {"lt": -math.inf}, {"ne": math.nan}, {"in": [1, math.nan]}),
        *({"eq": 10**5_000}, {"gt": 1, "lt": 10**5_000}, {"notIn": [-(10**5_000)]}),
    ],
)
def test_a_number_that_is_not_finite_is_refused_with_its_place(wanted: Any) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_config(
            {"triggers": [{"taskName": "T", "events": [{**PATTERN, "where": {"p": wanted}}]}]}
        )

    text = refused.value.message
    assert "triggers[0].events[0].where.p" in text
    assert "expected a finite number, got " in text


@pytest.mark.parametrize("value", [sys.float_info.max, -sys.float_info.max, 10**308, -(10**20)])
def test_a_number_that_a_prop_can_be_is_taken(value: float) -> None:
    (condition,) = parse_where({"p": value}, "where")

    assert condition.predicate()(value)


@pytest.mark.parametrize("operand", [0, 1.5, 10**308, "", 'a "b" \u2028', True, None])
def test_what_equality_and_membership_want_is_known(operand: Any) -> None:
    others = [False, 2, "2"]
    wanted = json.dumps([operand, *others])

    assert Condition("p", "eq", json.dumps(operand)).values() == {typed(operand)}
    assert Condition("p", "in", wanted).values() == {typed(each) for each in (operand, *others)}
    assert Condition("p", "notIn", wanted).values() is None
    assert Condition("p", "gte", "1").values() is None


@pytest.mark.parametrize(
    "where",
    [
        {"p": {"gte": 5, "lte": 5}},
        {"p": {"in": [1, 2], "gt": 1}},
        {"p": {"exists": True, "ne": 5}, "p.q": 1},
        {"p": {"ne": 5}, "p.q": 1},
        {"p": {"exists": False}, "p.q": {"ne": 1}},
    ],
)
def test_what_some_value_satisfies_is_taken(where: dict[str, Any]) -> None:
    assert parse_where(where, "where")


scalars = st.sampled_from([0, 1, 2, True, "1", "a"])
bounds = st.sampled_from([0, 1, 2, "a"])
operators = st.fixed_dictionaries(
    {},
    optional={
        "eq": scalars,
        "ne": scalars,
        "in": st.lists(scalars, min_size=1, max_size=2),
        "notIn": st.lists(scalars, min_size=1, max_size=2),
        "exists": st.booleans(),
        **dict.fromkeys(("gt", "gte", "lt", "lte"), bounds),
    },
).filter(bool)
# Between, below and above every operand: what none of these satisfies nothing does.
WITNESSES = [MISSING, None, True, -1, 0, 0.5, 1, 1.5, 2, 3, "", "1", "Z", "a", "b"]


@given(operators)
def test_exactly_what_no_value_satisfies_is_refused(wanted: dict[str, Any]) -> None:
    checks = [Condition("p", name, json.dumps(v)).predicate() for name, v in wanted.items()]
    can_hold = any(all(check(value) for check in checks) for value in WITNESSES)
    # A missing prop satisfies ne and notIn, but these say nothing then.
    is_alone = wanted.get("exists") is not False or len(wanted) == 1
    try:
        parse_where({"p": wanted}, "where")
    except ConfigError:
        assert not can_hold or not is_alone
    else:
        assert can_hold
