"""How the runs of one queue ended, and how long they waited."""

from typing import Final

from ..errors import EdgeError
from .rolling_window import RollingWindow
from .statistics import Percentiles, QueueStatistics

_ABORTED: Final = {
    "run-cancelled": "cancelled",
    "runtime-stopped": "cancelled",
    "run-superseded": "superseded",
    "task-timeout": "timedOut",
}


class QueueCounts:
    """Counts since the start; :class:`QueueStatistics` says what each means."""

    def __init__(self) -> None:
        self.joined = 0
        self.overdue = 0
        self._ended = dict.fromkeys(
            ("finished", "refused", "cancelled", "timedOut", "superseded"), 0
        )
        self._wait_ms = RollingWindow()

    def started(self, wait_ms: float) -> None:
        """Count a start after ``wait_ms`` in line."""
        self._wait_ms.add(wait_ms)

    def finished(self) -> None:
        """Count a run that returned or raised by itself."""
        self._ended["finished"] += 1

    def refused(self) -> None:
        """Count a run that never started."""
        self._ended["refused"] += 1

    def cut_short(self, error: EdgeError) -> None:
        """Count a run that was refused or ended with ``error``."""
        self._ended[_ABORTED.get(error.code, "refused")] += 1

    def statistics(self, waiting: int, running: int, parked: int) -> QueueStatistics:
        """Return the figures, with those that are known elsewhere."""
        return QueueStatistics(
            waiting=waiting,
            running=running,
            parked=parked,
            finished=self._ended["finished"],
            refused=self._ended["refused"],
            cancelled=self._ended["cancelled"],
            timedOut=self._ended["timedOut"],
            superseded=self._ended["superseded"],
            joined=self.joined,
            overdue=self.overdue,
            waitMs=Percentiles(p50=self._wait_ms.percentile(50), p99=self._wait_ms.percentile(99)),
        )
