"""Read-only SQL over events and keys, for tasks: nothing a statement says can write or run long."""

import re
import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..config import LIMITS
from ..errors import ConfigError
from ..pure.segment import ROUTES
from ..types import JsonValue

_VIEWS: Final = frozenset({"events", "keys"})
_FUNCTION_TABLES: Final = frozenset({"json_each", "json_tree"})
_HIDDEN: Final = ("sqlite_", "pragma_", "watched")
_VIEWS_ONLY: Final = "a read of the views events and keys"
_FORBIDDEN: Final = ("not authorized", "prohibited", "authorization", "cannot modify")
_STEPS_PER_CHECK: Final = 10_000
# SQLite tells the tables behind the views apart from the views only where it does not flatten them.
# A name has no escapes in SQL, so who reads such a table writes its database's name and a dot, with
# at most a closing quote, blanks and comments between. To look for that without regard to quotes
# refuses a little more, and leaves nobody a way to hide it: what SQLite reads as one, this finds.
_BEHIND_VIEWS: Final = re.compile(
    rf"(?<![a-z_.])(?:{'|'.join(ROUTES)})[\"'`\]]?[\s\ufeff]*(?:\.|--|/\*)"
)
# Ends every statement of a task. The connection keeps prepared statements by their text: without
# it a task could name one of the store's own, which was prepared with the right to write.
_MARK: Final = "\n--task"


class ReadOnlyQueries:
    """Runs tasks' statements on the store's own connection.

    The authorizer stays installed: to set it anew would make SQLite prepare every statement again,
    and a query is to cost tens of microseconds.
    """

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._restricted = False
        # SQLite declares such a table at its first use, which a task is not allowed to.
        for table in _FUNCTION_TABLES:
            connection.execute(f"select 1 from {table}('[]')")
        connection.set_authorizer(self._authorize)

    def run(
        self,
        sql: str,
        params: Mapping[str, JsonValue] | None,
        *,
        is_late: Callable[[], bool],
        max_rows: int = LIMITS.query_rows,
        max_bytes: int = LIMITS.query_bytes,
    ) -> list[dict[str, Any]]:
        """Run one select statement.

        Args:
            sql: One statement over ``events`` and ``keys`` with named parameters (``:since``).
            params: Their values: None, bool, int, float, str or bytes.
            is_late: Asked while the statement runs; True stops it.
            max_rows: More rows are an error, never a silent cut.
            max_bytes: So are more bytes of texts (UTF-8) and blobs. No value may be larger on the
                way either, so that zeroblob() and friends cannot eat the worker's memory.

        Raises:
            ConfigError: ``query-invalid``: what SQLite, the read-only rule or a bound refused.
        """
        _refuse_behind_views(sql)
        values = _checked(params or {}, sql)
        connection = self._connection
        usual = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, max_bytes)
        connection.set_progress_handler(lambda: int(is_late()), _STEPS_PER_CHECK)
        self._restricted = True
        try:
            cursor = connection.execute(sql + _MARK, values)
            try:
                return _rows(cursor, sql, max_rows, max_bytes)
            finally:
                # An error that somebody keeps would keep it open, and SQLite reads freed memory
                # when a database is replaced under an open one.
                cursor.close()
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, TypeError) as error:
            raise _explained(error, sql, max_bytes) from error
        finally:
            self._restricted = False
            connection.set_progress_handler(None, 0)
            connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, usual)

    def _authorize(
        self, action: int, first: str | None, second: str | None, _: str | None, view: str | None
    ) -> int:
        if not self._restricted or _is_allowed(action, first, second, view):
            return sqlite3.SQLITE_OK
        return sqlite3.SQLITE_DENY


def _is_allowed(action: int, first: str | None, second: str | None, view: str | None) -> bool:
    if action == sqlite3.SQLITE_FUNCTION:
        return second != "load_extension"
    if action == sqlite3.SQLITE_READ:
        table = first or ""
        # Behind a view its tables may be read; the statement's own subqueries have no column name.
        return table in _FUNCTION_TABLES or (
            table in _VIEWS if second or view else not table.startswith(_HIDDEN)
        )
    return action == sqlite3.SQLITE_SELECT


def _checked(params: Mapping[str, JsonValue], sql: str) -> dict[str, JsonValue]:
    for name, value in params.items():
        if not isinstance(value, int | float | str | bytes | None):
            advice = "Pass plain values; use json_each over a JSON text for lists."
            expected = f"None, bool, int, float, str or bytes for :{name}"
            raise _invalid(expected, type(value).__name__, advice, sql)
    return dict(params)


def _refuse_behind_views(sql: str) -> None:
    lower = sql.lower()
    if any(map(lower.__contains__, ROUTES)) and (found := _BEHIND_VIEWS.search(lower)):
        advice = (
            "Leave the database's name out; choose another alias, or pass a text with this in it "
            "as a parameter."
        )
        got = repr(lower[found.start() : found.end() + 8])
        raise _invalid(_VIEWS_ONLY, got, advice, sql)


def _rows(cursor: sqlite3.Cursor, sql: str, max_rows: int, max_bytes: int) -> list[dict[str, Any]]:
    if cursor.description is None:
        raise _invalid("one select statement", repr(sql), "Write a query that returns rows.", sql)
    names = [column[0] for column in cursor.description]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        advice = "Rename one with `as`."
        raise _invalid("distinct column names", f"{twice} twice", advice, sql)
    rows = _fetched(cursor, sql, max_rows, max_bytes)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _fetched(
    cursor: sqlite3.Cursor, sql: str, max_rows: int, max_bytes: int
) -> list[tuple[Any, ...]]:
    rows: list[tuple[Any, ...]] = []
    size_bytes = 0
    # One at a time: a few rows of large values would be too much before they are counted.
    for row in cursor:
        if len(rows) == max_rows:
            advice = "Add a where or limit clause."
            raise _invalid(f"at most {max_rows} rows", "more", advice, sql)
        for value in row:
            if type(value) is str:
                size_bytes += len(value) if value.isascii() else len(value.encode())
            elif type(value) is bytes:
                size_bytes += len(value)
        if size_bytes > max_bytes:
            raise _too_large(max_bytes, sql)
        rows.append(row)
    return rows


def _too_large(max_bytes: int, sql: str) -> ConfigError:
    advice = "Narrow the select: fewer columns or rows, or ask in parts by ts."
    return _invalid(f"at most {max_bytes} bytes of values", "more", advice, sql)


def _explained(error: Exception, sql: str, max_bytes: int) -> ConfigError:
    text = str(error).rstrip(".")
    if text == "interrupted":
        advice = "Narrow it by type, page_id and ts, which are indexed, or add a limit."
        return _invalid("an answer before the deadline", "none in time", advice, sql)
    if "too big" in text:
        return _too_large(max_bytes, sql)
    if any(words in text for words in _FORBIDDEN):
        advice = "Only select statements over these two are allowed."
        return _invalid(_VIEWS_ONLY, text, advice, sql)
    advice = (
        "Tables: events(rowid, id, ts, type, page_id, click_id, pv, props), keys(key, value, …)."
    )
    return _invalid("SQL that SQLite accepts", text, advice, sql)


def _invalid(expected: str, got: str, advice: str, sql: str) -> ConfigError:
    message = f"query: expected {expected}, got {got}. {advice}"
    return ConfigError("query-invalid", message, {"sql": sql[:1000]})
