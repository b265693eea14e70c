"""The store's tables, views and indexes: one set of tables per route, views over both for tasks.

``events`` and ``keys`` are what tasks may read (docs/reference.md, Tables); all else is ours.
"""

import sqlite3
from typing import Final

from ..config import LIMITS
from ..pure.events import PROPS_LEVELS
from ..pure.segment import ROUTES, Route

EVENT_COLUMNS: Final = "id, ts, type, page_id, click_id, pv, props"

# `->` where `->>` would make a number of a text or a boolean; an eighth field is none of ours.
ADD: Final = """
insert or ignore into {route}.events
select value->>0, value->1, value->>2, value->>3, value->>4, value->>5, value->6
from json_each(?{path}) where type = 'array' and value->7 is null
"""
# Later versions of SQLite also read JSON5, which a segment cannot be made of.
ROWS: Final = """
select case when json_valid(?1) and json_type(?1) = 'array' then json_array_length(?1) end
"""
# One statement: ten thousand would be ten thousand transactions.
WATCH: Final = """
insert or ignore into watched select value->>0, value->>1, value->>2 from json_each(?)
"""
_IS_WATCHED: Final = """exists (
    select 1 from watched as w where w.type = e.type and w.page_id = e.page_id
    and w.click_id = case when e.pv then '' else e.click_id end
)"""
MATCHING: Final = f"""
select {EVENT_COLUMNS} from {{route}}.events as e
where rowid > ? and {_IS_WATCHED} order by rowid
"""
LATEST: Final = f"""
select {EVENT_COLUMNS} from (
    select rowid as number, * from {{route}}.events as e
    where ts >= ? and {_IS_WATCHED} order by rowid desc limit ?
) order by number
"""
SIZE: Final = " + ".join(
    f"coalesce(length(cast({column} as blob)), 0)"
    for column in ("id", "type", "page_id", "click_id", "props")
)

# A row that breaks a check is left out by `insert or ignore`: nothing malformed gets in, whether
# from a page or from a segment. Columns without a type keep a number apart from a text of digits.
_TABLES: Final = """
create table {route}.events (
    id not null check (typeof(id) = 'text' and length(id) between 1 and 64),
    ts real not null check (typeof(ts) = 'real' and ts between 0 and 8.64e15),
    type not null check (typeof(type) = 'text' and length(type) between 1 and {text_chars}),
    page_id not null
        check (typeof(page_id) = 'text' and length(page_id) between 1 and {text_chars}),
    click_id check (click_id is null
        or (typeof(click_id) = 'text' and length(click_id) between 1 and {text_chars} and pv = 0)),
    pv not null check (pv in (0, 1)),
    props not null check (typeof(props) = 'text' and substr(props, 1, 1) = '{{'
        and length(cast(props as blob)) <= {props_bytes})
);
create unique index {route}.events_by_id on events (id);
create index {route}.events_by_page on events (type, page_id, ts);
create index {route}.events_by_ts on events (ts);
create table {route}.keys (
    key text primary key, value text not null, updated_ms real not null, asked integer not null
) without rowid;
"""
_BRACKETS: Final = "length({0}) - length(replace(replace({0}, '[', ''), '{{', ''))"
# Whether some row may nest where it must not: props with so few brackets cannot nest too deep, and
# a row with no other brackets than its own and theirs has no list or object for a text.
MAYBE_DEEP: Final = f"""
select exists (
    select 1 from (
        select {_BRACKETS.format("value")} as whole,
            case type when 'array' then {_BRACKETS.format("value->6")} end as props
        from json_each(?)
    ) where props is null or props > {PROPS_LEVELS} or whole <> props + 1
)
"""
# What the planner should know: one type, few pages, many times. It then walks events_by_ts for
# "the latest of a type" and events_by_page for "of a page, in a window".
_PLANNER: Final = """
analyze {route};
delete from {route}.sqlite_stat1;
insert into {route}.sqlite_stat1 values
    ('events', 'events_by_id', '100000 1'),
    ('events', 'events_by_page', '100000 100000 5000 1'),
    ('events', 'events_by_ts', '100000 1'),
    ('keys', 'keys', '1000 1');
analyze {route}.sqlite_schema;
"""
_VIEWS: Final = """
create temp view events as select rowid as rowid, {columns} from {events}.events;
create temp view keys as
    select key, value, updated_ms, 1 as encrypted from sealed.keys
    union all select key, value, updated_ms, 0 from plain.keys;
create temp table watched (
    type text, page_id text, click_id text, primary key (type, page_id, click_id)
) without rowid;
"""


def connect(events: Route) -> sqlite3.Connection:
    """Return a database in memory with every table and view; ``events`` is where events belong."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for route in ROUTES:
        connection.execute(f"attach ':memory:' as {route}")
        create_tables(connection, route)
    connection.executescript(_VIEWS.format(columns=EVENT_COLUMNS, events=events))
    return connection


def create_tables(connection: sqlite3.Connection, route: Route) -> None:
    """Make the empty tables of one route."""
    tables = _TABLES.format(
        route=route, text_chars=LIMITS.event_text_chars, props_bytes=LIMITS.event_props_bytes
    )
    connection.executescript(tables + _PLANNER.format(route=route))


def definitions(connection: sqlite3.Connection, route: Route) -> list[tuple[str, str, str | None]]:
    """Return what the route's tables and indexes are; equal for every image of this version."""
    sql = f"select type, name, sql from {route}.sqlite_schema order by name"
    return connection.execute(sql).fetchall()
