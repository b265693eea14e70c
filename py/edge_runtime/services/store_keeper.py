"""What a store does when nobody asks it for anything: clean, checkpoint, rotate keys, come back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

from ..config import Limits
from ..errors import EdgeError
from ..host.ports import Clock
from ..pure.damage import defect
from ..pure.head import KeyLimits
from ..pure.segment import ROUTES
from .store_cleaner import Cleaner
from .store_durable import Durable
from .store_tables import Tables
from .store_writer import Mode, Writer

_STALE_ROWS: Final = 1_000
_STALE_PART: Final = 10
_PURGED_PART: Final = 4
_REPLAYED_PART: Final = 8
# While events keep coming a checkpoint waits for a pause, up to a log so many times as long.
_BUSY_PATIENCE: Final = 16


class Keeper:
    """One task that wakes once a second and does what is due.

    Attributes:
        turn: Held while it works; who wants it to keep still takes it.
        last_error: Why the last piece of work failed; None once one succeeded.
        purged_events: Events given up because the quota was reached.
        stale_rows: Rows deleted since the last checkpoint, which storage still holds.
    """

    def __init__(
        self,
        clock: Clock,
        limits: Limits,
        key_limits: KeyLimits,
        writer: Writer,
        come_back: Callable[[], Awaitable[None]],
        is_busy: Callable[[], bool],
        recount: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._limits = limits
        self._key_limits = key_limits
        self._writer = writer
        self._come_back = come_back
        self._is_busy = is_busy
        self._recount = recount
        self._task: asyncio.Task[None] | None = None
        self._clean_due_ms = float("inf")
        self._retry_ms = float("-inf")
        self._is_due = False
        self.turn = asyncio.Lock()
        self.last_error: EdgeError | None = None
        self.purged_events = 0
        self.stale_rows = 0

    def start(self, tables: Tables, cleaner: Cleaner) -> None:
        """Begin to keep ``tables``, which are clean."""
        self._clean_due_ms = self._clock.monotonic_ms() + self._limits.clean_ms
        self._task = asyncio.create_task(self._keep(tables, cleaner))

    async def stop(self) -> None:
        """Stop, in the middle of what it does if need be: all of it can end anywhere."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    def tell(self, error: EdgeError) -> None:
        """Tell the page of a defect, once however often it comes back."""
        if all(error.message != each.message for each in self._writer.problems):
            self._writer.lost(error)

    async def _keep(self, tables: Tables, cleaner: Cleaner) -> None:
        while True:
            await self._clock.sleep_ms(self._limits.keeper_ms)
            async with self.turn:
                try:
                    await self._work(tables, cleaner)
                except EdgeError as error:
                    self._writer.notice(error)
                    self._put_off(error)
                except Exception as error:  # A defect must not end the keeping for good.
                    told = defect("keeper", error)
                    self._put_off(told)
                    self.tell(told)

    async def _work(self, tables: Tables, cleaner: Cleaner) -> None:
        await self._clean(cleaner)
        now_ms = self._clock.monotonic_ms()
        if now_ms < self._retry_ms:
            return
        if self._writer.mode is Mode.MEMORY_ONLY:
            self._retry_ms = now_ms + self._limits.memory_retry_ms
            await self._come_back()
        elif self._writer.mode is Mode.DURABLE and self._writer.durable is not None:
            await self._keep_durable(self._writer.durable, tables)
        self.last_error = None

    def _put_off(self, error: EdgeError) -> None:
        """Remember a failure; what is due stays due."""
        self.last_error = error
        self._retry_ms = self._clock.monotonic_ms() + self._limits.memory_retry_ms

    async def _clean(self, cleaner: Cleaner) -> None:
        """Clean if that is due, a slice at a time."""
        late_ms = self._clock.monotonic_ms() - self._clean_due_ms
        if late_ms < (self._limits.clean_ms if self._is_busy() else 0):
            return
        self._clean_due_ms = self._clock.monotonic_ms() + self._limits.clean_ms
        for deleted in cleaner.slices(self._clock.now_ms()):
            self.stale_rows += deleted
            await self._clock.sleep_ms(0)
        self._recount()

    async def _keep_durable(self, durable: Durable, tables: Tables) -> None:
        recovery = self._writer.recovery
        patience = _BUSY_PATIENCE if self._is_busy() else 1
        if self._writer.is_unsaved:
            await durable.checkpoints.write(tables, keep_spare=False)
            self._writer.is_unsaved = False
        elif self._writer.is_to_shrink:
            await self._shrink(durable, tables)
        elif durable.heads.head.current.is_worn(self._key_limits, self._clock.now_ms()):
            await self._rotate(durable, tables)
        elif recovery is not None and recovery.is_due:
            await recovery.finish()
        elif self._checkpoint_is_due(durable, tables, patience):
            await self._checkpoint(durable, tables)
        await durable.heads.anchor_to(durable.log.written)

    async def _checkpoint(self, durable: Durable, tables: Tables) -> None:
        await durable.checkpoints.write(tables, keep_spare=not self._writer.is_tight)
        self.stale_rows, self._is_due = 0, False

    async def _shrink(self, durable: Durable, tables: Tables) -> None:
        """Give up the oldest events while there is room for a checkpoint without them."""
        surplus = tables.count(tables.events_route, "events") // _PURGED_PART
        while surplus > 0:
            deleted, _ = tables.delete_oldest(min(surplus, self._limits.slice_rows))
            self.purged_events += deleted
            # Others delete, too: what is gone already is enough.
            surplus = surplus - deleted if deleted else 0
            await self._clock.sleep_ms(0)
        self._recount()
        # Once only: if there is no room for the checkpoint now, it stays due.
        self._writer.is_to_shrink, self._is_due = False, True
        await self._checkpoint(durable, tables)

    async def _rotate(self, durable: Durable, tables: Tables) -> None:
        """Seal with a new key from now on, and everything that is there anew.

        The new key is in storage before it is used; the old one goes with the last record that
        needs it. A crash between leaves both.
        """
        key = await durable.vault.create(self._clock.now_ms())
        fresh = replace(key, uses_bound=self._key_limits.reserve_uses)
        # Both turns: no image is made under two keys, no segment noted under the other one.
        async with durable.checkpoints.turn, durable.disk.turn:
            await durable.heads.change(lambda head: replace(head, keys=(*head.keys, fresh)))
        await durable.checkpoints.write(tables, keep_spare=False)

    def _checkpoint_is_due(self, durable: Durable, tables: Tables, patience: int = 1) -> bool:
        head = durable.heads.head
        segments, size_bytes = durable.log.behind({route: head.base(route) for route in ROUTES})
        former_bytes = head.checkpoint.size_bytes if head.checkpoint else 0
        # The log may grow with what it is behind: each byte is then written a few times at most.
        if size_bytes >= patience * max(self._limits.checkpoint_log_bytes, former_bytes // 2):
            return True
        if patience > 1:
            return segments >= patience * self._limits.checkpoint_segments
        # What is behind it is replayed at a start, at ten times the cost of loading it.
        behind = tables.last_rowid() - durable.checkpoints.last_rowid
        rows = sum(tables.rows(route) for route in ROUTES)
        if behind > max(self._limits.checkpoint_rows, rows // _REPLAYED_PART):
            return True
        stale = self.stale_rows > max(_STALE_ROWS, rows // _STALE_PART)
        return segments >= self._limits.checkpoint_segments or stale or self._is_due
