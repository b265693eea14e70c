"""Events and keys: queried in SQLite in memory, kept in a sealed log and sealed checkpoints.

Reads never wait for writes. Events are in memory when :meth:`Store.add_batch` returns and durable
with the next group commit; keys are durable first and visible then.
"""

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import Any

from ..config import LIMITS, DataConfig, Limits
from ..config_triggers import EventKey
from ..errors import EdgeError
from ..host.ports import Clock, Crypto, Durability, Storage
from ..pure.head import KEY_LIMITS, KeyLimits
from ..pure.rolling_window import RollingWindow
from ..pure.segment import ROUTES, Operations, Route
from ..types import Event, JsonValue
from .store_cleaner import Cleaner
from .store_commit import GroupCommit
from .store_intake import Done, Intake, Taken
from .store_keeper import Keeper
from .store_mender import Mender
from .store_query import ReadOnlyQueries
from .store_report import store_condition, store_report
from .store_tables import Tables
from .store_values import Values
from .store_writer import Mode, Writer

__all__ = ["Done", "Mode", "Store", "Taken"]


class Store:
    """The one place of events and keys; ``start`` before everything else, ``stop`` last.

    Args:
        clock, storage, crypto: The outside.
        data, limits, key_limits: Rules and bounds.
        on_change: Called when the mode changes.
    """

    def __init__(
        self,
        clock: Clock,
        storage: Storage,
        crypto: Crypto,
        data: DataConfig,
        limits: Limits = LIMITS,
        key_limits: KeyLimits = KEY_LIMITS,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._tables = Tables("sealed" if data.events.encrypted else "plain")
        self._queries, self._query_ms = ReadOnlyQueries(self._tables.connection), RollingWindow()
        self._tell = on_change
        self._commits = GroupCommit(
            clock, self._append, lambda commit: self._values.apply(commit), limits, data.events
        )
        self._values = Values(clock, self._tables, self._commits, data.keys)
        self._intake = Intake(self._tables, self._commits, data.events, limits)
        self._writer = Writer(
            clock, storage, crypto, data, limits, key_limits, on_change=self._changed
        )
        self._mender = Mender(self._writer, self._tables)
        self._cleaner = Cleaner(self._tables, data, limits.slice_rows)
        come_back = partial(self._mender.come_back, self._commits, self._intake)
        is_busy, recount = self._is_busy, self._intake.count
        self._keeper = Keeper(clock, limits, key_limits, self._writer, come_back, is_busy, recount)
        self._open_ms: float | None = None
        self._final_statistics: dict[str, JsonValue] | None = None

    async def start(self) -> None:
        """Open the database, load and replay it, forget what is too old, begin to commit.

        Where storage cannot be opened it works in memory, and ``put`` raises.

        Raises:
            RefusedError: ``writer-superseded``: another tab took over meanwhile.
        """
        started_ms = self._clock.monotonic_ms()
        await self._writer.open(self._tables)
        for deleted in self._cleaner.slices(self._clock.now_ms()):
            self._keeper.stale_rows += deleted
        self._intake.count()
        self._open_ms = round(self._clock.monotonic_ms() - started_ms, 3)
        self._commits.start(self._keeper.tell)
        self._keeper.start(self._tables, self._cleaner)

    async def stop(self) -> None:
        """Commit what is left and close; only :meth:`statistics` may be called afterwards."""
        await self._keeper.stop()
        await self._commits.stop()
        await self._writer.close()
        self._final_statistics = self.statistics()
        self._tables.close()

    @property
    def problems(self) -> list[EdgeError]:
        """What :meth:`start` found: no durable storage, damaged records, lost keys."""
        reason = self._writer.reason
        return [*([] if reason is None else [reason]), *self._writer.problems]

    @property
    def mode(self) -> Mode:
        """What becomes of a write now."""
        return self._writer.mode

    def condition(self) -> dict[str, JsonValue]:
        """Return mode, why it is that, and what was lost, for the page's ``status``."""
        return store_condition(self._writer)

    def watch(self, keys: Collection[EventKey], window_ms: float = 0) -> list[Event]:
        """Have :meth:`add_batch` return events of these keys; return those of ``window_ms``.

        The latest 5,000 at most, in order of arrival.
        """
        self._tables.watch(keys)
        since_ms = self._clock.now_ms() - window_ms
        return self._tables.latest(since_ms, self._limits.watched_events) if window_ms else []

    def add_batch(self, batch_json: str, done: Done | None = None) -> Taken:
        """Add the rows of a JSON array that are new; known ids are left out.

        They are in memory now and durable with the next group commit, or :meth:`flush`.

        Args:
            batch_json: Rows ``[id, ts, type, pageId, clickId, pv, props]``.
            done: Called once they are durable, or at once where nothing can be.
        """
        is_durable = self._writer.mode is not Mode.MEMORY_ONLY
        return self._intake.add(batch_json, done, is_durable=is_durable)

    async def flush(self) -> None:
        """Return when everything added so far is durable.

        Raises:
            HostError: It could not be made durable; it stays in memory and is tried again.
            RefusedError: ``store-unavailable``: the store works in memory only.
        """
        self._check_durable()
        await self._commits.commit()

    def get(self, key: str) -> JsonValue:
        """Return the value last put, None for an unknown key."""
        return self._values.get(key)

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        """Keep ``value`` under ``key``; durable (strict) when this returns.

        Args:
            key: 1 to 512 characters.
            value: JSON data, at most 1 MiB as text.
            encrypted: None leaves it to the key's rule, or seals; a sealing rule wins over False.

        Raises:
            ConfigError: ``argument-invalid``: such a key or value cannot be kept.
            HostError: It could not be made durable; the key keeps its former value.
            RefusedError: ``store-unavailable``: the store works in memory only.
        """
        self._check_durable()
        await self._values.put(key, value, encrypted)

    async def delete(self, key: str) -> None:
        """Forget ``key``; raises as :meth:`put` does. An unknown key is no error."""
        self._check_durable()
        await self._values.delete(key)

    def query(
        self,
        sql: str,
        params: Mapping[str, JsonValue] | None = None,
        *,
        deadline_ms: float | None = None,
    ) -> list[dict[str, Any]]:
        """Run one read-only select over ``events`` and ``keys``.

        Args:
            sql: A statement with parameters such as ``:since``.
            params: Their values by name.
            deadline_ms: Unix time at which it is stopped, a second from now at the latest.

        Raises:
            ConfigError: ``query-invalid``.
        """
        started_ms = self._clock.monotonic_ms()
        # Only the caller's time is the wall clock's, which may be set while the statement runs.
        left_ms = self._limits.query_ms
        if deadline_ms is not None:
            left_ms = min(left_ms, deadline_ms - self._clock.now_ms())
        try:
            return self._queries.run(
                sql,
                params,
                is_late=lambda: self._clock.monotonic_ms() - started_ms >= left_ms,
                max_rows=self._limits.query_rows,
                max_bytes=self._limits.query_bytes,
            )
        finally:
            self._query_ms.add(self._clock.monotonic_ms() - started_ms)

    async def erase(self) -> None:
        """Delete every event, value and key, and the databases they were in.

        What is tracked afterwards goes into a new database under a new key.

        Raises:
            HostError: Not everything is deleted; memory is empty and the next write tries again.
            RefusedError: ``writer-superseded``: what another tab has by now is left alone.
        """
        # What is in memory goes in this turn; what is tracked behind it is not part of it.
        with self._commits.thrown_away():
            self._clear()
            async with self._keeper.turn:
                await self._commits.alone(self._erase)

    def statistics(self) -> dict[str, JsonValue]:
        """Return counts for people and tests (docs/reference.md, Statistics)."""
        if self._final_statistics is not None:
            return self._final_statistics
        return store_report(
            self._writer, self._commits, self._keeper, self._tables, self._query_ms, self._open_ms
        )

    async def _erase(self) -> None:
        # A database that was opened again meanwhile has brought it back.
        self._clear()
        self._intake.add_waiting()
        await self._writer.erase()

    def _clear(self) -> None:
        for route in ROUTES:
            self._tables.clear(route)
        self._intake.count()

    async def _append(self, routes: Mapping[Route, Operations], durability: Durability) -> None:
        await self._mender.append(routes, durability, self._intake)

    def _is_busy(self) -> bool:
        return self._commits.pending_operations > 0 and self._writer.mode is Mode.DURABLE

    def _changed(self) -> None:
        if self._writer.mode is Mode.MEMORY_ONLY:
            self._commits.acknowledge()
        if self._tell is not None:
            self._tell()

    def _check_durable(self) -> None:
        if self._writer.mode is Mode.MEMORY_ONLY:
            raise self._writer.refusal()
