"""Percentiles of the latest measurements.

>>> window = RollingWindow(size=3)
>>> for value in [100, 1, 2, 3]:
...     window.add(value)
>>> window.percentile(50), window.percentile(99)
(2, 3)
"""

import math
from collections import deque


class RollingWindow:
    """The last ``size`` numbers; older ones are forgotten."""

    def __init__(self, size: int = 256) -> None:
        self._values: deque[float] = deque(maxlen=size)

    def __len__(self) -> int:
        return len(self._values)

    def add(self, value: float) -> None:
        """Remember ``value``."""
        self._values.append(value)

    def percentile(self, percent: float) -> float | None:
        """Return the nearest-rank percentile, 0 < percent ≤ 100; None before the first value."""
        if not self._values:
            return None
        rank = math.ceil(percent / 100 * len(self._values))
        return sorted(self._values)[rank - 1]
