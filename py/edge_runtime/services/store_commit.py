"""Group commit: what comes within 50 ms, or 1,000 operations, is made durable in one write."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager

from ..config import EventsRule, Limits
from ..errors import EdgeError
from ..host.ports import Clock, Durability
from ..pure.backlog import Backlog, Commit, Entry
from ..pure.damage import defect
from ..pure.segment import Operations, Route

Append = Callable[[Mapping[Route, Operations], Durability], Awaitable[None]]


class GroupCommit:
    """Owns the backlog and the task that empties it.

    Invariant: one commit at a time, so operations become durable in the order in which they were
    added. A failed commit leaves its operations where they were: first in the next one.
    """

    def __init__(
        self,
        clock: Clock,
        append: Append,
        on_durable: Callable[[Commit], None],
        limits: Limits,
        rule: EventsRule,
    ) -> None:
        self._clock = clock
        self._append = append
        self._on_durable = on_durable
        self._limits = limits
        self._max_events = rule.max_rows
        self._backlog = Backlog()
        self._lock = asyncio.Lock()
        self._dirty = asyncio.Event()
        self._window: asyncio.Task[None] | None = None
        self._background: asyncio.Task[None] | None = None
        # Grows when what waits is thrown away; a commit of before is none of the present's.
        self._epoch = 0
        self._holds = 0
        self._free = asyncio.Event()
        self._free.set()
        self.last_error: EdgeError | None = None
        self.last_commit_ms: float | None = None
        self.dropped_events = 0

    @property
    def pending_operations(self) -> int:
        """Events and key operations that are not durable yet."""
        return self._backlog.operations

    def start(self, tell: Callable[[EdgeError], None]) -> None:
        """Begin to commit regularly; ``tell`` hears of defects."""
        self._background = asyncio.create_task(self._commit_regularly(tell))

    async def stop(self) -> None:
        """Commit what is left, once; a failure stays in ``last_error``."""
        for task in (self._background, self._window):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        try:
            await self.commit()
        except EdgeError as error:
            self.last_error = error
        except Exception as error:  # What comes behind must be closed all the same.
            self.last_error = defect("commits", error)

    def add(self, entry: Entry) -> None:
        """Queue ``entry`` for the next group commit."""
        self._backlog.add(entry)
        self._dirty.set()
        full = self._backlog.operations >= self._limits.commit_ops
        # After a failure the window is a pause between retries, which new events must not cut.
        if full and self._window is not None and self.last_error is None:
            self._window.cancel()

    def bound(self) -> None:
        """Keep no more events waiting than the store may hold, nor more text of them."""
        self.dropped_events += self._backlog.drop_oldest_events(
            self._max_events, self._limits.backlog_chars
        )

    def acknowledge(self) -> None:
        """Tell everybody who waits that there is no more to wait for: nothing becomes durable."""
        for entry in self._backlog.entries:
            entry.release()

    @property
    def last(self) -> Entry | None:
        """What was added last and is not durable yet."""
        return self._backlog.last

    def waiting(self) -> tuple[Entry, ...]:
        """Return what is not durable yet, oldest first."""
        return self._backlog.entries

    def routes_of(self, key: str) -> set[Route]:
        """Return the routes in which something about ``key`` is not durable yet."""
        return self._backlog.routes_of(key)

    @contextmanager
    def thrown_away(self) -> Iterator[None]:
        """Forget what waits; what is added from now on is not committed inside the block."""
        self._epoch += 1
        self.acknowledge()
        self._backlog.clear()
        self._holds += 1
        self._free.clear()
        try:
            yield
        finally:
            self._holds -= 1
            if self._holds == 0:
                self._free.set()

    async def alone(self, action: Callable[[], Awaitable[None]]) -> None:
        """Run ``action`` while no commit is under way."""
        async with self._lock:
            await action()

    async def commit_now(self, entry: Entry) -> None:
        """Make ``entry`` durable, and all before it.

        Raises:
            HostError: It is not durable and has been taken back.
        """
        self._backlog.add(entry)
        try:
            await self.commit()
        except Exception:
            if not entry.settled:
                self._backlog.remove(entry)
                raise

    async def commit(self) -> None:
        """Make everything added so far durable.

        Raises:
            HostError: Some of it is not; it is tried again with the next commit.
        """
        last, epoch = self._backlog.last, self._epoch
        await self._free.wait()
        await self._commit_to(last, epoch, self._append)

    async def try_commit(self, append: Append) -> None:
        """Make everything added so far durable through ``append``; raises as :meth:`commit`."""
        await self._commit_to(self._backlog.last, self._epoch, append)

    async def _commit_to(self, last: Entry | None, epoch: int, append: Append) -> None:
        async with self._lock:
            # What was thrown away meanwhile needs no more; neither does what was dropped.
            while last is not None and not last.settled and len(self._backlog):
                if self._holds or epoch != self._epoch:
                    return
                await self._commit_once(append)

    async def _commit_once(self, append: Append) -> None:
        commit, epoch = self._backlog.next_commit(self._limits.commit_chars), self._epoch
        started_ms = self._clock.monotonic_ms()
        try:
            await append(commit.routes, "strict" if commit.has_keys else "relaxed")
        except EdgeError as error:
            self.last_error = error
            self.bound()
            raise
        if epoch == self._epoch:
            self._settle(commit, self._clock.monotonic_ms() - started_ms)

    def _settle(self, commit: Commit, duration_ms: float) -> None:
        # Before anybody hears of it: who waited for a put may read at once.
        self._on_durable(commit)
        self._backlog.settle(commit)
        self.last_error = None
        self.last_commit_ms = round(duration_ms, 3)

    async def _commit_regularly(self, tell: Callable[[EdgeError], None]) -> None:
        while True:
            await self._dirty.wait()
            failed = self.last_error is not None
            pause_ms = self._limits.commit_retry_ms if failed else self._limits.commit_window_ms
            await self._pause(pause_ms)
            self._dirty.clear()
            try:
                await self.commit()
            except EdgeError:
                self._dirty.set()
            except Exception as error:  # A defect must not end the commits for good.
                self.last_error = defect("commits", error)
                self._dirty.set()
                self.bound()
                tell(self.last_error)

    async def _pause(self, duration_ms: float) -> None:
        """Wait for the window's end, or until :meth:`add` finds it full and cancels the timer."""
        if self._backlog.operations < self._limits.commit_ops or self.last_error is not None:
            self._window = asyncio.create_task(self._clock.sleep_ms(duration_ms))
            await asyncio.wait([self._window])
            self._window = None
