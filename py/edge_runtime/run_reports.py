"""Tells pages how runs ended that nobody waits for, and of code that does not end."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from .errors import ConfigError, EdgeError
from .host.ports import Clock, Page
from .pure.events import BATCH
from .pure.tickets import OVERDUE_MS
from .services.container import Completion
from .services.scheduler_run import Run
from .types import Activation, Result

FULL_EVERY_MS: Final = 1_000
"""How often a page hears that a task's runs found a full queue: telling it costs them both time."""

_REMEMBERED: Final = 256


@dataclass(slots=True)
class _Told:
    """When a tab last heard of a full queue, and how many refusals it did not hear of since."""

    at_ms: float
    more: int = 0


class Reports:
    """Tells pages; part of the composition root."""

    def __init__(self, page: Page, clock: Clock) -> None:
        self._page = page
        self._clock = clock
        self._full: dict[tuple[str, str], _Told] = {}
        self._stopped = False

    def ended(self, activation: Activation, client: str, ended: Result | BaseException) -> None:
        """Send a run's result or its error to the page of ``client``."""
        if isinstance(ended, Result):
            self._page.notify("result", ended.to_dict(), client)
        elif not isinstance(ended, EdgeError):
            raise ended
        # Nobody listens who stopped the runtime.
        elif not self._stopped and self._is_told(activation.task_name, client, ended):
            run = {"runId": activation.run_id, "taskName": activation.task_name}
            self._page.notify("error", {**run, "error": ended.to_dict()}, client)

    def heard_lately(self, task_name: str, client: str) -> bool:
        """Say whether the page does not hear of one more of the task's runs that found no room."""
        told = self._full.get((client, task_name))
        return told is not None and self._clock.monotonic_ms() < told.at_ms + FULL_EVERY_MS

    def unheard(self, task_name: str, client: str) -> None:
        """Count one that it did not hear of."""
        self._full[client, task_name].more += 1

    def stop(self) -> None:
        """Tell of no error any more."""
        self._stopped = True

    def _is_told(self, task_name: str, client: str, error: EdgeError) -> bool:
        """Say whether the page hears of ``error``; write into it how many it did not hear of."""
        if error.code != "queue-full":
            return True
        now_ms, told = self._clock.monotonic_ms(), self._full.get((client, task_name))
        if self.heard_lately(task_name, client):
            self.unheard(task_name, client)
            return False
        error.details["more"] = 0 if told is None else told.more
        self._full.pop((client, task_name), None)
        self._full[client, task_name] = _Told(now_ms)
        if len(self._full) > _REMEMBERED:
            del self._full[next(iter(self._full))]
        return True


def tell_dropped(page: Page, errors: Sequence[ConfigError], client: str) -> None:
    """Warn in the log of the page of ``client`` of events that are not stored."""
    first = errors[0]
    is_all = first.details.get("field") == BATCH
    what = "a batch of tracked events" if is_all else f"{len(errors)} of the tracked events"
    message = f"{what} dropped, {'because' if is_all else 'the first because'}: {first}"
    page.notify("log", {"level": "warning", "message": message}, client)


def tell_overdue(page: Page, run: Run[Completion]) -> None:
    """Warn in the page's log of code that ignores its cancellation and keeps its slot."""
    message = (
        f"run of {run.task}: expected its code to return when it was cancelled, got none within "
        f"{OVERDUE_MS} ms after its deadline. It keeps its slot: let CancelledError pass."
    )
    body = {"level": "warning", "message": message, "taskName": run.task, "runId": run.job.run_id}
    page.notify("log", body)
