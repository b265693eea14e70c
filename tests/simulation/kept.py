"""What storage may hold of a value that is written again with each change."""

import math
from collections.abc import Callable
from typing import Generic, TypeVar

V = TypeVar("V")

# A second between writes of one value, and what a commit takes.
SURELY_KEPT_MS = 1_100


class Kept(Generic[V]):
    """The values so far; the one that was found last is certain, as is what a calm end has kept."""

    def __init__(self, now_ms: Callable[[], float], first: V) -> None:
        self._now_ms = now_ms
        self.found(first)

    def found(self, value: V) -> None:
        """Begin anew: a start has found ``value``."""
        self._values: list[tuple[float, V]] = [(-math.inf, value)]
        self._changed = [0]
        self._trouble_ms = math.inf

    def note(self, value: V, *, is_change: bool) -> None:
        """Take in the value of now. It may be written; because of a change it must be."""
        if is_change:
            self._changed.append(len(self._values))
        self._values.append((self._now_ms(), value))

    def trouble(self) -> None:
        """Take in that from now on writes may fail, which are not tried again before a change."""
        self._trouble_ms = min(self._now_ms(), self._trouble_ms)

    def candidates(self, *, died: bool) -> list[V]:
        """Return what a start may find, the latest first."""
        surely_ms = self._now_ms() - SURELY_KEPT_MS if died else self._now_ms()
        first = max(n for n in self._changed if self._is_written(self._values[n][0], surely_ms))
        return [value for _, value in self._values[first:]][::-1]

    def _is_written(self, at_ms: float, surely_ms: float) -> bool:
        return at_ms <= surely_ms and at_ms < self._trouble_ms
