"""Tells pages how runs ended that nobody waits for, and of code that does not end."""

from .errors import EdgeError
from .host.ports import Page
from .pure.tickets import OVERDUE_MS
from .services.container import Completion
from .services.scheduler_run import Run
from .types import Activation, Result


class Reports:
    """Tells pages; part of the composition root."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._stopped = False

    def ended(self, activation: Activation, client: str, ended: Result | BaseException) -> None:
        """Send a run's result or its error to the page of ``client``."""
        if isinstance(ended, Result):
            self._page.notify("result", ended.to_dict(), client)
        elif not isinstance(ended, EdgeError):
            raise ended
        elif not self._stopped:  # Nobody listens who did not ask for that.
            run = {"runId": activation.run_id, "taskName": activation.task_name}
            self._page.notify("error", {**run, "error": ended.to_dict()}, client)

    def stop(self) -> None:
        """Tell of no error any more."""
        self._stopped = True


def tell_overdue(page: Page, run: Run[Completion]) -> None:
    """Warn in the page's log of code that ignores its cancellation and keeps its slot."""
    message = (
        f"run of {run.task}: expected its code to return when it was cancelled, got none within "
        f"{OVERDUE_MS} ms after its deadline. It keeps its slot: let CancelledError pass."
    )
    body = {"level": "warning", "message": message, "taskName": run.task, "runId": run.job.run_id}
    page.notify("log", body)
