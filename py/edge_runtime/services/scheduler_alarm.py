"""One timer for many deadlines."""

import asyncio
import math
from collections.abc import Callable
from typing import Final

from ..host.ports import Clock

_AGAIN_MS: Final = 100


class Alarm:
    """Calls ``ring`` when the earliest time it was set to has come.

    A timer per run would cost another asyncio task per run; deadlines mostly lie further ahead than
    the one already waited for, so setting this one is a comparison.

    Args:
        clock: Times are its monotonic milliseconds.
        ring: Handles all that is due and returns the next time to ring; infinity for none.
    """

    def __init__(self, clock: Clock, ring: Callable[[], float]) -> None:
        self._clock = clock
        self._ring = ring
        self._at_ms = math.inf
        self._sleeper: asyncio.Task[None] | None = None

    def set(self, at_ms: float) -> None:
        """Ring at ``at_ms``, or earlier if it was set to that before."""
        if at_ms >= self._at_ms:
            return
        if self._sleeper is not None:
            self._sleeper.cancel()
        self._at_ms = at_ms
        self._sleeper = asyncio.create_task(self._sleep())

    async def stop(self) -> None:
        """Never ring again."""
        self._at_ms = -math.inf
        if self._sleeper is not None:
            self._sleeper.cancel()
            await asyncio.gather(self._sleeper, return_exceptions=True)

    async def _sleep(self) -> None:
        while self._at_ms < math.inf:
            await self._clock.sleep_ms(max(0.0, self._at_ms - self._clock.monotonic_ms()))
            self._at_ms = self._rung()

    def _rung(self) -> float:
        try:
            return self._ring()
        except Exception as error:
            # What comes due later must not wait for ever because of what is told now.
            context = {"message": "told what is due", "exception": error}
            asyncio.get_running_loop().call_exception_handler(context)
            return self._clock.monotonic_ms() + _AGAIN_MS
