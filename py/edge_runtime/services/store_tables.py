"""The store's tables: SQLite in memory, the engine every read and query runs on.

Rows go in as JSON text and are taken apart by SQLite itself, one statement per batch. Each route
has a database of its own, so that its image can be kept apart from the other's.
"""

import json
import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any, Literal, NamedTuple

from ..config_triggers import EventKey
from ..errors import ConfigError
from ..pure.events import check_batch, event_of, has_escapes, is_flat, is_too_large
from ..pure.key_operations import value_text
from ..pure.segment import ROUTES, Route
from ..types import Event, JsonValue
from . import store_sql
from .store_sql import EVENT_COLUMNS


class Added(NamedTuple):
    """What became of a batch.

    Attributes:
        text: JSON array of its rows, known ones included, as the log keeps it.
        new: How many rows were new.
        matching: The new events of watched keys, in order.
        errors: One for each row that was refused.
    """

    text: str
    new: int
    matching: list[Event]
    errors: list[ConfigError]


class Tables:
    """Events by id and values by key; every method is one short synchronous step."""

    def __init__(self, events_route: Route = "sealed") -> None:
        self.events_route: Route = events_route
        self.connection = store_sql.connect(events_route)
        self._definitions = store_sql.definitions(self.connection, events_route)
        self._empty_image = self.image(events_route)
        self._watches = False

    def watch(self, keys: Collection[EventKey]) -> None:
        """Have :meth:`add_batch` return events of these keys."""
        self.connection.execute("delete from watched")
        self.connection.execute(store_sql.WATCH, (json.dumps(sorted(keys)),))
        self._watches = bool(keys)

    def latest(self, since_ms: float, limit: int) -> list[Event]:
        """Return the watched events since then, those that came last, in order of arrival."""
        sql = store_sql.LATEST.format(route=self.events_route)
        return [event_of(row) for row in self.connection.execute(sql, (since_ms, limit))]

    def add_batch(self, batch_json: str) -> Added:
        """Insert what is new; a row whose id is known, or repeats in the batch, is a duplicate."""
        before = self.last_rowid()
        rows = self._rows_of(batch_json)
        if rows is not None and self._is_fine(batch_json, rows):
            count = self._insert(batch_json)
            if count == rows:
                return Added(batch_json, count, self._matching(before), [])
            # Known ids, or rows that a check of the table refused: again, with a look at each.
            self._delete_behind(before)
        text, _, errors = check_batch(batch_json)
        count = self._insert(text)
        return Added(text, count, self._matching(before), errors)

    def replay(self, route: Route, text: str) -> None:
        """Apply a segment's text.

        Raises:
            sqlite3.Error, ValueError, TypeError, LookupError: The text is no segment's.
        """
        keys = self.connection.execute("select value from json_each(?, '$.keys')", (text,))
        operations = [json.loads(row[0]) for row in keys]
        self.connection.execute(store_sql.ADD.format(route=route, path=", '$.events'"), (text,))
        for operation in operations:
            self.apply(route, operation)

    def apply(self, route: Route, operation: Sequence[JsonValue]) -> None:
        """Apply ``["put", key, value, updated_ms, asked]`` or ``["delete", key]``."""
        if operation[0] == "delete":
            self.connection.execute(f"delete from {route}.keys where key = ?", (operation[1],))
            return
        _, key, value, updated_ms, said = operation
        row = (key, value_text(value), updated_ms, int(said))
        self.connection.execute(f"insert or replace into {route}.keys values (?, ?, ?, ?)", row)

    def get(self, key: str) -> str | None:
        """Return the JSON text of a value; None for an unknown key."""
        found = [self._value(route, key) for route in ROUTES]
        return next((text for text in found if text is not None), None)

    def routes_of(self, key: str) -> list[Route]:
        """Return the routes that hold ``key``."""
        return [route for route in ROUTES if self._value(route, key) is not None]

    def key_rows(self, route: Route, after: str, limit: int) -> list[tuple[str, float, int, int]]:
        """Return up to ``limit`` keys > ``after``: key, updated_ms, bytes, asked."""
        sql = f"""
            select key, updated_ms, length(cast(key as blob)) + length(cast(value as blob)), asked
            from {route}.keys where key > ? order by key limit ?
        """
        return self.connection.execute(sql, (after, limit)).fetchall()

    def delete_key(self, key: str, route: Route, updated_ms: float) -> int:
        """Delete ``key`` if it was last put then; return how many rows that were."""
        sql = f"delete from {route}.keys where key = ? and updated_ms = ?"
        return self.connection.execute(sql, (key, updated_ms)).rowcount

    def move_events(self, source: Route, target: Route) -> int:
        """Move every event to another route's table, in order; return how many there were."""
        count = self.count(source, "events")
        self.connection.execute(
            f"insert or ignore into {target}.events ({EVENT_COLUMNS}) "
            f"select {EVENT_COLUMNS} from {source}.events order by rowid"
        )
        self.connection.execute(f"delete from {source}.events")
        return count

    def delete_oldest(self, limit: int, before_ts: float | None = None) -> tuple[int, int]:
        """Delete up to ``limit`` events; return how many, and their bytes.

        Those older than ``before_ts``; without one those that came first, whatever their time: on
        a clock that was set back the latest would be the oldest.
        """
        which = "order by rowid" if before_ts is None else "where ts < :before_ts order by ts"
        table = f"{self.events_route}.events"
        rowids = f"select rowid from {table} {which} limit :limit"
        params = {"limit": limit, **({} if before_ts is None else {"before_ts": before_ts})}
        size_bytes = self._bytes(f"rowid in ({rowids})", params)
        deleted = self.connection.execute(
            f"delete from {table} where rowid in ({rowids})", params
        ).rowcount
        return deleted, size_bytes

    def oldest_sizes(self, limit: int) -> list[int]:
        """Return the bytes of the events that came first."""
        sql = f"""
            select {store_sql.SIZE} from {self.events_route}.events order by rowid limit ?
        """
        return [row[0] for row in self.connection.execute(sql, (limit,))]

    def event_bytes_in_parts(self, rows: int) -> Iterator[int]:
        """Yield the bytes of all events' texts, so many rows at once."""
        last = self.last_rowid()
        first = self._one(f"select min(rowid) from {self.events_route}.events") or 1
        for start in range(first, last + 1, rows):
            yield self._bytes(
                "rowid between :start and :end", {"start": start, "end": start + rows - 1}
            )

    def latest_put_ms(self) -> float:
        """Return the latest time of a put; 0 without one."""
        latest = (self._one(f"select max(updated_ms) from {route}.keys") for route in ROUTES)
        return max(each or 0.0 for each in latest)

    def count(self, route: Route, table: Literal["events", "keys"]) -> int:
        """Return the number of rows."""
        return int(self._one(f"select count(*) from {route}.{table}"))

    def last_rowid(self) -> int:
        """Return the number of the latest event, which grows with each."""
        return self._one(f"select max(rowid) from {self.events_route}.events") or 0

    def rows(self, route: Route) -> int:
        """Return the number of events and keys of a route."""
        return self.count(route, "events") + self.count(route, "keys")

    def image(self, route: Route) -> bytes:
        """Return a route's tables as a SQLite image."""
        return self.connection.serialize(name=route)

    def load(self, route: Route, image: bytes | bytearray, *, is_proven: bool) -> None:
        """Replace a route's tables by an image's.

        Unless it ``is_proven`` by its seals, every page of it is checked.

        Raises:
            ValueError, sqlite3.Error: It is no image of this version's tables; the route is empty.
        """
        try:
            if self._is_ours(route, image, is_proven):
                return
        except (sqlite3.Error, ValueError):  # SQLite's own words may hold bytes that are no text.
            self.clear(route)
            raise
        self.clear(route)
        raise ValueError("an image of other tables, or a damaged one")

    def clear(self, route: Route) -> None:
        """Forget a route."""
        self.connection.deserialize(self._empty_image, name=route)

    def close(self) -> None:
        """Free the memory; no other method may follow."""
        self.connection.close()

    def _is_ours(self, route: Route, image: bytes | bytearray, is_proven: bool) -> bool:
        # SQLite would call an empty one a lack of memory.
        if not image:
            return False
        self.connection.deserialize(image, name=route)
        sound = is_proven or self._one(f"pragma {route}.quick_check(1)") == "ok"
        return sound and store_sql.definitions(self.connection, route) == self._definitions

    def _rows_of(self, batch_json: str) -> int | None:
        try:
            return self._one(store_sql.ROWS, (batch_json,))  # type: ignore[no-any-return]
        except (sqlite3.Error, UnicodeEncodeError):
            return None

    def _is_fine(self, batch_json: str, rows: int) -> bool:
        """Say whether no row needs a look of its own; the tables' checks find the rest."""
        if has_escapes(batch_json) or is_too_large(batch_json):
            return False
        return is_flat(batch_json, rows) or not self._one(store_sql.MAYBE_DEEP, (batch_json,))

    def _insert(self, batch_json: str) -> int:
        sql = store_sql.ADD.format(route=self.events_route, path="")
        return self.connection.execute(sql, (batch_json,)).rowcount

    def _delete_behind(self, rowid: int) -> None:
        sql = f"delete from {self.events_route}.events where rowid > ?"
        self.connection.execute(sql, (rowid,))

    def _matching(self, before: int) -> list[Event]:
        if not self._watches:
            return []
        sql = store_sql.MATCHING.format(route=self.events_route)
        return [event_of(row) for row in self.connection.execute(sql, (before,))]

    def _value(self, route: Route, key: str) -> str | None:
        sql = f"select value from {route}.keys where key = ?"
        row = self.connection.execute(sql, (key,)).fetchone()
        return None if row is None else row[0]

    def _bytes(self, where: str, params: dict[str, Any]) -> int:
        table = f"{self.events_route}.events"
        sql = f"select coalesce(sum({store_sql.SIZE}), 0) from {table} where {where}"
        return int(self._one(sql, params))

    def _one(self, sql: str, params: Any = ()) -> Any:
        return self.connection.execute(sql, params).fetchone()[0]
