"""One run on its way through the scheduler, and the ways it can be refused or cut short."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any, Generic, TypeVar

from ..errors import RefusedError, TaskError
from ..types import Priority

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """What to run and how long it may take.

    Attributes:
        name: The task's name, for messages.
        run: Called once with the milliseconds it has; raises EdgeErrors only.
        priority: The line it waits in.
        timeout_ms: The task's own limit, from its start.
        caller_timeout_ms: The caller's limit, from submission, waiting included; None for none.
    """

    name: str
    run: Callable[[float], Awaitable[T]]
    priority: Priority
    timeout_ms: float
    caller_timeout_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What a run returned and where its time went, milliseconds."""

    value: T
    queued_ms: float
    run_ms: float
    total_ms: float


class Phase(Enum):
    """Where a run is; it only moves down this list.

    ``ENDING``: the outcome is settled, the code has not returned yet and holds its slot.
    """

    WAITING = auto()
    RUNNING = auto()
    ENDING = auto()
    ENDED = auto()


@dataclass(eq=False, slots=True)
class Run(Generic[T]):
    """A submitted job; ``outcome`` resolves to an :class:`Outcome` or raises an EdgeError."""

    job: Job[T]
    outcome: "asyncio.Future[Outcome[T]]"
    submitted_ms: float
    deadline_ms: float
    started_ms: float = 0.0
    phase: Phase = Phase.WAITING
    task: "asyncio.Task[None] | None" = None

    def settle(self, result: Outcome[T] | BaseException) -> None:
        """Resolve ``outcome``, unless its caller was cancelled and listens no more."""
        if self.outcome.done():
            return
        if isinstance(result, Outcome):
            self.outcome.set_result(result)
        else:
            self.outcome.set_exception(result)


def cancelled(job: Job[Any]) -> RefusedError:
    """Say that the caller no longer wants the run."""
    message = f"run of {job.name}: expected to end by itself, got cancelled by the caller."
    return RefusedError("run-cancelled", message)


def stopped(job: Job[Any]) -> RefusedError:
    """Say that the runtime has stopped or is about to."""
    message = f"run of {job.name}: expected a started runtime, got a stopped one. Start it again."
    return RefusedError("runtime-stopped", message)


def too_late(run: Run[Any]) -> RefusedError:
    """Say that the caller's limit passed before the start."""
    limit_ms = run.job.caller_timeout_ms
    return RefusedError(
        "deadline-passed",
        f"run of {run.job.name}: expected to start within {limit_ms:g} ms, got no free slot in "
        "time. Try again later or with a longer timeoutMs.",
        {"timeoutMs": limit_ms},
    )


def too_long(run: Run[Any]) -> TaskError:
    """Say that a started run passed its deadline, and whose limit that was."""
    limit_ms = run.deadline_ms - run.started_ms
    whose = "the task's" if limit_ms >= run.job.timeout_ms else "what was left of the caller's"
    return TaskError(
        "task-timeout",
        f"run of {run.job.name}: expected to end within {limit_ms:g} ms ({whose} timeout), got no "
        "end. It was cancelled: do less work per run or raise the timeout.",
        {"timeoutMs": limit_ms},
    )
