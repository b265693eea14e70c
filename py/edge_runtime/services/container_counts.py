"""What is told of VMs in statistics."""

from collections.abc import Iterable
from dataclasses import dataclass

from ..pure.statistics import VmStatistics


@dataclass(slots=True)
class VmCounts:
    """Counts since the start; ``start_ms`` is how long the latest start took."""

    started: int = 0
    killed: int = 0
    recycled: int = 0
    start_ms: float | None = None

    def statistics(
        self,
        reason: str | None = None,
        *,
        mode: str = "inline",
        spare: int = 0,
        running: int = 0,
        heap_bytes: Iterable[int] = (),
    ) -> VmStatistics:
        """Return the record; ``heap_bytes`` are those of VMs that are ready."""
        heaps = [*heap_bytes]
        return VmStatistics(
            mode=mode,
            reason=reason,
            ready=len(heaps),
            spare=spare,
            running=running,
            startMs=self.start_ms,
            heapBytes=heaps,
            started=self.started,
            killed=self.killed,
            recycled=self.recycled,
        )
