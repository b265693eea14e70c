"""Takes jobs, cancels them, and asks the dispatcher when they run: calls, deadlines, nested calls.

A run's outcome is settled as early as possible; its slot is released only when its code has really
returned, so that one that ignores its cancellation cannot multiply.
"""

import asyncio
import math
from collections.abc import Callable
from typing import Any, Final, TypeVar

from ..config import SchedulerConfig
from ..errors import EdgeError
from ..host.ports import Clock
from ..pure.dispatcher import Dispatcher
from ..pure.dispatcher_ports import Gate, OpenGate
from ..pure.nested_call import check_call
from ..pure.statistics import QueueStatistics
from ..pure.tickets import Phase, cancelled, stopped, too_late, too_long
from ..types import Priority, Supersede
from .scheduler_alarm import Alarm
from .scheduler_hands import Hands
from .scheduler_run import Call, Job, Outcome, Run

T = TypeVar("T")

STOP_GRACE_MS: Final = 1_000


class Scheduler:
    """Runs jobs, the most urgent first, at most ``config.max_running`` at a time.

    Args:
        clock: Its monotonic time is the dispatcher's.
        config: Slots, limits and ageing.
        gate: Circuit breakers.
        overdue: Told of a run whose code goes on long after its deadline.
        stuck: Told, perhaps again and again, that such code holds the slots and will not return.
    """

    def __init__(
        self,
        clock: Clock,
        config: SchedulerConfig,
        gate: Gate | None = None,
        overdue: Callable[[Run[Any]], None] | None = None,
        stuck: Callable[[], None] | None = None,
    ) -> None:
        self._clock = clock
        self._alarm = Alarm(clock, self._expire_due)
        self._hands = Hands(
            clock,
            alarm=self._alarm.set,
            ended=self._ended,
            fill=self._fill,
            cancel=self.cancel,
            overdue=overdue,
            stuck=stuck,
        )
        self._dispatcher = Dispatcher(config, self._hands, gate or OpenGate())
        self._shared: dict[int, Call[Any]] = {}
        self._stopped = False

    @property
    def paused(self) -> bool:
        """True while no run is started."""
        return self._dispatcher.paused

    def submit(
        self,
        job: Job[T],
        done: Callable[[Outcome[T] | BaseException], None] | None = None,
        chain: tuple[str, ...] = (),
    ) -> Call[T]:
        """Start ``job`` now if a slot is free, else let it wait, or join a run that waits.

        Args:
            job: What to run.
            done: Told how it ended; None: the caller reads ``outcome``.
            chain: The tasks that called it, the outermost first.

        Raises:
            RefusedError: Queue full, deadline passed, breaker open, or runtime stopped.
        """
        now_ms = self._clock.monotonic_ms()
        run = self._run(job, chain, now_ms)
        if self._stopped:
            raise stopped(run)
        call = Call(run, now_ms, run.deadline_ms, job.caller_timeout_ms, done)
        run.calls.append(call)
        # Where somebody waits. Of events one batch starts many, whose order must not depend on how
        # soon each returns.
        with self._hands.submitting(run if done is None else None):
            joined: Run[T] = self._dispatcher.submit(run, now_ms)  # type: ignore[assignment]
        if joined is not run:
            self._join(call, joined)
        if call.result is None:
            self._alarm.set(call.deadline_ms)
        return call

    def refuses(self, task: str, priority: Priority) -> bool:
        """Refuse a job that supersedes none where its queue is full: :meth:`submit` costs more."""
        now_ms = self._clock.monotonic_ms()
        return not self._stopped and self._dispatcher.refuses(task, priority, now_ms)

    async def wait(self, call: Call[T]) -> Outcome[T]:
        """Return the outcome of ``call``; cancelling the caller cancels the call.

        Raises:
            RefusedError: ``run-cancelled``, ``run-superseded``, ``deadline-passed``,
                ``circuit-open`` or ``runtime-stopped``.
            TaskError: ``task-timeout``, and whatever ``job.run`` raises.
        """
        try:
            return await call.outcome
        except asyncio.CancelledError:
            self.cancel(call)
            raise

    async def call(self, caller: Run[Any], task: str, submit: Callable[[], Call[T]]) -> Outcome[T]:
        """Run another task for the code of ``caller``, which gives its slot away meanwhile.

        Args:
            caller: A run that runs; several calls at once are fine.
            task: The task's name.
            submit: Submits it, with the chain of tasks that leads to it.

        Raises:
            ConfigError: ``call-cycle``.
            RefusedError: ``run-ended``: the caller has; or as :meth:`submit` and :meth:`wait`.
            TaskError: As :meth:`wait`.
        """
        caller.check()
        check_call(caller, task)
        caller.pending_calls += 1
        self._dispatcher.park(caller, self._clock.monotonic_ms())
        try:
            call = submit()
        except BaseException:
            self._answered(caller)
            await self._slot(caller)
            raise
        caller.children[id(call)] = call
        # Not after the wait: whoever stands behind the caller would have its place by then.
        call.when_settled(lambda: self._answered(caller))
        try:
            return await self.wait(call)
        finally:
            caller.children.pop(id(call), None)
            await self._slot(caller)

    def cancel(self, call: Call[Any]) -> None:
        """End ``call`` with ``run-cancelled``, and its run unless others joined that."""
        self._leave(call, cancelled(call.run))

    def pause(self) -> None:
        """Start nothing more; what runs goes on, deadlines keep counting."""
        self._dispatcher.pause()

    def resume(self) -> None:
        """Start what waits."""
        self._dispatcher.resume(self._clock.monotonic_ms())

    def reconfigure(self, config: SchedulerConfig) -> None:
        """Use other limits from now on; what waits beyond them stays."""
        self._dispatcher.reconfigure(config, self._clock.monotonic_ms())

    async def stop(self) -> None:
        """End every run with ``runtime-stopped``, and wait ``STOP_GRACE_MS`` for their code."""
        self._stopped = True
        runs: list[Any] = list(self._dispatcher)
        for run in runs:
            self._dispatcher.abort(run, stopped(run), self._clock.monotonic_ms())
        ending = [run.code for run in runs if run.code is not None]
        grace = asyncio.create_task(self._clock.sleep_ms(STOP_GRACE_MS))
        try:
            await _first_of(asyncio.gather(*ending, return_exceptions=True), grace)
        finally:
            grace.cancel()
            await asyncio.gather(grace, self._alarm.stop(), return_exceptions=True)

    def statistics(self) -> dict[str, QueueStatistics]:
        """Return the figures of each queue, by its name."""
        return self._dispatcher.statistics()

    def _run(self, job: Job[T], chain: tuple[str, ...], now_ms: float) -> Run[T]:
        limit_ms, key = job.caller_timeout_ms, f"{job.name}:{job.supersede_key}"
        return Run(
            task=job.name,
            priority=job.priority,
            timeout_ms=job.timeout_ms,
            deadline_ms=math.inf if limit_ms is None else now_ms + limit_ms,
            caller_timeout_ms=limit_ms,
            supersede=job.supersede,
            key=None if job.supersede is Supersede.NONE else key,
            chain=chain,
            job=job,
            clock=self._clock,
            alarm=self._alarm.set,
        )

    def _join(self, call: Call[T], run: Run[T]) -> None:
        """Let ``call`` wait for a run of others; each caller keeps its own deadline."""
        call.run = run
        run.calls.append(call)
        self._shared |= {id(each): each for each in run.calls if each.deadline_ms < math.inf}

    def _leave(self, call: Call[Any], error: EdgeError) -> None:
        if call.result is not None:
            return
        if len(call.run.calls) > 1:
            call.run.calls.remove(call)
            call.settle(error)
        else:
            self._dispatcher.abort(call.run, error, self._clock.monotonic_ms())

    def _answered(self, caller: Run[Any]) -> None:
        caller.pending_calls -= 1
        if not caller.pending_calls:
            self._dispatcher.unpark(caller, self._clock.monotonic_ms())

    async def _slot(self, caller: Run[Any]) -> None:
        """Return when ``caller`` has a slot again, is settled, or waits for another call."""
        if caller.phase is Phase.RETURNING:
            slot: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            caller.returning.append(slot)
            await slot

    def _fill(self) -> None:
        self._dispatcher.fill(self._clock.monotonic_ms())

    def _ended(self, run: Run[Any], error: BaseException | None) -> bool:
        return self._dispatcher.ended(run, self._clock.monotonic_ms(), error)

    def _expire_due(self) -> float:
        now_ms = self._clock.monotonic_ms()
        for call in list(self._shared.values()):
            if call.deadline_ms <= now_ms:
                limit_ms, run = call.timeout_ms, call.run
                late = too_late(run.task, limit_ms) if run.is_waiting else None
                self._leave(call, late or too_long(run, call.deadline_ms))
        self._shared = {id(call): call for call in self._shared.values() if call.result is None}
        shared_ms = (call.deadline_ms for call in self._shared.values())
        return min([self._dispatcher.expire(now_ms), *shared_ms])


async def _first_of(*futures: "asyncio.Future[Any]") -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
