"""The system's time."""

import asyncio
import time


class SystemClock:
    """Implements ``Clock``."""

    def now_ms(self) -> float:
        """Return Unix time."""
        return time.time() * 1000

    def monotonic_ms(self) -> float:
        """Return a time that never goes back."""
        return time.perf_counter() * 1000

    async def sleep_ms(self, duration_ms: float) -> None:
        """Return after ``duration_ms``."""
        await asyncio.sleep(max(0.0, duration_ms) / 1000)
