"""A job, the run that carries it out, and the calls that wait for the run."""

import asyncio
import math
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Generic, TypeVar

from ..errors import EdgeError, RefusedError, error_from_dict
from ..host.ports import Clock
from ..pure.tickets import Phase, Ticket, run_ended
from ..types import JsonValue, Priority, Supersede, WaitedFor

T = TypeVar("T")


async def _calls_nobody(run: "Run[Any]", task_name: str, ext_data: Mapping[str, JsonValue]) -> None:
    raise RefusedError("runtime-stopped", "ctx.call: expected a runtime with tasks, got none.")


@dataclass(frozen=True, slots=True)
class Job(Generic[T]):
    """What to run and how long it may take.

    Attributes:
        name: The task's name.
        run: Called once with the :class:`Run` as its lease; raises EdgeErrors only.
        priority: The line it waits in.
        timeout_ms: The task's own limit, from its start.
        caller_timeout_ms: The caller's limit, from submission, waiting included; None for none.
        supersede: What it means for a waiting run of the same name and ``supersede_key``.
        supersede_key: Tells runs of one task apart.
        call: Runs another task for a run; the code's ``ctx.call``.
        run_id: For reports.
        failed: Called when its run raised or took too long, and not when it was ended otherwise.
        asker: Whose it is, for the page: the id of a call, or the client whose event asked for it.
    """

    name: str
    run: "Callable[[Run[T]], Awaitable[T]]"
    priority: Priority
    timeout_ms: float
    caller_timeout_ms: float | None = None
    supersede: Supersede = Supersede.NONE
    supersede_key: str = ""
    call: "Callable[[Run[Any], str, Mapping[str, JsonValue]], Awaitable[JsonValue]]" = _calls_nobody
    run_id: str = ""
    failed: Callable[[], None] = lambda: None
    asker: int | str | None = None


@dataclass(frozen=True, slots=True)
class Outcome(Generic[T]):
    """What the run ``run_id`` returned, where its time went (ms), and why it waited first."""

    value: T
    queued_ms: float
    run_ms: float
    total_ms: float
    lane_ms: float = 0.0
    waited_for: WaitedFor | None = None
    run_id: str = ""


@dataclass(eq=False, slots=True)
class Call(Generic[T]):
    """One caller of a run; several calls may have joined one run.

    Attributes:
        run: What it waits for.
        submitted_ms, deadline_ms: Its own times, on the monotonic clock.
        timeout_ms: The limit that the deadline came from.
        done: Told the outcome in the turn in which it is known; costs no future.
        result: The outcome, or the error; None before.
    """

    run: "Run[T]"
    submitted_ms: float
    deadline_ms: float
    timeout_ms: float | None
    done: Callable[[Outcome[T] | BaseException], None] | None = None
    result: Outcome[T] | BaseException | None = None
    _outcome: "asyncio.Future[Outcome[T]] | None" = None

    @property
    def outcome(self) -> "asyncio.Future[Outcome[T]]":
        """A future of the outcome, made when first asked for."""
        if self._outcome is None:
            self._outcome = asyncio.get_running_loop().create_future()
            self._resolve()
        return self._outcome

    def settle(self, result: Outcome[T] | BaseException) -> None:
        """Tell the caller; the first result counts."""
        if self.result is not None:
            return
        self.result = result
        self._resolve()
        if self.done is not None:
            self.done(result)

    def when_settled(self, then: Callable[[], None]) -> None:
        """Call ``then`` in the turn in which the outcome is known, now if it is."""
        if self.result is not None:
            then()
        else:
            self.done = partial(_both, self.done, then)

    def _resolve(self) -> None:
        outcome, result = self._outcome, self.result
        if outcome is None or result is None or outcome.done():
            return
        if isinstance(result, Outcome):
            outcome.set_result(result)
        else:
            outcome.set_exception(result)


@dataclass(eq=False, slots=True, kw_only=True)
class Run(Ticket, Generic[T]):
    """A submitted job on its way, and its code's lease: the right to have effects until settled.

    Attributes:
        job: What to run.
        clock: Measures.
        calls: Who waits for it.
        code: Its asyncio task, once started.
        has_begun: The code has taken its first step.
        made_calls: How many runs it has called.
        pending_calls: Runs it called and waits for.
        children: The calls of those.
        returning: Wakes its code when it has a slot again.
        lane_ms: Time spent waiting for inference workers.
        granted_ms: What its own limit was moved by.
        alarm: Told of another deadline.
    """

    job: Job[T]
    clock: Clock
    calls: list[Call[T]] = field(default_factory=list)
    code: "asyncio.Task[None] | None" = None
    has_begun: bool = False
    made_calls: int = 0
    pending_calls: int = 0
    children: dict[int, Call[Any]] = field(default_factory=dict)
    returning: "list[asyncio.Future[None]]" = field(default_factory=list)
    lane_ms: float = 0.0
    granted_ms: float = 0.0
    alarm: Callable[[float], None] = lambda _: None

    @property
    def budget_ms(self) -> float:
        """Milliseconds until the deadline."""
        return self.deadline_ms - self.clock.monotonic_ms()

    @property
    def asker(self) -> int | str | None:
        """The job's."""
        return self.job.asker

    def check(self) -> None:
        """Refuse effects of a run that is settled, or should be: its deadline has passed.

        Raises:
            RefusedError: ``run-ended``.
        """
        if self.is_settled or self.budget_ms <= 0:
            raise run_ended(self)

    def grant(self, more_ms: float) -> None:
        """Move the deadline: what the code waited for was not its own. The callers' limits hold."""
        if not self.is_settled:
            self.granted_ms += more_ms
            # Not from the deadline as it is: a caller's limit may have cut off what was granted.
            own_ms = self.started_ms + self.timeout_ms + self.granted_ms
            latest_ms = max((call.deadline_ms for call in self.calls), default=math.inf)
            self.deadline_ms = min(own_ms, latest_ms)
            self.alarm(self.deadline_ms)

    def waited_in_lane(self, wait_ms: float) -> None:
        """Add ``wait_ms`` above 0 of waiting for an inference worker."""
        self.lane_ms += wait_ms
        if self.waited_for is None:
            self.waited_for = WaitedFor.LANE

    async def call(self, task_name: str, ext_data: Mapping[str, JsonValue]) -> JsonValue:
        """Run another task and return its value."""
        return await self.job.call(self, task_name, ext_data)

    def wake(self) -> None:
        """Let code go on that waits for a slot, or for nothing any more."""
        waiting, self.returning = self.returning, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def take_calls(self) -> list[Call[T]]:
        """Return who is to be told, once."""
        calls, self.calls = self.calls, []
        return calls

    def outcome_for(self, call: Call[T], value: T, now_ms: float) -> Outcome[T]:
        """Return what ``call`` is told when the code has returned ``value``."""
        queued_ms, run_ms = self.started_ms - call.submitted_ms, now_ms - self.started_ms
        total_ms, run_id = queued_ms + run_ms, self.job.run_id
        return Outcome(value, queued_ms, run_ms, total_ms, self.lane_ms, self.waited_for, run_id)

    @property
    def is_waiting(self) -> bool:
        """True before the start."""
        return self.phase is Phase.WAITING


def _both(
    done: Callable[[Any], None] | None,
    then: Callable[[], None],
    result: Outcome[Any] | BaseException,
) -> None:
    if done is not None:
        done(result)
    then()


def own_copy(error: BaseException) -> BaseException:
    """Return an object of its own for one of several callers; raising changes an exception."""
    return error_from_dict(error.to_dict()) if isinstance(error, EdgeError) else error
