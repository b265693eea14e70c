"""Notices when a model has become much slower than it was: then it is measured again."""

from collections import deque
from collections.abc import Collection
from typing import Final

_RUNS: Final = 16
_SLOWER: Final = 2.0
_NOISE_MS: Final = 1.0


class ServiceTime:
    """Times of one model's runs, its first ones against its latest."""

    def __init__(self) -> None:
        self._first: list[float] = []
        self._latest: deque[float] = deque(maxlen=_RUNS)

    def add(self, ms: float) -> None:
        """Take in a run's time, milliseconds."""
        if len(self._first) < _RUNS:
            self._first.append(ms)
        else:
            self._latest.append(ms)

    @property
    def has_drifted(self) -> bool:
        """Say whether the latest runs take more than twice as long as the first ones did."""
        if len(self._latest) < _RUNS:
            return False
        return middle(self._latest) > _SLOWER * middle(self._first) + _NOISE_MS


def middle(values: Collection[float]) -> float:
    """Return the median, of two middle values the lower one; there is at least one value."""
    return sorted(values)[(len(values) - 1) // 2]
