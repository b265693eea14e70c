"""One run as the dispatcher sees it, and the ways it can be refused or cut short."""

import math
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from ..errors import RefusedError, TaskError
from ..types import Priority, Supersede, WaitedFor
from .waiting_lines import PRIORITIES, Place

OVERDUE_MS: Final = 1_000
"""Code that has not returned so long after its deadline is reported."""

STUCK_MS: Final = 10_000
"""Code that has not returned so long after its deadline is not expected to any more."""


class Phase(Enum):
    """Where a run is. The last two are settled; ``ENDING`` means its code has not returned yet.

    ``PARKED`` waits for runs that it called and has no slot; ``RETURNING`` waits for one again.
    """

    WAITING = auto()
    RUNNING = auto()
    PARKED = auto()
    RETURNING = auto()
    ENDING = auto()
    ENDED = auto()


@dataclass(eq=False, slots=True, kw_only=True)
class Ticket:
    """A submitted run. Times are the monotonic clock's milliseconds.

    Attributes:
        task: The task's name.
        priority: Its queue; never changes.
        timeout_ms: The task's own limit, from the start.
        submitted_ms: When it was admitted; the dispatcher writes this and what follows ``chain``.
        deadline_ms: When it is ended: the caller's limit, from the start on the task's as well.
        caller_timeout_ms: The limit that ``deadline_ms`` came from, for messages.
        supersede: What it means for a waiting run of the same key.
        key: Task name and supersede key; None where ``supersede`` is ``none``.
        chain: The tasks that called it, the outermost first.
        number: Order of arrival, from 1.
        place, since_ms: Where it stands in its line and since when; a run that supersedes another
            stands where that one stood.
        waited_for: Why it did not start at once.
        holds_slot: One of the dispatcher's slots is its own.
        permit: What the gate gave it.
        is_overdue: It was reported for running on after its deadline.
        is_stuck: Nobody expects its code to return any more.
    """

    task: str
    priority: Priority
    timeout_ms: float
    submitted_ms: float = 0.0
    deadline_ms: float = math.inf
    caller_timeout_ms: float | None = None
    supersede: Supersede = Supersede.NONE
    key: str | None = None
    chain: tuple[str, ...] = ()
    number: int = 0
    place: Place = (0, 0)
    since_ms: float = 0.0
    phase: Phase = Phase.WAITING
    started_ms: float = 0.0
    waited_for: WaitedFor | None = None
    holds_slot: bool = False
    permit: Any = field(default=None, repr=False)
    is_overdue: bool = False
    is_stuck: bool = False

    @property
    def is_settled(self) -> bool:
        """True once its outcome is known; from then on it has no effect."""
        return self.phase is Phase.ENDING or self.phase is Phase.ENDED

    @property
    def due_ms(self) -> float:
        """When the dispatcher must look at it again, inf for never."""
        if self.phase is Phase.ENDING:
            grace_ms = STUCK_MS if self.is_overdue else OVERDUE_MS
            return math.inf if self.is_stuck else self.deadline_ms + grace_ms
        return self.deadline_ms

    def joins(self, waiting: "Ticket") -> bool:
        """Say whether it takes the outcome of a run of its key that waits, and is as urgent."""
        order = PRIORITIES.index
        is_urgent_enough = order(waiting.priority) <= order(self.priority)
        return self.supersede is Supersede.JOIN and is_urgent_enough

    def wait_as_long_as(self, other: "Ticket") -> None:
        """Take over the deadline of a run that joined this one, if it is later."""
        if other.deadline_ms > self.deadline_ms:
            self.deadline_ms = other.deadline_ms
            self.caller_timeout_ms = other.caller_timeout_ms


def cancelled(ticket: Ticket) -> RefusedError:
    """Say that the caller no longer wants the run."""
    message = f"run of {ticket.task}: expected to end by itself, got cancelled by the caller."
    return RefusedError("run-cancelled", message)


def stopped(ticket: Ticket) -> RefusedError:
    """Say that the runtime has stopped or is about to."""
    message = f"run of {ticket.task}: expected a started runtime, got a stopped one. Start it."
    return RefusedError("runtime-stopped", message)


def superseded(ticket: Ticket) -> RefusedError:
    """Say that a newer run of the same key waits in this one's place."""
    return RefusedError(
        "run-superseded",
        f"run of {ticket.task}: expected to be the latest, got a newer one while it waited. Take "
        "the newer one's result.",
    )


def queue_full(priority: Priority, limit: int) -> RefusedError:
    """Say that nothing more may wait in a line."""
    return RefusedError(
        "queue-full",
        f"queue {priority.value}: expected fewer than {limit} waiting, got {limit}. Try again "
        "when some have run.",
        {"queue": priority.value, "limit": limit},
    )


def too_late(task: str, limit_ms: float | None) -> RefusedError:
    """Say that the caller's limit passed before the start."""
    return RefusedError(
        "deadline-passed",
        f"run of {task}: expected to start within {limit_ms or 0:g} ms, got no free slot in "
        "time. Try again later or with a longer timeoutMs.",
        {"timeoutMs": limit_ms},
    )


def too_long(ticket: Ticket, deadline_ms: float) -> TaskError:
    """Say that a started run passed its deadline, and whose limit that was."""
    limit_ms = deadline_ms - ticket.started_ms
    whose = "the task's" if limit_ms >= ticket.timeout_ms else "what was left of the caller's"
    return TaskError(
        "task-timeout",
        f"run of {ticket.task}: expected to end within {limit_ms:g} ms ({whose} timeout), got no "
        "end. It was cancelled: do less work per run or raise the timeout.",
        {"timeoutMs": limit_ms},
    )


def run_ended(ticket: Ticket) -> RefusedError:
    """Say that a run which has ended wanted to have an effect."""
    return RefusedError(
        "run-ended",
        f"run of {ticket.task}: expected ctx to be used until the run ends, got a use after it. "
        "Nothing was done: let cancellation pass, and await what you start.",
    )
