"""The store's tables: SQLite in memory, the engine every read and query runs on.

Rows go in as JSON text and are taken apart by SQLite itself: one statement per batch, whatever its
size (100,000 events/s in Pyodide).
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final, Literal, NamedTuple

from ..types import Event, JsonValue

_SCHEMA: Final = """
create table events (
    id text primary key, ts real not null, type text not null, page_id text not null,
    click_id text, pv integer not null, props text not null
);
create index events_by_page on events (type, page_id, ts);
create index events_by_ts on events (ts);
create table keys (
    key text primary key, value text not null, updated_ms real not null, encrypted integer not null
) without rowid;
"""

_ADD: Final = """
insert or ignore into events
select value->>0, value->>1, value->>2, value->>3, value->>4, value->>5, value->6
from json_each(?) returning id
"""
_REPLAY: Final = _ADD.replace("(?) returning id", "(?, '$.events')")
_EVENT_ROWS: Final = """
select json_array(id, ts, type, page_id, click_id, pv, json(props)) from events order by ts
"""
_KEY_PUTS: Final = """
select json_array('put', key, json(value), updated_ms, encrypted) from keys
"""


class Replayed(NamedTuple):
    """What a segment held: newest event's time (-inf: none), number of events, key operations."""

    newest_ts: float
    events: int
    operations: Sequence[Sequence[JsonValue]]


class Tables:
    """Events by id and values by key; every method is one short synchronous step."""

    def __init__(self) -> None:
        self.connection = sqlite3.connect(":memory:", isolation_level=None)
        self.connection.executescript(_SCHEMA)

    def add_events(self, events: Sequence[Event]) -> tuple[list[Event], str]:
        """Insert what is new; an id that is known, or repeats in the batch, is a duplicate.

        Returns:
            The new events in order, and their rows as JSON text without the outer brackets.
        """
        text = _rows_text(events)
        new_ids = {row[0] for row in self.connection.execute(_ADD, (f"[{text}]",))}
        if len(new_ids) == len(events):
            return list(events), text
        new: list[Event] = []
        for event in events:
            if event.id in new_ids:
                new_ids.remove(event.id)
                new.append(event)
        return new, _rows_text(new)

    def replay(self, text: str) -> Replayed:
        """Apply a segment's text.

        Raises:
            sqlite3.Error, ValueError, TypeError: The text is no segment's; it may be half applied.
        """
        keys = self.connection.execute("select value from json_each(?, '$.keys')", (text,))
        operations = [json.loads(row[0]) for row in keys]
        self.connection.execute(_REPLAY, (text,))
        for operation in operations:
            self.apply(operation)
        newest, events = self.connection.execute(
            "select max(value->>1), count(*) from json_each(?, '$.events')", (text,)
        ).fetchone()
        return Replayed(float("-inf") if newest is None else float(newest), events, operations)

    def apply(self, operation: Sequence[JsonValue]) -> None:
        """Apply ``["put", key, value, updated_ms, sealed]`` or ``["delete", key]``."""
        if operation[0] == "delete":
            self.connection.execute("delete from keys where key = ?", (operation[1],))
        else:
            _, key, value, updated_ms, sealed = operation
            row = (key, json.dumps(value), updated_ms, bool(sealed))
            self.connection.execute("insert or replace into keys values (?, ?, ?, ?)", row)

    def get(self, key: str) -> tuple[JsonValue, bool] | None:
        """Return value and whether it is kept sealed; None for an unknown key."""
        found = self.connection.execute("select value, encrypted from keys where key = ?", (key,))
        row = found.fetchone()
        return None if row is None else (json.loads(row[0]), bool(row[1]))

    def forget_events(self, before_ts: float, max_rows: int) -> None:
        """Delete events older than ``before_ts`` and, oldest first, those beyond ``max_rows``."""
        self.connection.execute("delete from events where ts < ?", (before_ts,))
        surplus = self.count("events") - max_rows
        if surplus > 0:
            self.connection.execute(
                "delete from events where rowid in (select rowid from events order by ts limit ?)",
                (surplus,),
            )

    def forget_keys(self, is_expired: Callable[[str, float], bool]) -> None:
        """Delete every key for which ``is_expired(key, updated_ms)``."""
        rows = self.connection.execute("select key, updated_ms from keys").fetchall()
        expired = [(key,) for key, updated_ms in rows if is_expired(key, updated_ms)]
        self.connection.executemany("delete from keys where key = ?", expired)

    def oldest_ts(self) -> float:
        """Return the oldest event's time; inf without events."""
        oldest = self._one("select min(ts) from events")
        return float("inf") if oldest is None else float(oldest)

    def count(self, table: Literal["events", "keys"]) -> int:
        """Return the number of rows."""
        return int(self._one(f"select count(*) from {table}"))

    def event_rows(self) -> Iterator[str]:
        """Yield every event's row as JSON text, oldest first."""
        for row in self.connection.execute(_EVENT_ROWS):
            yield row[0]

    def key_puts(self) -> Iterator[str]:
        """Yield the put of every key as JSON text."""
        for row in self.connection.execute(_KEY_PUTS):
            yield row[0]

    def close(self) -> None:
        """Free the memory; no other method may follow."""
        self.connection.close()

    def _one(self, sql: str) -> Any:
        return self.connection.execute(sql).fetchone()[0]


def _rows_text(events: Sequence[Event]) -> str:
    rows = [[e.id, e.ts, e.type, e.page_id, e.click_id, e.pv, e.props] for e in events]
    return json.dumps(rows, default=dict, separators=(",", ":"))[1:-1]
