"""The time of a trace, in which the waiting between its lines is left out."""

from edge_runtime.host.ports import Clock


class TraceClock:
    """Implements ``Clock``: real time for what runs, moved on to the time of each line.

    Args:
        inner: The real clock.
        now_ms: Unix time at the trace's beginning.
    """

    def __init__(self, inner: Clock, now_ms: float) -> None:
        self._inner = inner
        self._began_ms = inner.monotonic_ms()
        self._skipped_ms = 0.0
        self._ahead_ms = now_ms

    def now_ms(self) -> float:
        """Return Unix time."""
        return self._ahead_ms + self.monotonic_ms()

    def monotonic_ms(self) -> float:
        """Return milliseconds since the trace's beginning."""
        return self._inner.monotonic_ms() - self._began_ms + self._skipped_ms

    async def sleep_ms(self, duration_ms: float) -> None:
        """Return after so much real time."""
        await self._inner.sleep_ms(duration_ms)

    def go_to(self, at_ms: float) -> None:
        """Leave out what is left until then, while nothing runs; never goes back."""
        self._skipped_ms += max(0.0, at_ms - self.monotonic_ms())

    def set_now(self, now_ms: float) -> None:
        """Set the Unix time."""
        self._ahead_ms = now_ms - self.monotonic_ms()
