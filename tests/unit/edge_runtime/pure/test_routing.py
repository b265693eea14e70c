"""Routes of keys: the whole table, and which rule is asked."""

import pytest
from edge_runtime.config import KeyRule
from edge_runtime.pure.routing import Asked, asked, route_for, rule_for
from edge_runtime.pure.segment import Route
from hypothesis import given
from hypothesis import strategies as st

RULES = {
    "none": [],
    "plain": [KeyRule("ui.", encrypted=False)],
    "sealed": [KeyRule("ui.", encrypted=True)],
}


@pytest.mark.parametrize(
    ("rule", "encrypted", "route"),
    [
        ("none", None, "sealed"),
        ("none", True, "sealed"),
        ("none", False, "plain"),
        ("plain", None, "plain"),
        ("plain", True, "sealed"),
        ("plain", False, "plain"),
        ("sealed", None, "sealed"),
        ("sealed", True, "sealed"),
        ("sealed", False, "sealed"),
    ],
)
def test_whoever_wants_a_key_sealed_wins(rule: str, encrypted: bool | None, route: Route) -> None:
    assert route_for(RULES[rule], "ui.theme", asked(encrypted)) == route


def test_what_was_asked_is_stored_as_a_number_that_stays_the_same() -> None:
    assert {each.name: int(each) for each in Asked} == {"NOTHING": 0, "SEALED": 1, "PLAIN": 2}


prefixes = st.text("ab.", max_size=3)


@given(st.lists(prefixes, unique=True), st.text("ab.", max_size=5))
def test_the_longest_prefix_decides(known: list[str], key: str) -> None:
    found = rule_for([KeyRule(prefix) for prefix in known], key)

    longest = next((key[:end] for end in range(len(key), -1, -1) if key[:end] in known), None)
    assert (None if found is None else found.prefix) == longest
