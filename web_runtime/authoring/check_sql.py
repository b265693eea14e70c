"""Prepares a task's SQL with the store's own tables, SQLite and rules; nothing is asked."""

import re
from collections.abc import Mapping
from typing import Final

from edge_runtime.errors import ConfigError
from edge_runtime.services.store_query import ReadOnlyQueries
from edge_runtime.services.store_sql import connect

_PARAMETER: Final = re.compile(r"[:@$]([A-Za-z_]\w*)")
# How often SQLite may ask whether to go on: a recursive query never ends by itself.
_PATIENCE: Final = 20
_TABLES: Final = (
    "Tables: events(rowid, id, ts, type, page_id, click_id, pv, props), "
    "keys(key, value, updated_ms, encrypted)."
)


class SqlCheck:
    """The empty tables of a store, and the queries that tasks may make of them."""

    def __init__(self) -> None:
        self._connection = connect("sealed")
        self._queries = ReadOnlyQueries(self._connection)

    def close(self) -> None:
        """Let go of the database."""
        self._connection.close()

    def refusal(self, sql: str, names: frozenset[str] | None) -> str | None:
        """Return what is wrong with a statement; None: the store would run it.

        Args:
            sql: As a task gives it to ``ctx.query``.
            names: Of its parameters; None: unknown, none is missed.
        """
        given = frozenset(_PARAMETER.findall(sql)) if names is None else names
        # SQLite explains what it would run after all its checks, and runs nothing.
        refused = self._refused(f"explain {sql}", dict.fromkeys(given))
        if refused is None:
            refused = self._refused(sql, dict.fromkeys(given, 1))
            # What fails only with these values is not the statement's fault.
            if refused is not None and "distinct column names" not in refused:
                return None
        if refused is None or "Tables:" in refused:
            return refused and f"{refused.partition('Tables:')[0]}{_TABLES}"
        return f"{refused} {_TABLES}"

    def _refused(self, sql: str, values: Mapping[str, int | None]) -> str | None:
        left = iter(range(_PATIENCE))
        try:
            self._queries.run(sql, values, is_late=lambda: next(left, None) is None)
        except ConfigError as error:
            return error.message.removeprefix("query: ")
        return None
