"""Routes after a change of the rules: everything is where it belongs, and nothing is lost."""

import json
from typing import Any

import pytest
from edge_runtime.config import DataConfig, EventsRule, KeyRule
from edge_runtime.pure.routing import Asked, route_for
from edge_runtime.pure.segment import ROUTES, Route
from edge_runtime.services.store_routes import settle_routes
from edge_runtime.services.store_tables import Tables
from hypothesis import given
from hypothesis import strategies as st

Value = tuple[Any, float, int]


def put(tables: Tables, route: Route, key: str, value: Value) -> None:
    tables.apply(route, ["put", key, *value])


def values(tables: Tables, route: Route) -> dict[str, Value]:
    sql = f"select key, value, updated_ms, asked from {route}.keys"
    found = tables.connection.execute(sql)
    return {key: (json.loads(text), ms, said) for key, text, ms, said in found}


def replay(tables: Tables, route: Route, *names: str) -> None:
    rows = [[name, 5, "mta", "Home", None, 1, {}] for name in names]
    tables.replay(route, json.dumps({"events": rows, "keys": []}))


def events(tables: Tables, route: Route) -> list[str]:
    sql = f"select id from {route}.events order by rowid"
    return [found[0] for found in tables.connection.execute(sql)]


@pytest.mark.parametrize("target", ROUTES)
def test_events_go_where_the_rule_wants_them(target: Route) -> None:
    (other,) = {*ROUTES} - {target}
    data, tables = DataConfig(EventsRule(encrypted=target == "sealed")), Tables(target)
    replay(tables, other, "b", "a")
    replay(tables, target, "c")

    assert settle_routes(tables, data) == 2
    assert (events(tables, target), events(tables, other)) == (["c", "b", "a"], [])
    assert settle_routes(tables, data) == 0


json_values = st.none() | st.integers(0, 2**70) | st.text(st.characters()) | st.just("\ud800")
stored = st.tuples(json_values, st.floats(1.8e12, 1.9e12), st.sampled_from([0, 1, 2]))
keys = st.text("ab", min_size=1, max_size=3)
rules = st.lists(
    st.builds(KeyRule, st.text("ab", max_size=2), encrypted=st.booleans()),
    max_size=3,
    unique_by=lambda rule: rule.prefix,
).map(tuple)


@given(rules, st.dictionaries(keys, st.tuples(st.sampled_from(ROUTES), stored), max_size=8))
def test_every_value_goes_where_its_rule_wants_it_and_stays_what_it_is(
    found: tuple[KeyRule, ...], puts: dict[str, tuple[Route, Value]]
) -> None:
    tables = Tables()
    for key, (route, value) in puts.items():
        put(tables, route, key, value)

    moved = settle_routes(tables, DataConfig(keys=found))

    expected: dict[Route, dict[str, Value]] = {route: {} for route in ROUTES}
    for key, (_, value) in puts.items():
        expected[route_for(found, key, Asked(value[2]))][key] = value
    assert {route: values(tables, route) for route in ROUTES} == expected
    assert moved == sum(key not in expected[route] for key, (route, _) in puts.items())
    assert settle_routes(tables, DataConfig(keys=found)) == 0


@pytest.mark.parametrize(
    ("sealed_ms", "plain_ms", "newest"), [(5, 6, "plain"), (6, 5, "sealed"), (5, 5, "sealed")]
)
@pytest.mark.parametrize("target", ROUTES)
def test_of_a_key_in_both_routes_the_value_put_last_stays(
    target: Route, sealed_ms: float, plain_ms: float, newest: str
) -> None:
    tables = Tables()
    put(tables, "sealed", "k", ("sealed", sealed_ms, 0))
    put(tables, "plain", "k", ("plain", plain_ms, 0))
    put(tables, "plain", "other", ("plain", 1, Asked.PLAIN))

    data = DataConfig(keys=(KeyRule("k", encrypted=target == "sealed"),))
    assert settle_routes(tables, data) == (1 if newest == target else 2)
    assert tables.routes_of("k") == [target]
    assert tables.get("k") == json.dumps(newest)
    assert tables.get("other") == '"plain"'


def test_more_keys_than_are_read_at_once_are_all_moved() -> None:
    tables = Tables()
    for number in range(2_001):
        put(tables, "sealed", f"ui.{number}", (number, 5.0, 0))
    assert settle_routes(tables, DataConfig(keys=(KeyRule("ui.", encrypted=False),))) == 2_001
    assert [tables.count(route, "keys") for route in ROUTES] == [0, 2_001]
