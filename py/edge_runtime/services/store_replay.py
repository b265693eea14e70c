"""What the store does with its log at start: replay it, forget what is too old, compact it."""

import json
import sqlite3
from collections.abc import Iterable, Iterator, Sequence

from ..config import DataConfig, Limits
from ..errors import EdgeError, TrustError
from ..pure import retention
from ..pure.segment import Operations, Route, chunked
from .store_log import Record, SegmentLog
from .store_tables import Tables


class Replay:
    """One start of the store: ``load`` first, then ``tidy``."""

    def __init__(self, tables: Tables, log: SegmentLog, data: DataConfig, limits: Limits) -> None:
        self._tables = tables
        self._log = log
        self._data = data
        self._limits = limits
        self._ledger = retention.Ledger()
        self._loaded: list[Record] = []
        self.quarantined: list[EdgeError] = []

    def load(self, records: Sequence[Record]) -> None:
        """Apply every readable record in order; the others are listed in ``quarantined``."""
        for record in records:
            if record.error is not None:
                self.quarantined.append(record.error)
                continue
            try:
                replayed = self._tables.replay(record.text)
            except (sqlite3.Error, ValueError, TypeError, LookupError) as error:
                self.quarantined.append(_unreadable(record, error))
                continue
            self._ledger.add(replayed.newest_ts, replayed.events, replayed.operations)
            self._loaded.append(record)

    async def tidy(self, now_ms: float) -> None:
        """Forget what the rules do not keep, then delete or rewrite records that waste space.

        Raises:
            HostError: The log could not be changed; what is in memory is right all the same.
        """
        self._forget(now_ms)
        live = self._tables.count("events") + self._tables.count("keys")
        many = len(self._loaded) > self._limits.compaction_segments
        if many or self._ledger.is_wasteful(live):
            await self._log.replace(self._loaded, list(self._compacted()))
            return
        dead = self._ledger.leading_dead(
            self._tables.oldest_ts(), lambda key: self._tables.get(key) is not None
        )
        if dead:
            await self._log.replace(self._loaded[:dead], ())

    def _forget(self, now_ms: float) -> None:
        rule, keys = self._data.events, self._data.keys
        oldest_ms = now_ms - rule.max_age_days * retention.DAY_MS
        self._tables.forget_events(oldest_ms, rule.max_rows)
        self._tables.forget_keys(
            lambda key, updated_ms: retention.is_expired(keys, key, updated_ms, now_ms)
        )

    def _compacted(self) -> Iterator[tuple[Route, Operations]]:
        """Yield one record per route, more only where one would be too large to read back."""
        events_route: Route = "sealed" if self._data.events.encrypted else "plain"
        for run in self._runs(self._tables.event_rows()):
            yield events_route, Operations(run, [])
        puts: dict[Route, list[str]] = {"sealed": [], "plain": []}
        for text in self._tables.key_puts():
            _, key, _, _, sealed = json.loads(text)
            rule = retention.rule_for(self._data.keys, key)
            puts["sealed" if sealed or (rule and rule.encrypted) else "plain"].append(text)
        for route, texts in puts.items():
            for run in self._runs(texts):
                yield route, Operations([], run)

    def _runs(self, texts: Iterable[str]) -> Iterator[list[str]]:
        return chunked(texts, self._limits.segment_bytes // 4)


def _unreadable(record: Record, error: Exception) -> TrustError:
    return TrustError(
        "seal-broken",
        f"segment {record.key}: expected a segment's text, got {error}. It is left out and kept.",
    )
