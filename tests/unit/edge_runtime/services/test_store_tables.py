"""Tables: what gets in, what an image keeps, and what is moved or deleted in which order."""

import json
import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import pytest
from edge_runtime.config import LIMITS
from edge_runtime.config_triggers import EventKey, key_of
from edge_runtime.errors import ConfigError
from edge_runtime.pure import segment
from edge_runtime.pure.events import check_row
from edge_runtime.pure.segment import ROUTES, Operations, Route
from edge_runtime.services import store_sql
from edge_runtime.services.store_tables import Tables
from edge_runtime.types import Event
from hypothesis import given, settings
from hypothesis import strategies as st

LARGE = 10_000


def row(name: str, ts: Any = 1_000, **props: Any) -> list[Any]:
    return [name, ts, "mta", "Home", "item", 0, props]


def batch(*rows: Any) -> str:
    return json.dumps(rows)


def nested(levels: int) -> dict[str, Any]:
    return {"in": nested(levels - 1)} if levels > 1 else {}


def stored(tables: Tables, route: Route = "sealed") -> list[tuple[Any, ...]]:
    sql = f"select rowid, {store_sql.EVENT_COLUMNS} from {route}.events order by rowid"
    return tables.connection.execute(sql).fetchall()


def names(tables: Tables, route: Route = "sealed") -> list[str]:
    return [each[1] for each in stored(tables, route)]


@pytest.fixture
def tables() -> Iterator[Tables]:
    made = Tables()
    yield made
    made.close()


def test_a_batch_is_kept_as_it_came_if_nothing_is_wrong_with_it(tables: Tables) -> None:
    text = batch(row("a", sku=7), row("b"))
    added = tables.add_batch(text)

    assert (added.text, added.new, added.errors) == (text, 2, [])
    assert stored(tables) == [
        (1, "a", 1_000.0, "mta", "Home", "item", 0, '{"sku":7}'),
        (2, "b", 1_000.0, "mta", "Home", "item", 0, "{}"),
    ]


def test_an_id_counts_once_within_a_batch_and_later(tables: Tables) -> None:
    assert tables.add_batch(batch(row("a"), row("a", ts=5), row("b"))).new == 2
    added = tables.add_batch(batch(row("b", ts=5), row("c")))

    assert (added.new, added.errors) == (1, [])
    assert [each[1:3] for each in stored(tables)] == [("a", 1_000), ("b", 1_000), ("c", 1_000)]


@pytest.mark.parametrize(
    "text",
    ["", "{}", "null", "5", '"text"', "[", "[" * 3_000 + "]" * 3_000, "\ufeff[]", "\ud800"]
    + [f"{batch(row('a'))}\0", f"{batch(row('a'))[:-1]},]", f"{batch(row('a'))} // more"],
    ids=lambda text: repr(text[:20]),
)
def test_what_is_no_array_adds_nothing_and_gives_one_error(tables: Tables, text: str) -> None:
    added = tables.add_batch(text)
    assert (added.text, added.new, len(added.errors)) == ("[]", 0, 1)
    assert stored(tables) == []


BAD = {
    "ts is text": row("bad", ts="5"),
    "ts is true": row("bad", ts=True),
    "ts is null": row("bad", ts=None),
    "ts is too late": row("bad", ts=8.64e15 + 2),
    "id is a number": [5, *row("bad")[1:]],
    "id is a list": [["bad"], *row("bad")[1:]],
    "id is too long": row("x" * 65),
    "type is true": [*row("bad")[:2], True, *row("bad")[3:]],
    "page is empty": [*row("bad")[:3], "", *row("bad")[4:]],
    "page holds NUL": [*row("bad")[:3], "a\0b", *row("bad")[4:]],
    "page is half a character": [*row("bad")[:3], "\ud800", *row("bad")[4:]],
    "a click on a view": [*row("bad")[:5], 1, {}],
    "pv is two": [*row("bad")[:5], 2, {}],
    "pv is null": [*row("bad")[:5], None, {}],
    "props is null": [*row("bad")[:6], None],
    "props is text": [*row("bad")[:6], "{}"],
    "props is a list": [*row("bad")[:6], [{}]],
    "props is too large": row("bad", text="x" * 16_400),
    "props is too deep": [*row("bad")[:6], nested(17)],
    "props is far too deep": [*row("bad")[:6], nested(400)],
    "props holds half a character": row("bad", text="\udfff"),
    "props holds infinity": row("bad", number=math.inf),
    "a field is missing": row("bad")[:6],
    "a field too many": [*row("bad"), None],
    "an object": {"id": "bad"},
    "a number": 5,
    "a text": "",
    "true": True,
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
def test_a_bad_row_is_left_out_with_an_error_and_the_others_stay(tables: Tables, bad: Any) -> None:
    deep = [*row("deep")[:6], nested(16)]
    for text in (batch(row("a"), bad, row("b")), batch(bad, deep)):
        added = tables.add_batch(text)
        assert [error.code for error in added.errors] == ["argument-invalid"]
    assert names(tables) == ["a", "b", "deep"]


@pytest.mark.parametrize("levels", [499, 1_001, 100_000])
@pytest.mark.parametrize("field", range(7))
def test_a_row_too_deep_for_a_parser_costs_its_own_batch_with_a_word(
    tables: Tables, field: int, levels: int
) -> None:
    bad = [json.dumps(value) for value in row("bad")]
    bad[field] = '{"in":' * levels + "0" + "}" * levels
    deep = f"[{json.dumps(row('a'))},[{','.join(bad)}]]"

    added = [tables.add_batch(text) for text in (deep, batch(row("b")))]

    assert [(each.new, len(each.errors)) for each in added] == [(0, 1), (1, 0)]
    assert "at most 500 levels" in added[0].errors[0].message
    assert names(tables) == ["b"]


def test_a_batch_that_a_start_could_not_read_again_is_refused_whole(tables: Tables) -> None:
    wide = f"[{batch(row('a'))[1:-1]}{' ' * LIMITS.batch_bytes}]"
    # Each number is four times as long as Python writes it; the escape has them written anew.
    numbers = f'{{"n":[{",".join(["1e15"] * 860)}]}}'
    grows = f'[["\\u0061",1,"mta","Home",null,1,{numbers}]'
    more = (f'["{number}",1,"mta","Home",null,1,{numbers}]' for number in range(2_200))
    grows += f",{','.join(more)}]"
    assert len(grows) < LIMITS.batch_bytes

    for text in (wide, grows):
        added = tables.add_batch(text)
        assert (added.text, added.new) == ("[]", 0)
        (error,) = added.errors
        assert "batch: expected at most 33554432 bytes, got more" in error.message
    assert names(tables) == []


def test_half_a_character_is_found_however_it_is_written(tables: Tables) -> None:
    text = batch(row("a")).replace("Home", "H\\uD83D")
    assert len(tables.add_batch(text).errors) == 1
    assert names(tables) == []


def test_a_row_whose_nesting_another_row_makes_up_for_is_found(tables: Tables) -> None:
    hiding = [5, [["a"], 1_000, "mta", "Home", None, 1, {}], row("b")]
    added = tables.add_batch(json.dumps(hiding))
    assert (added.new, len(added.errors), names(tables)) == (1, 2, ["b"])


def test_props_count_without_the_spaces_and_escapes_of_their_text(tables: Tables) -> None:
    text = batch(row("a", text="/" * 9_000)).replace("/", "\\/")
    added = tables.add_batch(text)
    assert (added.new, added.errors, names(tables)) == (1, [], ["a"])


def test_a_number_of_too_many_digits_harms_nobody(tables: Tables) -> None:
    tables.watch([("mta", "Home", "item")])
    text = batch(row("a", x=1)).replace('"x": 1', f'"x": {"1" * 5_000}')
    assert [event.props for event in tables.add_batch(text).matching] == [{"x": math.inf}]


odd = st.sampled_from(
    [None, True, False, 0, 1, 2, 1.0, -1, 8.64e15, 1e16, math.nan, math.inf, "", "0", "5", "text"]
    + [
        "\0",
        "\ud800",
        "页",
        "x" * 65,
        "x" * 257,
        [],
        ["a"],
        {},
        {"a": {}},
        {"a": [[]]},
        {"a": "\0"},
    ]
    + [{"a": "\ud800"}, {"a": math.inf}, {"a": "/\x1f\n页"}, nested(16), nested(17), "{}", '{"a"']
)
ids = st.sampled_from(["a", "b", "c", "d"])
good_rows = st.tuples(ids, st.integers(0, 9), st.just(""), st.just(""), ids).map(
    lambda each: row(each[0], ts=each[1], sku=each[4])
)


@st.composite
def odd_rows(draw: st.DrawFn) -> Any:
    made = draw(good_rows)
    made[draw(st.integers(0, 6))] = draw(odd)
    return made[: draw(st.sampled_from([6, 7, 7, 7]))] + draw(st.sampled_from([[], [], [None]]))


batches = st.lists(st.lists(good_rows | odd_rows() | odd, max_size=4), max_size=3)


def accepted(rows: list[Any]) -> list[list[Any]]:
    found = []
    for each in rows:
        try:
            found.append(json.loads(check_row(each)))
        except ConfigError:
            pass
    return found


@given(batches, st.booleans())
def test_exactly_the_rows_that_pass_every_check_get_in(rows: list[Any], is_ascii: bool) -> None:
    tables, model, log = Tables(), dict[str, list[Any]](), list[str]()
    for each in rows:
        added = tables.add_batch(json.dumps(each, ensure_ascii=is_ascii))
        passed, known = accepted(each), len(model)
        for good in passed:
            model.setdefault(good[0], good)
        assert len(added.errors) == len(each) - len(passed)
        assert added.new == len(model) - known
        log += [added.text] if added.new else []

    def content(of: Tables) -> list[list[Any]]:
        return [[*each[1:7], json.loads(each[7])] for each in stored(of)]

    assert content(tables) == list(model.values())
    replayed = Tables()
    for text in log:
        packed = segment.encode(Operations([text], []))
        replayed.replay("sealed", segment.decode(packed, max_bytes=10**6))
    assert stored(replayed) == stored(tables)


few = st.sampled_from(["a", "b"])
keys = st.lists(st.tuples(few, few, st.sampled_from(["", "a", "b"])), max_size=3)
views = st.tuples(ids, few, few, st.none(), st.sampled_from([0, 1]))
clicks = st.tuples(ids, few, few, few, st.just(0))


@settings(max_examples=50)
@given(keys, st.lists(st.lists(views | clicks, max_size=4), max_size=3))
def test_the_new_events_of_watched_keys_are_returned_at_once_and_later(
    watched: list[EventKey], rows: list[list[Any]]
) -> None:
    tables, seen = Tables(), dict[str, Event]()
    tables.watch([("a", "a", "a"), ("a", "a", "")])
    tables.watch(watched)
    for each in rows:
        news: dict[str, Event] = {}
        for name, kind, page, click, pv in each:
            if name not in seen:
                news.setdefault(name, Event(name, 5, kind, page, click, bool(pv)))
        seen |= news
        text = json.dumps([[name, 5, *rest, {}] for name, *rest in each])
        assert tables.add_batch(text).matching == [
            event for event in news.values() if key_of(event) in watched
        ]
    assert tables.latest(0, 100) == [e for e in seen.values() if key_of(e) in watched]


def test_the_latest_events_are_those_that_came_last_in_order_of_arrival(tables: Tables) -> None:
    tables.watch([("mta", "Home", "item")])
    tables.add_batch(batch(row("a", ts=9), row("old", ts=4), row("b", ts=5), row("c", ts=7)))

    assert [event.id for event in tables.latest(5, 9)] == ["a", "b", "c"]
    assert [event.id for event in tables.latest(5, 2)] == ["b", "c"]
    tables.watch([])
    assert tables.latest(5, 9) == []


def test_a_key_that_no_event_can_have_is_watched_in_vain(tables: Tables) -> None:
    tables.watch([("mta", "\ud800", "\0"), ("mta", "Home", "item"), ("mta", "Home", "item")])
    assert [event.id for event in tables.add_batch(batch(row("a"))).matching] == ["a"]


@pytest.mark.parametrize("spread", ["event", "page"])
def test_ten_thousand_watched_keys_are_looked_up_by_index(tables: Tables, spread: str) -> None:
    tables.watch(
        [
            ("mta", "Home", f"c{n}") if spread == "event" else ("mta", f"P{n}", "")
            for n in range(10_000)
        ]
    )
    for sql in (store_sql.MATCHING, store_sql.LATEST):
        params = (0,) * sql.count("?")
        plan = tables.connection.execute(
            f"explain query plan {sql.format(route='sealed')}", params
        ).fetchall()
        assert any("SEARCH w USING PRIMARY KEY (type=? AND page_id=? AND" in p[3] for p in plan)


def test_without_keys_nothing_matches(tables: Tables) -> None:
    tables.watch([])
    assert tables.add_batch(batch(row("a"))).matching == []


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters()) | st.just("\ud800"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=50)
@given(json_values, st.text(min_size=1), st.sampled_from(ROUTES), st.floats(0, 8e15))
def test_any_value_under_any_key_comes_back(
    value: Any, key: str, route: Route, updated_ms: float
) -> None:
    tables = Tables()
    operation = ["put", key, value, updated_ms, 2]
    tables.replay(route, json.dumps({"events": [], "keys": [operation]}))
    text = tables.get(key)
    assert text is not None and json.loads(text) == value
    assert tables.routes_of(key) == [route]
    assert [each[:2] for each in tables.key_rows(route, "", 9)] == [(key, updated_ms)]

    tables.apply(route, ["delete", key])
    assert (tables.get(key), tables.routes_of(key)) == (None, [])


def test_keys_are_read_in_pages_with_their_bytes_in_utf_8(tables: Tables) -> None:
    for key in ("c", "页", "a"):
        tables.apply("plain", ["put", key, "é", 5.0, 1])

    first = tables.key_rows("plain", "", 2)
    assert first == [("a", 5.0, 5, 1), ("c", 5.0, 5, 1)]
    assert tables.key_rows("plain", "c", 2) == [("页", 5.0, 7, 1)]
    assert tables.key_rows("sealed", "", 2) == []


def test_a_key_that_was_put_again_meanwhile_is_not_deleted(tables: Tables) -> None:
    tables.apply("sealed", ["put", "k", 1, 5.0, 0])
    assert tables.delete_key("k", "sealed", 4.0) == 0
    assert tables.delete_key("k", "plain", 5.0) == 0
    assert tables.delete_key("k", "sealed", 5.0) == 1
    assert tables.get("k") is None


def filled() -> Tables:
    tables = Tables()
    tables.add_batch(batch(*(row(f"e{n}", ts=n % 4, sku=n) for n in range(20))))
    tables.delete_oldest(3)
    tables.apply("sealed", ["put", "k", {"a": "页"}, 5.0, 1])
    return tables


def everything(tables: Tables, route: Route) -> list[Any]:
    indexed = f"select id, rowid from {route}.events indexed by events_by_page where type = 'mta'"
    found = [indexed, f"select * from {route}.sqlite_stat1", f"select * from {route}.keys"]
    return [stored(tables, route), *(tables.connection.execute(sql).fetchall() for sql in found)]


def test_an_image_keeps_rows_their_numbers_and_indexes() -> None:
    source, other = filled(), Tables()
    other.load("sealed", source.image("sealed"), is_proven=True)

    assert everything(other, "sealed") == everything(source, "sealed")
    assert other.rows("sealed") == 18
    assert other.add_batch(batch(row("e19"), row("new"))).new == 1
    assert stored(other)[-1][0] == stored(source)[-1][0] + 1
    assert other.rows("plain") == 0


def test_an_image_of_one_route_can_become_the_other_route() -> None:
    source, other = filled(), Tables("plain")
    other.load("plain", source.image("sealed"), is_proven=True)
    assert stored(other, "plain") == stored(source)


def with_another_table(image: bytes) -> bytes:
    return edited(image, "create table more (x)")


def with_a_trigger(image: bytes) -> bytes:
    sql = "create trigger t after insert on events begin delete from keys; end"
    return edited(image, sql)


def with_a_row_against_the_checks(image: bytes) -> bytes:
    return edited(image, "pragma ignore_check_constraints = 1; update events set ts = -5.0")


def edited(image: bytes, sql: str) -> bytes:
    with closing(sqlite3.connect(":memory:")) as connection:
        if image:
            connection.deserialize(image)
        connection.executescript(sql)
        return connection.serialize()


EMPTY = Tables().image("sealed")
FOREIGN = edited(b"", "create table events (id)")


@pytest.mark.parametrize(
    "damage",
    [
        lambda image: b"",
        lambda image: b"no image at all",
        lambda image: image[:4_096],
        lambda image: image[:-4_096],
        lambda image: image[:10_000],
        lambda image: b"X" + image[1:],
        lambda image: image[:4_096] + bytes(4_096) + image[8_192:],
        lambda image: image[:18] + b"\2\2" + image[20:],
        lambda image: FOREIGN,
        with_another_table,
        with_a_trigger,
        with_a_row_against_the_checks,
    ],
    ids="empty junk page cut torn magic hole wal foreign table trigger checks".split(),
)
def test_a_foreign_or_damaged_image_is_refused_and_leaves_empty_tables(
    damage: Callable[[bytes], bytes],
) -> None:
    tables = filled()
    image = damage(tables.image("sealed"))

    with pytest.raises((ValueError, sqlite3.Error)):
        tables.load("sealed", image, is_proven=False)

    assert (tables.rows("sealed"), tables.get("k")) == (0, None)
    assert tables.add_batch(batch(row("a"))).new == 1
    tables.apply("sealed", ["put", "k", 1, 5.0, 0])
    assert tables.get("k") == "1"


@pytest.mark.parametrize(
    "image",
    [b"", b"no image at all", FOREIGN, with_another_table(EMPTY)],
    ids=["empty", "junk", "foreign", "table"],
)
def test_a_proven_image_of_other_tables_is_refused_too(image: bytes) -> None:
    tables = filled()
    with pytest.raises((ValueError, sqlite3.Error)):
        tables.load("sealed", image, is_proven=True)
    assert tables.rows("sealed") == 0


@settings(max_examples=25)
@given(st.integers(0, 8_191), st.integers(1, 255))
def test_an_image_with_a_wrong_byte_is_loaded_or_leaves_empty_tables(
    offset: int, mask: int
) -> None:
    tables = filled()
    image = bytearray(tables.image("sealed"))
    image[offset] ^= mask
    try:
        tables.load("sealed", bytes(image), is_proven=False)
    except (ValueError, sqlite3.Error):
        assert tables.rows("sealed") == 0
        assert tables.add_batch(batch(row("a"))).new == 1


def test_what_is_cleared_is_gone_from_one_route_only() -> None:
    tables = filled()
    tables.apply("plain", ["put", "p", 1, 5.0, 2])
    tables.clear("sealed")
    assert [tables.rows(route) for route in ROUTES] == [0, 1]
    assert tables.add_batch(batch(row("a"))).new == 1


def test_events_are_moved_in_order_behind_what_is_there() -> None:
    tables = Tables("plain")
    text = batch(*(row(f"e{n}", ts=9 - n) for n in range(4)))
    tables.replay("sealed", f'{{"events":{text},"keys":[]}}')
    tables.add_batch(batch(row("first"), row("e2", ts=77)))

    assert tables.move_events("sealed", "plain") == 4
    assert names(tables, "plain") == ["first", "e2", "e0", "e1", "e3"]
    assert stored(tables, "plain")[1][2] == 77
    assert tables.count("sealed", "events") == 0


@pytest.mark.parametrize(
    ("limit", "before_ts", "left"),
    [
        (0, None, "d b a c e"),
        (1, None, "b a c e"),
        (3, None, "c e"),
        (9, None, ""),
        (9, 5, "d a c e"),
        (9, 5.1, "d e"),
        (1, 5.1, "d a c e"),
        (9, 1, "d b a c e"),
    ],
)
def test_what_came_first_is_deleted_first_and_what_is_too_old_by_its_time(
    tables: Tables, limit: int, before_ts: float | None, left: str
) -> None:
    times = {"d": 8, "b": 1, "a": 5, "c": 5, "e": 8}
    tables.add_batch(batch(*(row(name, ts=ts, text="页") for name, ts in times.items())))
    (row_bytes,) = set(tables.oldest_sizes(LARGE))

    deleted, size_bytes = tables.delete_oldest(limit, before_ts)

    assert names(tables) == left.split()
    assert (deleted, size_bytes) == (5 - len(left.split()), (5 - len(left.split())) * row_bytes)


def test_the_bytes_of_events_are_those_of_their_texts_in_utf_8(tables: Tables) -> None:
    tables.add_batch(batch(row("a", text="页"), ["bb", 5, "mta", "Home", None, 1, {}]))

    sizes = [len("bbmtaHome{}"), len("amtaHomeitem" + '{"text":"页"}'.encode().decode("latin-1"))]
    assert tables.oldest_sizes(LARGE) == sizes[::-1]
    assert tables.oldest_sizes(1) == sizes[1:]


@pytest.mark.parametrize("rows", [1, 4, 7, 100])
def test_all_bytes_are_the_sum_of_their_parts(rows: int) -> None:
    tables = filled()
    parts = list(tables.event_bytes_in_parts(rows))
    assert sum(parts) == sum(tables.oldest_sizes(LARGE))
    span = 1 + tables.last_rowid() - stored(tables)[0][0]
    assert len(parts) == math.ceil(span / rows)
    assert list(Tables().event_bytes_in_parts(rows)) == []


@pytest.mark.parametrize(
    ("props", "is_looked_at"),
    [
        ({"cart": [{"sku": 1}, {"sku": 2}]}, False),
        ({"text": "[[[]]]"}, False),
        ({"many": [[]] * 20}, True),
    ],
)
def test_shallow_nesting_needs_no_look_at_each_row(
    props: dict[str, Any], is_looked_at: bool
) -> None:
    tables, text = Tables(), batch(row("a", **props))
    assert tables._is_fine(text, 1) is not is_looked_at

    assert (tables.add_batch(text).new, tables.add_batch("[]").errors) == (1, [])
    (kept,) = tables.connection.execute("select props from events").fetchone()
    assert json.loads(kept) == props


def test_a_list_in_the_place_of_a_text_is_refused_however_the_props_nest() -> None:
    rows = row("b", x=[1]), [["a"], *row("a", x=[1])[1:]]

    added = Tables().add_batch(batch(*rows))

    assert (added.new, len(added.errors)) == (1, 1)
