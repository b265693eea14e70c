"""A scheduler whose dispatcher is watched: every decision of every test is audited."""

from functools import partial
from typing import Any

import edge_runtime.services.scheduler as scheduling
from edge_runtime.services.scheduler import Scheduler

from tests.substituted import substituted

from ..pure.dispatch_audit import DispatchAudit
from ..pure.findings import Findings
from ..pure.watched_dispatcher import WatchedDispatcher


def audited_scheduler(findings: Findings, clock: Any, *rest: Any, **options: Any) -> Scheduler:
    """Return a scheduler; ``findings`` hears of decisions that its dispatcher does not promise."""
    dispatcher = partial(WatchedDispatcher, DispatchAudit(findings, clock.monotonic_ms))
    with substituted(scheduling, "Dispatcher", dispatcher):
        return Scheduler(clock, *rest, **options)
