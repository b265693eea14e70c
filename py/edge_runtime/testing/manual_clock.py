"""A clock that moves when told, and wakes its sleepers in the order of their times."""

import asyncio
import heapq
import itertools
from typing import Final

START_MS: Final = 1_700_000_000_000.0
_SETTLE_TURNS: Final = 100


class ManualClock:
    """Implements the ``Clock`` port; nothing here looks at the real time."""

    def __init__(self, now_ms: float = START_MS) -> None:
        self._now_ms = now_ms
        self._monotonic_ms = 0.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []

    @property
    def sleepers(self) -> int:
        """How many sleeps are going on."""
        return sum(not future.done() for _, _, future in self._sleepers)

    def now_ms(self) -> float:
        """Return the Unix time that was set, moved by every :meth:`advance`."""
        return self._now_ms

    def monotonic_ms(self) -> float:
        """Return the sum of all :meth:`advance` calls."""
        return self._monotonic_ms

    async def sleep_ms(self, duration_ms: float) -> None:
        """Return when the clock has been advanced far enough; at once for zero or less."""
        if duration_ms <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        wake_ms = self._monotonic_ms + duration_ms
        heapq.heappush(self._sleepers, (wake_ms, next(self._order), future))
        await future

    async def advance(self, duration_ms: float) -> None:
        """Move on, stopping at every sleeper on the way and letting everyone run there."""
        target_ms = self._monotonic_ms + duration_ms
        await settle()
        while self._sleepers and self._sleepers[0][0] <= target_ms:
            wake_ms, _, future = heapq.heappop(self._sleepers)
            self._move(wake_ms)
            if not future.done():
                future.set_result(None)
                await settle()
        self._move(target_ms)
        await settle()

    def set_now(self, now_ms: float) -> None:
        """Set the Unix time as a user sets a device's clock; sleepers do not notice."""
        self._now_ms = now_ms

    def _move(self, monotonic_ms: float) -> None:
        self._now_ms += monotonic_ms - self._monotonic_ms
        self._monotonic_ms = monotonic_ms


async def settle() -> None:
    """Let every task that can go on without time or input do so."""
    for _ in range(_SETTLE_TURNS):
        await asyncio.sleep(0)
