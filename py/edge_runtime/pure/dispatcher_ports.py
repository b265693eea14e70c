"""What the dispatcher calls: who carries its decisions out, and who may refuse a task."""

from typing import Any, Protocol

from ..errors import EdgeError, HostError, RefusedError, TaskError
from .tickets import Ticket


class Listener(Protocol):
    """Carries out what was decided; it may submit from within, but not wait."""

    def start(self, ticket: Any) -> None:
        """Run its code; :meth:`Dispatcher.ended` follows when that has returned."""

    def settle(self, ticket: Any, error: EdgeError) -> None:
        """Tell its callers ``error``; end its code where the phase is ``ENDING``."""

    def resume(self, ticket: Any) -> None:
        """Let code go on that was parked; it has a slot again."""

    def overdue(self, ticket: Any) -> None:
        """Report code that runs on long after its deadline; once per ticket."""

    def stuck(self) -> None:
        """Start anew: code that will not return holds every slot but the one kept for core."""


class Gate(Protocol):
    """Circuit breakers by task. Every permit is given back once, by ``done`` or ``release``."""

    def refusal(self, task: str) -> RefusedError | None:
        """Say at admission why ``task`` may not run now; None: it may."""

    def acquire(self, task: str) -> object | None:
        """Return a permit at the start; None only while ``refusal`` says why."""

    def done(self, task: str, permit: object, failed: bool, duration_ms: float) -> None:
        """Take the outcome of a run that returned, raised or took too long."""

    def release(self, task: str, permit: object) -> None:
        """Take back the permit of a run that says nothing about its task."""


class OpenGate:
    """Implements :class:`Gate`: everything may run."""

    def refusal(self, task: str) -> RefusedError | None:
        """Return None."""
        return None

    def acquire(self, task: str) -> object | None:
        """Return the same permit for all."""
        return self

    def done(self, task: str, permit: object, failed: bool, duration_ms: float) -> None:
        """Do nothing."""

    def release(self, task: str, permit: object) -> None:
        """Do nothing."""


def return_permit(gate: Gate, ticket: Ticket, error: BaseException | None, now_ms: float) -> None:
    """Give back what ``gate`` gave ``ticket``, if anything; ``error`` is how it ended.

    A task is blamed for its own errors, its own timeout and the host's errors; not for what policy
    refused, what a caller got wrong or had no time for, or a run that was cancelled.
    """
    permit, ticket.permit = ticket.permit, None
    if permit is None:
        return
    duration_ms = now_ms - ticket.started_ms
    is_callers = isinstance(error, EdgeError) and not isinstance(error, TaskError | HostError)
    if isinstance(error, TaskError) and error.code == "task-timeout":
        is_callers = duration_ms < ticket.timeout_ms
    if is_callers:
        gate.release(ticket.task, permit)
    else:
        gate.done(ticket.task, permit, error is not None, duration_ms)
