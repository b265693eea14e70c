"""Read-only SQL over events and keys, for tasks: nothing a statement says can write or run long."""

import sqlite3
from collections.abc import Callable, Mapping
from typing import Any, Final

from ..config import LIMITS
from ..errors import ConfigError
from ..types import JsonValue

_VIEWS: Final = frozenset({"events", "keys"})
_FUNCTION_TABLES: Final = frozenset({"json_each", "json_tree"})
_HIDDEN: Final = ("sqlite_", "pragma_", "watched")
_FORBIDDEN: Final = ("not authorized", "prohibited", "authorization", "cannot modify")
_STEPS_PER_CHECK: Final = 10_000
# One value may not be larger, so that zeroblob() and friends cannot eat the worker's memory.
_VALUE_BYTES: Final = 16 * 2**20
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
        connection.set_authorizer(self._authorize)

    def run(
        self,
        sql: str,
        params: Mapping[str, JsonValue] | None,
        *,
        is_late: Callable[[], bool],
        max_rows: int = LIMITS.query_rows,
    ) -> list[dict[str, Any]]:
        """Run one select statement.

        Args:
            sql: One statement over ``events`` and ``keys`` with named parameters (``:since``).
            params: Their values: None, bool, int, float, str or bytes.
            is_late: Asked while the statement runs; True stops it.
            max_rows: More rows are an error, never a silent cut.

        Raises:
            ConfigError: ``query-invalid``: what SQLite, the read-only rule or a bound refused.
        """
        values = _checked(params or {}, sql)
        connection = self._connection
        usual = connection.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _VALUE_BYTES)
        connection.set_progress_handler(lambda: int(is_late()), _STEPS_PER_CHECK)
        self._restricted = True
        try:
            return _rows(connection, sql, values, max_rows)
        except (sqlite3.Error, sqlite3.Warning, ValueError, OverflowError, TypeError) as error:
            raise _explained(error, sql) from error
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


def _rows(
    connection: sqlite3.Connection,
    sql: str,
    values: dict[str, JsonValue],
    max_rows: int,
) -> list[dict[str, Any]]:
    cursor = connection.execute(sql + _MARK, values)
    if cursor.description is None:
        raise _invalid("one select statement", repr(sql), "Write a query that returns rows.", sql)
    names = [column[0] for column in cursor.description]
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        advice = "Rename one with `as`."
        raise _invalid("distinct column names", f"{twice} twice", advice, sql)
    rows = cursor.fetchmany(max_rows + 1)
    if len(rows) > max_rows:
        advice = "Add a where or limit clause."
        raise _invalid(f"at most {max_rows} rows", "more", advice, sql)
    return [dict(zip(names, row, strict=True)) for row in rows]


def _explained(error: Exception, sql: str) -> ConfigError:
    text = str(error).rstrip(".")
    if text == "interrupted":
        advice = "Narrow it by type, page_id and ts, which are indexed, or add a limit."
        return _invalid("an answer before the deadline", "none in time", advice, sql)
    if any(words in text for words in _FORBIDDEN):
        advice = "Only select statements over the tables events and keys are allowed."
        return _invalid("a read of events or keys", text, advice, sql)
    advice = (
        "Tables: events(rowid, id, ts, type, page_id, click_id, pv, props), keys(key, value, …)."
    )
    return _invalid("SQL that SQLite accepts", text, advice, sql)


def _invalid(expected: str, got: str, advice: str, sql: str) -> ConfigError:
    message = f"query: expected {expected}, got {got}. {advice}"
    return ConfigError("query-invalid", message, {"sql": sql[:1000]})
