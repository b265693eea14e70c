"""Queries of tasks: what may be read, what is refused, and when they end."""

import sqlite3
from collections.abc import Iterator

import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.services import store_tables
from edge_runtime.services.store_query import query
from edge_runtime.services.store_tables import Tables
from edge_runtime.types import Event


@pytest.fixture
def connection() -> Iterator[sqlite3.Connection]:
    tables = Tables()
    events = [Event(f"e{n}", float(n), "mta", "Home", props={"sku": n}) for n in range(5)]
    tables.add_events(events)
    tables.apply(["put", "profile", {"size": 43}, 5.0, True])
    yield tables.connection
    tables.close()


def run(connection: sqlite3.Connection, sql: str, params: object = None) -> list[dict[str, object]]:
    return query(connection, sql, params, is_late=lambda: False)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select count(*) as n from events", [{"n": 5}]),
        ("select props->>'sku' as sku from events where ts = :ts", [{"sku": 3}]),
        ("select value->>'size' as size from keys", [{"size": 43}]),
        ("with r as (select 1 as x) select count(*) as n from r", [{"n": 1}]),
        ("select count(*) as n from (select id from events where ts > :ts)", [{"n": 1}]),
        ("select j.key as k from events e, json_each(e.props) j limit 1", [{"k": "sku"}]),
        ("select type, max(ts) as last from events group by type", [{"type": "mta", "last": 4.0}]),
        ("select 1 where 1 = 0", []),
    ],
)
def test_selects_over_events_and_keys_give_rows_as_dicts(
    connection: sqlite3.Connection, sql: str, rows: list[dict[str, object]]
) -> None:
    assert run(connection, sql, {"ts": 3}) == rows


@pytest.mark.parametrize(
    "sql",
    [
        "delete from events",
        "insert into keys values ('a', '1', 0, 0)",
        "update keys set value = '1'",
        "drop table events",
        "create table t (x)",
        "create temp table t (x)",
        "pragma user_version",
        "select * from pragma_table_info('events')",
        "select * from sqlite_master",
        "select count(*) from sqlite_schema",
        "attach ':memory:' as other",
        "vacuum",
        "begin",
        "select load_extension('x')",
        "with recursive r(n) as (select 1 union all select n + 1 from r) select n from r",
    ],
)
def test_everything_else_is_refused_and_changes_nothing(
    connection: sqlite3.Connection, sql: str
) -> None:
    with pytest.raises(ConfigError, match="expected a read of events or keys") as refused:
        run(connection, sql)
    assert refused.value.code == "query-invalid"
    assert run(connection, "select count(*) as n from events") == [{"n": 5}]


def test_a_statement_of_our_own_is_refused_although_it_is_compiled(
    connection: sqlite3.Connection,
) -> None:
    with pytest.raises(ConfigError):
        run(connection, store_tables._ADD.replace("(?)", "(:rows)"), {"rows": "[]"})


@pytest.mark.parametrize(
    ("sql", "params", "message"),
    [
        ("sel", None, 'near "sel": syntax error'),
        ("", None, "expected one select statement, got ''"),
        ("select * from nope", None, "no such table: nope"),
        ("select 1 as a; select 2 as b", None, "one statement at a time"),
        ("select :a as a", None, "binding"),
        ("select :a as a", {"a": [1]}, "expected None, bool, int, float, str or bytes for :a"),
        ("select :a as a", {"a": 2**70}, "too large"),
        ("select id, id from events", None, "id twice"),
        ("select '\ud800' as a", None, "surrogates not allowed"),
        ("select zeroblob(100000000) as a", None, "too big"),
    ],
)
def test_a_mistake_is_named(
    connection: sqlite3.Connection, sql: str, params: object, message: str
) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        run(connection, sql, params)
    assert refused.value.code == "query-invalid"
    assert refused.value.details == {"sql": sql}


def test_more_rows_than_allowed_are_an_error_not_a_cut(connection: sqlite3.Connection) -> None:
    with pytest.raises(ConfigError, match="at most 4 rows, got more"):
        query(connection, "select id from events", None, is_late=lambda: False, max_rows=4)
    rows = query(connection, "select id from events", None, is_late=lambda: False, max_rows=5)
    assert len(rows) == 5


def test_a_query_ends_at_its_deadline_and_the_next_one_runs(connection: sqlite3.Connection) -> None:
    joins = ", ".join(f"events e{n}" for n in range(12))
    with pytest.raises(ConfigError, match="an answer before the deadline"):
        query(connection, f"select count(*) as n from {joins}", None, is_late=lambda: True)
    assert run(connection, "select 1 as a") == [{"a": 1}]
