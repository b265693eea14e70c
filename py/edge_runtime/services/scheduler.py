"""Admission, order and end of runs: three waiting lines, a few slots, deadlines, cancellation.

A run's outcome is settled as early as possible; its slot is released only when its code has really
returned, so that one that ignores its cancellation cannot multiply.
"""

import asyncio
import math
from collections.abc import Iterator
from typing import Any, Final, TypeVar

from ..config import SchedulerConfig
from ..errors import EdgeError, RefusedError
from ..host.ports import Clock
from ..pure.priority_queue import PriorityQueue
from ..pure.statistics import QueueStatistics
from ..types import Priority
from .scheduler_alarm import Alarm
from .scheduler_run import Job, Outcome, Phase, Run, cancelled, stopped, too_late, too_long

T = TypeVar("T")

STOP_GRACE_MS: Final = 1_000


class Scheduler:
    """Runs jobs, the most urgent first, at most ``config.max_running`` at a time."""

    def __init__(self, clock: Clock, config: SchedulerConfig) -> None:
        self._clock = clock
        self._max_running = config.max_running
        self._queue: PriorityQueue[Run[Any]] = PriorityQueue(config.queue_limits)
        self._running: dict[int, Run[Any]] = {}
        self._counts = {
            priority: {"finished": 0, "refused": 0, "cancelled": 0, "timedOut": 0}
            for priority in Priority
        }
        self._paused = False
        self._stopped = False
        self._alarm = Alarm(clock, self._expire_due)

    @property
    def paused(self) -> bool:
        """True while no run is started."""
        return self._paused

    def submit(self, job: Job[T]) -> Run[T]:
        """Start ``job`` now if a slot is free, else let it wait; the caller reads ``outcome``.

        Raises:
            RefusedError: ``queue-full``, ``deadline-passed`` or ``runtime-stopped``.
        """
        if self._stopped:
            raise stopped(job)
        now_ms = self._clock.monotonic_ms()
        deadline_ms = math.inf if job.caller_timeout_ms is None else now_ms + job.caller_timeout_ms
        outcome: asyncio.Future[Outcome[T]] = asyncio.get_running_loop().create_future()
        run = Run(job, outcome, now_ms, deadline_ms)
        try:
            self._admit(run, now_ms)
        except RefusedError:
            self._counts[job.priority]["refused"] += 1
            raise
        return run

    async def wait(self, run: Run[T]) -> Outcome[T]:
        """Return the outcome of ``run``; cancelling the caller cancels the run.

        Raises:
            RefusedError: ``run-cancelled``, ``deadline-passed`` or ``runtime-stopped``.
            TaskError: ``task-timeout``, and whatever ``job.run`` raises.
        """
        try:
            return await run.outcome
        except asyncio.CancelledError:
            self.cancel(run)
            raise

    def cancel(self, run: Run[Any]) -> None:
        """End ``run`` with ``run-cancelled``: at once if it waits; an ended run stays as it is."""
        self._abort(run, cancelled(run.job), "cancelled")

    def pause(self) -> None:
        """Start nothing more; what runs goes on, deadlines keep counting."""
        self._paused = True

    def resume(self) -> None:
        """Start what waits."""
        self._paused = False
        self._fill_slots()

    async def stop(self) -> None:
        """End every run with ``runtime-stopped`` and wait until the running ones have returned.

        A run whose code ignores its cancellation is left behind after ``STOP_GRACE_MS``.
        """
        self._stopped = True
        for run in [*self._queue, *self._running.values()]:
            self._abort(run, stopped(run.job), "cancelled")
        ending = [run.task for run in self._running.values() if run.task is not None]
        grace = asyncio.create_task(self._clock.sleep_ms(STOP_GRACE_MS))
        try:
            await _first_of(asyncio.gather(*ending, return_exceptions=True), grace)
        finally:
            grace.cancel()
            await asyncio.gather(grace, self._alarm.stop(), return_exceptions=True)

    def statistics(self) -> dict[str, QueueStatistics]:
        """Return the counts of each queue, by its name."""
        running = [run.job.priority for run in self._running.values()]
        return {
            priority.value: QueueStatistics(
                waiting=self._queue.waiting(priority),
                running=running.count(priority),
                finished=counts["finished"],
                refused=counts["refused"],
                cancelled=counts["cancelled"],
                timedOut=counts["timedOut"],
            )
            for priority, counts in self._counts.items()
        }

    def _admit(self, run: Run[Any], now_ms: float) -> None:
        if run.deadline_ms <= now_ms:
            raise too_late(run)
        if self._has_slot():
            self._start(run, now_ms)
        else:
            self._queue.push(run, run.job.priority)
            self._alarm.set(run.deadline_ms)

    def _has_slot(self) -> bool:
        return not self._paused and not self._stopped and len(self._running) < self._max_running

    def _start(self, run: Run[Any], now_ms: float) -> None:
        run.phase, run.started_ms = Phase.RUNNING, now_ms
        run.deadline_ms = min(run.deadline_ms, now_ms + run.job.timeout_ms)
        self._running[id(run)] = run
        run.task = asyncio.create_task(self._perform(run))
        # A task cancelled before its first step never enters its coroutine: release from here.
        run.task.add_done_callback(lambda task: self._end(run, task))
        self._alarm.set(run.deadline_ms)

    async def _perform(self, run: Run[Any]) -> None:
        try:
            value = await run.job.run(run.deadline_ms - run.started_ms)
        except EdgeError as error:
            self._finish(run, error)
        else:
            now_ms = self._clock.monotonic_ms()
            queued_ms, run_ms = run.started_ms - run.submitted_ms, now_ms - run.started_ms
            self._finish(run, Outcome(value, queued_ms, run_ms, queued_ms + run_ms))

    def _finish(self, run: Run[Any], result: Outcome[Any] | BaseException) -> None:
        if run.phase is not Phase.RUNNING:
            return
        run.phase = Phase.ENDING
        self._counts[run.job.priority]["finished"] += 1
        run.settle(result)

    def _end(self, run: Run[Any], task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if task.cancelled():
            self.cancel(run)
        elif error is not None:
            self._finish(run, error)
        run.phase = Phase.ENDED
        del self._running[id(run)]
        self._fill_slots()

    def _fill_slots(self) -> None:
        while self._has_slot() and (run := self._queue.pop()) is not None:
            now_ms = self._clock.monotonic_ms()
            if run.deadline_ms <= now_ms:
                self._expire(run)
            else:
                self._start(run, now_ms)

    def _abort(self, run: Run[Any], error: EdgeError, count: str) -> None:
        if run.phase is Phase.WAITING:
            self._queue.remove(run)
            run.phase = Phase.ENDED
        elif run.phase is Phase.RUNNING and run.task is not None:
            run.phase = Phase.ENDING
            run.task.cancel()
        else:
            return
        self._counts[run.job.priority][count] += 1
        run.settle(error)

    def _expire(self, run: Run[Any]) -> None:
        if run.phase is Phase.WAITING:
            self._abort(run, too_late(run), "refused")
        else:
            self._abort(run, too_long(run), "timedOut")

    def _expire_due(self) -> float:
        now_ms = self._clock.monotonic_ms()
        for run in [run for run in self._live() if run.deadline_ms <= now_ms]:
            self._expire(run)
        return min((run.deadline_ms for run in self._live()), default=math.inf)

    def _live(self) -> Iterator[Run[Any]]:
        yield from self._queue
        yield from (run for run in self._running.values() if run.phase is Phase.RUNNING)


async def _first_of(*futures: "asyncio.Future[Any]") -> None:
    await asyncio.wait(futures, return_when=asyncio.FIRST_COMPLETED)
