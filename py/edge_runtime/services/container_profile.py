"""The ``ctx`` of one run in development: it notes where the run's time goes."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from ..pure.manifest import OpenedBundle
from ..pure.vm_messages import ASKABLE
from ..types import Activation, JsonValue
from .container_context import Lease, RunContext, Surroundings

SQL_CHARS: Final = 200
QUERIES: Final = 100
"""How many queries a profile lists; ``asks`` counts all of them."""


class ProfiledContext(RunContext):
    """A :class:`RunContext` whose run ends with a profile, and a line of it for the page's log."""

    def __init__(
        self,
        bundle: OpenedBundle,
        activation: Activation,
        around: Surroundings,
        lease: Lease,
    ) -> None:
        super().__init__(bundle, activation, around, lease)
        self._began_ms = around.clock.monotonic_ms()
        self._queries: list[JsonValue] = []
        self._asks: Counter[str] = Counter()
        for name in ASKABLE:
            setattr(self, name, self._counted(name, getattr(self, name)))

    def end(self) -> None:
        """End as every run does, and tell its profile, also of one that failed."""
        super().end()
        run_ms = self._around.clock.monotonic_ms() - self._began_ms
        self.profile = self._profile(run_ms)
        whose = {"taskName": self._activation.task_name, "runId": self._activation.run_id}
        message = f"profile: {self.cpu_ms:.1f} ms of {run_ms:.1f} ms computed"
        body = {"level": "debug", "message": message, **whose, "profile": self.profile}
        self._around.page.notify("log", body)

    async def query(
        self, sql: str, params: Mapping[str, Any] | None = None
    ) -> list[dict[str, Any]]:
        """Read events and keys with one SELECT, and note how long that took."""
        began_ms, rows = self._around.clock.monotonic_ms(), None
        try:
            found = await super().query(sql, params)
            rows = len(found)
            return found
        finally:
            if len(self._queries) < QUERIES:
                ms = round(self._around.clock.monotonic_ms() - began_ms, 3)
                self._queries.append({"sql": str(sql)[:SQL_CHARS], "ms": ms, "rows": rows})

    def _counted(
        self, name: str, method: Callable[..., Awaitable[Any]]
    ) -> Callable[..., Awaitable[Any]]:
        def counted(*given: Any, **named: Any) -> Awaitable[Any]:
            self._asks[name] += 1
            return method(*given, **named)

        return counted

    def _profile(self, run_ms: float) -> dict[str, JsonValue]:
        return {
            "cpuMs": round(self.cpu_ms, 3),
            # Its own code may have been measured by another clock, that of its VM.
            "waitMs": round(max(0.0, run_ms - self.cpu_ms), 3),
            "inferMs": round(self.infer_ms, 3),
            "laneMs": round(self._lease.lane_ms, 3),
            "queries": list(self._queries),
            "asks": dict(self._asks),
            "heapBytes": self.heap_bytes,
        }
