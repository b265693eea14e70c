"""How the latest calls ended.

>>> window = OutcomeWindow(size=2, window_ms=100)
>>> for at_ms in (0, 10, 20):
...     window.add(at_ms, failed=True, slow=False)
>>> window.calls, window.failures, window.slow
(2, 2, 0)
>>> window.forget(now_ms=115)
>>> window.calls
1
"""

from collections import deque


class OutcomeWindow:
    """The last ``size`` calls not older than ``window_ms``, counted; every operation is O(1).

    Times must not go back; older calls are forgotten when time is told, not by themselves.
    """

    def __init__(self, size: int, window_ms: float) -> None:
        self._size = size
        self._window_ms = window_ms
        self._calls: deque[tuple[float, bool, bool]] = deque()
        self.failures = 0
        self.slow = 0

    @property
    def calls(self) -> int:
        """How many calls are counted."""
        return len(self._calls)

    def add(self, at_ms: float, *, failed: bool, slow: bool) -> None:
        """Count a call that ended at ``at_ms``."""
        self.forget(at_ms)
        if len(self._calls) == self._size:
            self._drop()
        self._calls.append((at_ms, failed, slow))
        self.failures += failed
        self.slow += slow

    def forget(self, now_ms: float) -> None:
        """Leave out what is older than the window."""
        while self._calls and self._calls[0][0] <= now_ms - self._window_ms:
            self._drop()

    def clear(self) -> None:
        """Begin anew."""
        self._calls.clear()
        self.failures = self.slow = 0

    def _drop(self) -> None:
        _, failed, slow = self._calls.popleft()
        self.failures -= failed
        self.slow -= slow
