"""Events and keys: queried in SQLite in memory, kept in a durable log, sealed where rules say so.

Reads never wait for writes. Events are in memory when :meth:`Store.add_events` returns and durable
with the next group commit; keys are durable first and visible then.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from ..config import LIMITS, DataConfig, Limits
from ..errors import EdgeError, HostError, TrustError
from ..host.ports import Clock, Crypto, Storage
from ..pure.backlog import Entry
from ..pure.key_operations import check_key, delete_text, put_text
from ..pure.retention import rule_for
from ..pure.segment import Route
from ..types import Event, JsonValue
from .store_commit import GroupCommit
from .store_log import SegmentLog
from .store_query import query
from .store_replay import Replay
from .store_tables import Tables


class Store:
    """The one place of events and keys; ``start`` before everything else, ``stop`` last."""

    def __init__(
        self,
        clock: Clock,
        storage: Storage,
        crypto: Crypto,
        data: DataConfig,
        limits: Limits = LIMITS,
    ) -> None:
        self._clock = clock
        self._data = data
        self._limits = limits
        self._tables = Tables()
        self._log = SegmentLog(storage, crypto)
        self._commits = GroupCommit(
            clock, self._log.append, self._apply, limits, data.events.max_rows
        )
        self._events_route: Route = "sealed" if data.events.encrypted else "plain"
        self._events = 0
        self._unavailable: HostError | None = None
        self._final_statistics: dict[str, JsonValue] | None = None
        self._quarantined: Sequence[EdgeError] = ()

    async def start(self) -> None:
        """Open the log, replay it, forget what is too old, and begin to commit.

        Where storage cannot be opened the store works in memory: ``statistics()`` says so, events
        are kept until the page goes, and ``put`` raises.
        """
        replay = Replay(self._tables, self._log, self._data, self._limits)
        try:
            replay.load(await self._log.open(self._clock.now_ms()))
        except HostError as error:
            self._unavailable = error
            # Storage may be open although the key is missing; a connection blocks other tabs.
            await self._log.close()
            return
        try:
            await replay.tidy(self._clock.now_ms())
        except HostError as error:
            self._commits.last_error = error
        self._quarantined = replay.quarantined
        self._events = self._tables.count("events")
        self._commits.start()

    async def stop(self) -> None:
        """Commit what is left and close; only :meth:`statistics` may be called afterwards."""
        if self._unavailable is None:
            await self._commits.stop()
            await self._log.close()
        self._final_statistics = self.statistics()
        self._tables.close()

    @property
    def problems(self) -> list[EdgeError]:
        """What :meth:`start` found missing: durable storage, records that do not open."""
        if self._unavailable is not None:
            return [self._unavailable]
        if not self._quarantined:
            return []
        lost, records = len(self._quarantined), self._log.segments
        message = (
            f"store: expected {records} records to open, got {lost} that do not. What they held is "
            f"missing; they are left out and kept. The first: {self._quarantined[0].message}"
        )
        return [TrustError("seal-broken", message, {"quarantined": lost, "records": records})]

    def add_events(self, events: Sequence[Event]) -> list[Event]:
        """Add what is new and return it, in order; known ids are left out.

        They are in memory now and durable with the next group commit, or :meth:`flush`.
        """
        new: list[Event] = []
        for start in range(0, len(events), self._limits.commit_ops):
            added, text = self._tables.add_events(events[start : start + self._limits.commit_ops])
            if added and self._unavailable is None:
                self._commits.add(Entry(self._events_route, text, len(added)))
            new += added
        self._bound_events(len(new))
        return new

    async def flush(self) -> None:
        """Return when everything added so far is durable.

        Raises:
            HostError: It could not be made durable; it stays in memory and is tried again.
        """
        self._check_durable()
        await self._commits.commit()

    def get(self, key: str) -> JsonValue:
        """Return the value last put, None for an unknown key."""
        found = self._tables.get(check_key(key))
        return None if found is None else found[0]

    async def put(self, key: str, value: JsonValue, encrypted: bool = True) -> None:
        """Keep ``value`` under ``key``; durable (strict) when this returns.

        Args:
            key: 1 to 512 characters.
            value: JSON data, at most 1 MiB as text.
            encrypted: Seal it; a rule that encrypts the key's prefix wins over False.

        Raises:
            ConfigError: ``argument-invalid``: such a key or value cannot be kept.
            HostError: It could not be made durable; the key keeps its former value.
        """
        sealed = encrypted or self._must_seal(check_key(key))
        text = put_text(key, value, updated_ms=self._clock.now_ms(), sealed=sealed)
        await self._commit_key(key, text, sealed)

    async def delete(self, key: str) -> None:
        """Forget ``key``; durable (strict) when this returns. An unknown key is no error.

        Raises:
            HostError: It could not be made durable; the key keeps its value.
        """
        text = delete_text(key)
        found = self._tables.get(key)
        # A sealed key's name must not appear in the plain route.
        sealed = found is None or found[1] or self._must_seal(key)
        await self._commit_key(key, text, sealed)

    def query(
        self,
        sql: str,
        params: Mapping[str, JsonValue] | None = None,
        *,
        deadline_ms: float | None = None,
    ) -> list[dict[str, Any]]:
        """Run one read-only select over ``events`` and ``keys``.

        Args:
            sql: A statement with named parameters, such as ``:since``.
            params: Values by name.
            deadline_ms: Clock time at which it is stopped; never later than a second from now.

        Raises:
            ConfigError: ``query-invalid``.
        """
        latest_ms = self._clock.now_ms() + self._limits.query_ms
        stop_ms = latest_ms if deadline_ms is None else min(deadline_ms, latest_ms)
        return query(
            self._tables.connection,
            sql,
            params,
            is_late=lambda: self._clock.now_ms() >= stop_ms,
            max_rows=self._limits.query_rows,
        )

    def statistics(self) -> dict[str, JsonValue]:
        """Return counts for people and tests; ``reason`` says why the mode is memory-only."""
        if self._final_statistics is not None:
            return self._final_statistics
        plain: dict[str, JsonValue] = {
            "mode": "durable" if self._unavailable is None else "memory-only",
            "events": self._tables.count("events"),
            "keys": self._tables.count("keys"),
            "segments": self._log.segments,
            "bytes": self._log.size_bytes,
            "pendingOps": self._commits.pending_operations,
            "lastCommitMs": self._commits.last_commit_ms,
            "quarantined": len(self._quarantined),
            "droppedEvents": self._commits.dropped_events,
        }
        for name, error in (("reason", self._unavailable), ("lastError", self._commits.last_error)):
            if error is not None:
                plain[name] = error.to_dict()
        return plain

    async def _commit_key(self, key: str, text: str, sealed: bool) -> None:
        self._check_durable()
        await self._commits.commit_now(Entry("sealed" if sealed else "plain", text, key=key))

    def _apply(self, key_texts: Sequence[str]) -> None:
        for text in key_texts:
            self._tables.apply(json.loads(text))

    def _bound_events(self, added: int) -> None:
        self._events += added
        # A tenth over the limit before trimming: one delete per many batches.
        if self._events > self._data.events.max_rows * 1.1:
            self._tables.forget_events(float("-inf"), self._data.events.max_rows)
            self._events = self._tables.count("events")

    def _must_seal(self, key: str) -> bool:
        rule = rule_for(self._data.keys, key)
        return rule is not None and rule.encrypted

    def _check_durable(self) -> None:
        if self._unavailable is not None:
            raise HostError(
                "storage-failed",
                "store: expected storage that opens, got none; the store works in memory only. "
                f"Cause: {self._unavailable.message}",
            ) from self._unavailable
