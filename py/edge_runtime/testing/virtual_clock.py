"""The clock of a virtual loop."""

import asyncio

from .manual_clock import START_MS
from .virtual_loop import VirtualLoop


class VirtualClock:
    """Implements the ``Clock`` port; several clocks of one loop may differ in the Unix time.

    Args:
        loop: Its time is the monotonic time.
        now_ms: The Unix time at the beginning of the loop's time.
    """

    def __init__(self, loop: VirtualLoop, now_ms: float = START_MS) -> None:
        self._loop = loop
        self._ahead_ms = now_ms

    def now_ms(self) -> float:
        """Return the Unix time, which :meth:`set_now` may have set."""
        return self._ahead_ms + self._loop.now_ms

    def monotonic_ms(self) -> float:
        """Return the loop's time."""
        return self._loop.now_ms

    async def sleep_ms(self, duration_ms: float) -> None:
        """Return when the time has come; for zero or less once others had a turn."""
        if duration_ms <= 0:
            await asyncio.sleep(0)
            return
        future: asyncio.Future[None] = self._loop.create_future()
        timer = self._loop.call_at_ms(self._loop.now_ms + duration_ms, _wake, future)
        try:
            await future
        finally:
            timer.cancel()

    def set_now(self, now_ms: float) -> None:
        """Set the Unix time as a user sets a device's clock; sleepers do not notice."""
        self._ahead_ms = now_ms - self._loop.now_ms


def _wake(future: "asyncio.Future[None]") -> None:
    if not future.done():
        future.set_result(None)
