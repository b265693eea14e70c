"""Forgets what the rules do not keep, a slice at a time, so that nothing else waits for it.

What is left is what a naive cleaner would leave: events young enough, then the newest ``max_rows``,
then the newest that fit ``max_bytes``; keys likewise under the rule of their longest prefix.
"""

from collections.abc import Iterator
from itertools import accumulate, groupby
from typing import Final

from ..config import DataConfig, KeyRule
from ..pure.head import DAY_MS
from ..pure.retention import KeyRow, surplus_keys
from ..pure.routing import rule_for
from ..pure.segment import ROUTES, Route
from .store_tables import Tables

_ROWS_SUMMED_AT_ONCE: Final = 10_000


class Cleaner:
    """Deletes from the tables; the next checkpoint makes that durable."""

    def __init__(self, tables: Tables, data: DataConfig, slice_rows: int) -> None:
        self._tables = tables
        self._data = data
        self._slice_rows = slice_rows

    def slices(self, now_ms: float) -> Iterator[int]:
        """Clean once; yields after each slice how many rows it deleted."""
        yield from self._events_by_age(now_ms)
        yield from self._events_by_rows()
        if self._data.events.max_bytes is not None:
            yield from self._events_by_bytes(self._data.events.max_bytes)
        yield from self._keys(now_ms)

    def _events_by_age(self, now_ms: float) -> Iterator[int]:
        before_ts = now_ms - self._data.events.max_age_days * DAY_MS
        while deleted := self._tables.delete_oldest(self._slice_rows, before_ts)[0]:
            yield deleted

    def _events_by_rows(self) -> Iterator[int]:
        route = self._tables.events_route
        surplus = self._tables.count(route, "events") - self._data.events.max_rows
        while surplus > 0:
            deleted, _ = self._tables.delete_oldest(min(surplus, self._slice_rows))
            if not deleted:  # Others emptied the table between two slices.
                return
            surplus -= deleted
            yield deleted

    def _events_by_bytes(self, max_bytes: int) -> Iterator[int]:
        total = 0
        for part in self._tables.event_bytes_in_parts(_ROWS_SUMMED_AT_ONCE):
            total += part
            yield 0
        while total > max_bytes:
            sizes = self._tables.oldest_sizes(self._slice_rows)
            needed = next(
                (n for n, gone in enumerate(accumulate(sizes), 1) if total - gone <= max_bytes),
                len(sizes),
            )
            deleted, size_bytes = self._tables.delete_oldest(needed)
            if not deleted:
                return
            total -= size_bytes
            yield deleted

    def _keys(self, now_ms: float) -> Iterator[int]:
        found: list[tuple[KeyRule, Route, KeyRow]] = []
        for route in ROUTES:
            after = ""
            while rows := self._tables.key_rows(route, after, self._slice_rows):
                for row in rows:
                    rule = rule_for(self._data.keys, row[0])
                    if rule is not None:
                        found.append((rule, route, KeyRow(*row[:3])))
                after = rows[-1][0]
                yield 0
        found.sort(key=lambda each: each[0].prefix)
        for _, group in groupby(found, key=lambda each: each[0].prefix):
            yield from self._delete_keys(list(group), now_ms)

    def _delete_keys(
        self, found: list[tuple[KeyRule, Route, KeyRow]], now_ms: float
    ) -> Iterator[int]:
        rule, places = found[0][0], {row.key: (route, row.updated_ms) for _, route, row in found}
        gone = surplus_keys(rule, [row for _, _, row in found], now_ms)
        for start in range(0, len(gone), self._slice_rows):
            deleted = 0
            for key in gone[start : start + self._slice_rows]:
                # Not if it was put again since it was looked at.
                deleted += self._tables.delete_key(key, *places[key])
            yield deleted
