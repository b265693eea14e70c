"""Queries of tasks: what may be read, by which index, what is refused, and when they end."""

import json
from collections.abc import Iterator, Mapping
from contextlib import closing
from typing import Any

import pytest
from edge_runtime.config import LIMITS
from edge_runtime.errors import ConfigError
from edge_runtime.services.store_query import ReadOnlyQueries
from edge_runtime.services.store_tables import Tables
from hypothesis import given
from hypothesis import strategies as st


def row(number: int, *, click_id: str | None = None) -> list[Any]:
    return [f"e{number}", number, "mta", "Home", click_id, int(click_id is None), {"sku": number}]


def filled() -> Tables:
    tables = Tables()
    tables.add_batch(json.dumps([row(number) for number in range(5)]))
    tables.apply("sealed", ["put", "profile", {"size": 43}, 5.0, 1])
    tables.apply("plain", ["put", "ui.theme", "dark", 6.0, 2])
    return tables


@pytest.fixture
def tables() -> Iterator[Tables]:
    made = filled()
    yield made
    made.close()


class Task:
    """Somebody who queries, beside a store that goes on working."""

    def __init__(self, tables: Tables) -> None:
        self.tables = tables
        self.queries = ReadOnlyQueries(tables.connection)

    def run(
        self,
        sql: str,
        params: Mapping[str, Any] | None = None,
        *,
        is_late: bool = False,
        **more: Any,
    ) -> list[dict[str, Any]]:
        return self.queries.run(sql, params, is_late=lambda: is_late, **more)

    def refusal(self, sql: str, params: Any = None, **more: Any) -> ConfigError:
        with pytest.raises(ConfigError) as refused:
            self.run(sql, params, **more)
        assert refused.value.code == "query-invalid"
        return refused.value


@pytest.fixture
def task(tables: Tables) -> Task:
    return Task(tables)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select count(*) as n from events", [{"n": 5}]),
        ("select props->>'sku' as sku from events where ts = :ts", [{"sku": 3}]),
        ("select value->>'size' as size from keys where key = 'profile'", [{"size": 43}]),
        ("select key, encrypted from keys order by key desc", [
            {"key": "ui.theme", "encrypted": 0}, {"key": "profile", "encrypted": 1},
        ]),
        ("with r as (select 1 as x) select count(*) as n from r", [{"n": 1}]),
        ("with r as (select id from events) select count(*) as n from r", [{"n": 5}]),
        ("select count(*) as n from (select id from events where ts > :ts)", [{"n": 1}]),
        ("select j.key as k from events e, json_each(e.props) j limit 1", [{"k": "sku"}]),
        ("select type, max(ts) as last from events group by type", [{"type": "mta", "last": 4.0}]),
        ("select rowid from events where id = 'e1'", [{"rowid": 2}]),
        ("select 1 as a; -- and a word about it", [{"a": 1}]),
        ("select :a as a", [{"a": None}]),
        ("select 1 where 1 = 0", []),
    ],
)  # fmt: skip
def test_selects_over_events_and_keys_give_rows_as_dicts(
    task: Task, sql: str, rows: list[dict[str, object]]
) -> None:
    assert task.run(sql, {"ts": 3, "a": None}) == rows


def test_the_columns_are_those_of_the_documentation(task: Task) -> None:
    assert list(task.run("select * from events limit 1")[0]) == (
        "rowid id ts type page_id click_id pv props".split()
    )
    assert list(task.run("select * from keys limit 1")[0]) == (
        "key value updated_ms encrypted".split()
    )


@pytest.mark.parametrize("value", [None, True, 5, 2.5, "页", b"\0"])
def test_plain_values_can_be_given(task: Task, value: object) -> None:
    assert task.run("select :value as value", {"value": value, "unused": 1}) == [{"value": value}]


@pytest.mark.parametrize(
    "sql",
    [
        "delete from events",
        "delete from sealed.events",
        "delete from watched",
        "insert into keys values ('a', '1', 0, 0)",
        "insert into plain.keys values ('a', '1', 0, 0)",
        "update keys set value = '1'",
        "replace into sealed.keys values ('a', '1', 0, 0)",
        "delete from sealed.keys returning key",
        "drop table sealed.events",
        "drop view events",
        "create table t (x)",
        "create temp table t (x)",
        "create temp view t as select 1",
        "create temp trigger t after insert on watched begin select 1; end",
        "alter table sealed.events rename to mine",
        "analyze",
        "reindex",
        "pragma user_version",
        "pragma writable_schema = 1",
        "select * from pragma_table_info('events')",
        "select count(*) from pragma_database_list",
        "select * from sqlite_master",
        "select count(*) from sqlite_schema",
        "select count(*) from sealed.sqlite_schema",
        "select * from temp.sqlite_schema",
        "select count(*) from sealed.sqlite_stat1",
        "select * from watched",
        "select count(*) from watched",
        "select (select type from watched) as x",
        "with w as (select * from watched) select * from w",
        "with events as (select * from watched) select * from events",
        "with w as (select count(*) as n from watched) select n from w",
        "select count(*) as n from events where exists (select 1 from watched)",
        "attach ':memory:' as other",
        "detach sealed",
        "vacuum",
        "vacuum into '/tmp/stolen'",
        "begin",
        "savepoint s",
        "rollback",
        "select load_extension('x')",
        "with recursive r(n) as (select 1 union all select n + 1 from r) select n from r",
    ],
)
def test_everything_else_is_refused_and_changes_nothing(task: Task, sql: str) -> None:
    before = list(task.tables.connection.iterdump())

    assert "expected a read of the views events and keys" in task.refusal(sql).message

    assert list(task.tables.connection.iterdump()) == before
    assert task.run("select count(*) as n from events") == [{"n": 5}]


@pytest.mark.parametrize(
    "prepared", ["delete from plain.events", "delete from watched", "select count(*) from watched"]
)
def test_a_statement_that_the_store_has_prepared_is_refused_all_the_same(prepared: str) -> None:
    task = Task(Tables("plain"))
    task.tables.watch([])
    task.tables.move_events("plain", "sealed")
    task.tables.connection.execute(prepared)
    task.tables.add_batch(json.dumps([row(1)]))

    assert "expected a read of the views events and keys" in task.refusal(prepared).message
    assert task.tables.count("plain", "events") == 1


@pytest.mark.parametrize(
    "sql",
    [
        "select asked from plain.keys",
        "select count(*) as n from sealed.events",
        "select id from SEALED.events",
        'select asked from "plain".keys',
        "select asked from [plain].[keys]",
        "select asked from `Plain`.`keys`",
        "select asked from 'plain'.'keys'",
        "select asked from plain . keys",
        "select asked from plain\n\f\t.\nkeys",
        "select asked from plain \ufeff.keys",
        "select asked from plain/* */.keys",
        "select asked from plain -- keys\n -- keys\n.keys",
        "select asked from/**/plain.keys",
        "select asked from(plain.keys)",
        "select e.id, k.asked from events e,plain.keys k",
        "select '/*', asked from plain.keys where key <> '*/'",
        "select '--', asked from plain.keys",
        'select "--", asked from (select 1 as "--"), plain.keys',
        "select $a('), asked from plain.keys where key <> $b(')",
        "select 1 as a where exists (select 1 from plain.keys)",
        "select key from events, keys where (select count(*) from plain.keys) > 0",
        "with keys as (select asked from plain.keys) select * from keys",
        "with events as (select * from sealed.events) select count(*) as n from events",
        "select * from (select key, asked from plain.keys) as keys",
        "select id from events union all select asked from plain.keys",
        "select plain.keys.asked from plain.keys",
        "explain query plan select asked from plain.keys",
    ],
)
def test_the_tables_behind_the_views_cannot_be_named(task: Task, sql: str) -> None:
    params = {"a(')": 1, "b(')": 1}
    # What SQLite itself takes, so that each is refused for what it reads.
    task.tables.connection.execute(sql, params).close()

    error = task.refusal(sql, params)

    assert "expected a read of the views events and keys, got" in error.message
    assert "Leave the database's name out" in error.message


gaps = st.lists(
    st.sampled_from([" ", "\t", "\n", "\f", "\r", "\ufeff", "/**/", "/* . */", "--\n", "-- x\n"])
).map("".join)
quotes = st.sampled_from(["{}", '"{}"', "[{}]", "`{}`", "'{}'"])
before = st.sampled_from(["", "'/*',", "'--',", "$a('),", '"""[",', "?1,", "1,", "x'00',"])


@given(
    st.sampled_from(["plain.keys", "sealed.keys", "plain.events", "sealed.events"]),
    st.tuples(gaps, gaps, gaps),
    st.tuples(quotes, quotes),
    st.sampled_from([str.lower, str.upper, str.title]),
    before,
)
def test_however_a_table_behind_the_views_is_written_it_is_refused(
    name: str, around: tuple[str, str, str], quoted: tuple[str, str], case: Any, first: str
) -> None:
    schema, table = map(str.format, quoted, map(case, name.split(".")))
    sql = f"select {first} 1 from {around[0]}{schema}{around[1]}.{around[2]}{table}"
    with closing(Tables()) as tables:
        assert "views events and keys" in Task(tables).refusal(sql).message


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        ("select props->>'$.plain.x' as x from events limit 1", [{"x": None}]),
        ("select 'plain' as plain from keys where key = 'profile'", [{"plain": "plain"}]),
        ("select explain.key from keys as explain limit 0", []),
        ("select e.sealed from (select pv as sealed from events) as e limit 1", [{"sealed": 1}]),
        ("select count(*) as n from temp.events", [{"n": 5}]),
        ("select :text as text", [{"text": "plain.keys"}]),
    ],
)
def test_words_that_only_look_like_those_tables_may_be_used(
    task: Task, sql: str, rows: list[dict[str, object]]
) -> None:
    assert task.run(sql, {"text": "plain.keys"}) == rows


def test_an_error_that_is_kept_leaves_nothing_open(task: Task) -> None:
    kept = task.refusal("select * from events", max_rows=1)
    task.tables.connection.execute("detach sealed")  # Refused while a statement is open.
    assert kept.__cause__ is None


def test_the_store_goes_on_writing_after_a_query_whatever_became_of_it(task: Task) -> None:
    for sql in ("select * from events", "delete from events", "sel", "select 1 as a, 2 as a"):
        try:
            task.run(sql)
        except ConfigError:
            pass
        task.tables.apply("plain", ["put", "last", sql, 5.0, 0])
        assert task.tables.get("last") == json.dumps(sql)
    assert task.tables.add_batch(json.dumps([row(77)])).new == 1
    assert task.run("select count(*) as n from events") == [{"n": 6}]


@pytest.mark.parametrize(
    ("sql", "params", "message"),
    [
        ("sel", None, 'near "sel": syntax error'),
        ("", None, "expected one select statement, got ''"),
        ("-- nothing", None, "expected one select statement"),
        ("select * from nope", None, "no such table: nope"),
        ("select nope from events", None, "no such column: nope. Tables: events(rowid, id, ts,"),
        ("select 1 as a; select 2 as b", None, "one statement at a time"),
        ("select :a as a", None, "binding"),
        ("select :a as a", {"a": [1]}, "expected None, bool, int, float, str or bytes for :a"),
        ("select :a as a", {"a": 2**70}, "too large"),
        ("select :a as a", {"a": "\ud800"}, "surrogates not allowed"),
        ("select id, id from events", None, "id twice"),
        ("select '\ud800' as a", None, "surrogates not allowed"),
        ("select 'a\0b' as a", None, "null character"),
        ("select cast(x'ff' as text) as a", None, "decode"),
        ("select props->'$[' as a from events", None, "JSON path"),
    ],
)
def test_a_mistake_is_named(task: Task, sql: str, params: object, message: str) -> None:
    error = task.refusal(sql, params)
    assert message in error.message
    assert error.details == {"sql": sql}


@pytest.mark.parametrize("table", ["json_each", "json_tree"])
def test_json_is_taken_apart_also_before_the_first_event(table: str) -> None:
    assert Task(Tables()).run(f"select atom from {table}('[7]') where atom") == [{"atom": 7}]


def test_a_long_statement_is_shown_in_part(task: Task) -> None:
    assert len(task.refusal("x" * 5_000).details["sql"]) == 1_000


def test_more_rows_than_allowed_are_an_error_not_a_cut(task: Task) -> None:
    assert "at most 4 rows, got more" in task.refusal("select id from events", max_rows=4).message
    assert len(task.run("select id from events", max_rows=5)) == 5


@pytest.mark.parametrize(
    "sql",
    [
        "select zeroblob(100000000) as a",
        "select length(zeroblob(1000000000)) as a",
        "select replace(hex(zeroblob(9000000)), '0', 'xxxxxxxx') as a",
        "select :text || :text as a",
        "select group_concat(:text) as a from events",
        "select :text as a from events",
        "select :text as a, :text as b",
        "select cast(:text as blob) as a from events",
    ],
)
def test_more_bytes_than_allowed_are_an_error_that_says_what_to_do(task: Task, sql: str) -> None:
    params = {"text": "x" * (LIMITS.query_bytes // 2 + 1)}
    message = task.refusal(sql, params).message
    assert "expected at most 16777216 bytes of values, got more. Narrow the select" in message
    task.tables.connection.execute("select zeroblob(100000000)").close()


def test_bytes_are_counted_as_they_are_written(task: Task) -> None:
    rows = [{"a": "x" * 4, "b": "页" * 4, "c": b"x" * 4, "d": 1, "e": 2.5, "f": None}]
    sql = "select :a as a, :b as b, :c as c, :d as d, :e as e, :f as f"
    assert task.run(sql, rows[0], max_bytes=20) == rows
    assert "at most 19 bytes" in task.refusal(sql, rows[0], max_bytes=19).message


def test_a_query_ends_at_its_deadline_and_the_next_one_runs(task: Task) -> None:
    joins = ", ".join(f"events e{n}" for n in range(12))
    error = task.refusal(f"select count(*) as n from {joins}", is_late=True)
    assert "an answer before the deadline" in error.message
    assert task.run("select 1 as a", is_late=True) == [{"a": 1}]


def test_what_was_forgotten_and_loaded_again_is_found_by_the_same_query(task: Task) -> None:
    sql = "select count(*) as n from events"
    image = task.tables.image("sealed")
    counts = [task.run(sql)]
    task.tables.clear("sealed")
    counts.append(task.run(sql))
    task.tables.load("sealed", image, is_proven=True)
    counts.append(task.run(sql))
    assert counts == [[{"n": 5}], [{"n": 0}], [{"n": 5}]]


COUNT = "select count(*) as n from events where type = 'mta' and page_id = :page and ts > :since"
LATEST = """
select props->>'sku' as sku from events where type = 'mta' and click_id = 'item'
order by ts desc limit 20
"""
LAST_VIEW = "select max(ts) as ts from events where type = 'mta' and page_id = :page"
WINDOW = "select id from events where ts between :since and :now"
WINDOW_IN_ORDER = WINDOW + " order by ts"
BY_PAGE = "select id from events where type = 'mta' and page_id = :page order by ts desc limit 5"
BY_ID = "select ts from events where id = :page"


def loaded() -> Tables:
    tables = Tables()
    tables.load("sealed", filled().image("sealed"), is_proven=True)
    return tables


@pytest.mark.parametrize("make", [Tables, filled, loaded], ids=["empty", "filled", "loaded"])
@pytest.mark.parametrize(
    ("sql", "plan"),
    [
        (COUNT, "USING COVERING INDEX events_by_page (type=? AND page_id=? AND ts>?)"),
        (LATEST, "events USING INDEX events_by_ts"),
        (LAST_VIEW, "USING COVERING INDEX events_by_page (type=? AND page_id=?)"),
        (WINDOW, "USING INDEX events_by_ts (ts>? AND ts<?)"),
        (WINDOW_IN_ORDER, "USING INDEX events_by_ts (ts>? AND ts<?)"),
        (BY_PAGE, "USING INDEX events_by_page (type=? AND page_id=?)"),
        (BY_ID, "USING INDEX events_by_id (id=?)"),
    ],
    ids="count latest last-view window ordered-window by-page by-id".split(),
)
def test_the_queries_of_features_walk_an_index_and_sort_nothing(
    make: Any, sql: str, plan: str
) -> None:
    params = {"page": "Home", "since": 1, "now": 3}
    (step,) = Task(make()).run(f"explain query plan {sql}", params)
    assert step["detail"].endswith(plan)


@pytest.mark.parametrize(
    ("sql", "rows"),
    [
        (COUNT, [{"n": 3}]),
        (LATEST, [{"sku": 9}, {"sku": 7}]),
        (LAST_VIEW, [{"ts": 9.0}]),
        (WINDOW_IN_ORDER, [{"id": "e1"}, {"id": "e2"}, {"id": "e3"}]),
    ],
    ids="count latest last-view window".split(),
)
def test_the_queries_of_features_give_what_they_say(
    sql: str, rows: list[dict[str, object]]
) -> None:
    task = Task(Tables())
    task.tables.add_batch(json.dumps([row(7, click_id="item"), row(2), row(9, click_id="item")]))
    task.tables.add_batch(json.dumps([row(3, click_id="other"), row(1)]))
    assert task.run(sql, {"page": "Home", "since": 1 if sql != COUNT else 2, "now": 3}) == rows
