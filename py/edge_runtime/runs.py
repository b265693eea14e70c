"""What starts runs and waits for them: calls, with the calls they make, and those of events."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

from .config import LIMITS, SchedulerConfig
from .errors import ConfigError, RefusedError
from .host.ports import Clock, Page
from .pure.activations import Activations
from .pure.dispatcher_ports import Gate
from .pure.nested_call import checked_ext_data, unknown_task
from .pure.requests import InferRequest
from .pure.statistics import QueueStatistics
from .pure.task_output import plain_output
from .pure.trace import Journal, Unheard
from .run_answers import Answers
from .run_events import Done, EventRuns
from .run_reports import Reports, tell_overdue
from .run_task import RunTask
from .services.catalogue import Catalogue
from .services.container import Completion, Container, LoadedTask
from .services.replacement import Replacement
from .services.run_journal import RunJournal
from .services.scheduler import Scheduler
from .services.scheduler_run import Call, Job, Outcome, Run
from .services.unfinished import Stored
from .types import Activation, JsonValue, Priority, Result


class Runs:
    """The runs of one runtime; part of its composition root.

    Args:
        clock: Dates calls.
        page: Gets ``result`` and ``error`` notices of runs that events asked for.
        life: Names the runtime, in ids of runs.
        tasks: The tasks by name and codes.
        container: Runs a task.
        config: Says when, with ``gate``.
        gate: Circuit breakers.
        stored: Keeps what events asked for until it has ended.
        flush: Makes all durable that a worker which is to be replaced leaves to the next one.
        journal: Hears of every run, if there is one.

    Attributes:
        by_event: Those that events ask for.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        page: Page,
        life: str,
        tasks: Catalogue[LoadedTask],
        container: Container,
        config: SchedulerConfig,
        gate: Gate,
        stored: Stored,
        flush: Callable[[], Awaitable[None]],
        journal: Journal | None = None,
    ) -> None:
        self._clock = clock
        self._reports = Reports(page, clock)
        self._answers = Answers(tasks)
        self._activations = Activations(life)
        self._tasks = tasks
        self._container = container
        replacement = Replacement(clock, page, flush)
        self._scheduler = Scheduler(
            clock, config, gate, partial(tell_overdue, page), replacement.ask
        )
        self._journal: RunJournal | None = None
        if journal:
            self._journal = RunJournal(journal, clock, container.run, self._nested)
        self.by_event = EventRuns(
            clock=clock,
            activations=self._activations,
            tasks=tasks,
            answers=self._answers,
            reports=self._reports,
            stored=stored,
            submit=self._submit_unawaited,
            # A journal hears of every run.
            refuses=None if journal else self._scheduler.refuses,
            journal=journal or Unheard(),
        )
        self._calls: dict[int, Call[Completion]] = {}

    @property
    def paused(self) -> bool:
        """True while no run is started."""
        return self._scheduler.paused

    async def infer(self, request: InferRequest) -> Result:
        """Run the task of the request's codes and return its result.

        A paused runtime refuses calls, because someone waits for the answer; runs that events
        asked for wait instead.

        Raises:
            ConfigError: ``task-unknown``, or ``argument-invalid`` for a call id in use.
            RefusedError: Stopped, paused, queue full, deadline passed or cancelled.
            TaskError: The task raised, took too long or returned what cannot be sent.
            EdgeError: What the runtime refused the task and the task did not catch.
        """
        if self._scheduler.paused:
            message = "infer: expected a running runtime, got a paused one. Call resume() first."
            raise RefusedError("runtime-paused", message)
        if request.call_id in self._calls:
            message = f"infer.callId: expected a new number, got {request.call_id} once more."
            raise ConfigError("argument-invalid", message)
        task = self._tasks.by_codes(request.system_code, request.business_code)
        activation = self._activations.by_call(
            task.manifest.name, self._clock.now_ms(), request.ext_data
        )
        ask = partial(self._call, request, self._clock.monotonic_ms())
        return await self._answers.answer(activation, ask)

    def cancel(self, call_id: int) -> None:
        """End the run of an unanswered call with ``run-cancelled``; other ids are ignored."""
        if call_id in self._calls:
            self._scheduler.cancel(self._calls[call_id])

    def pause(self) -> None:
        """Start no run until :meth:`resume`."""
        self._scheduler.pause()

    def resume(self) -> None:
        """Start what waits, and accept calls again."""
        self._scheduler.resume()

    def reconfigure(self, config: SchedulerConfig) -> None:
        """Use other limits from now on; what waits beyond them stays."""
        self._scheduler.reconfigure(config)

    def forget(self) -> None:
        """Keep no result of before, and nothing for the next worker."""
        self._answers.forget()
        self.by_event.forget()

    async def stop(self) -> None:
        """End every run; those that events asked for are not reported any more, but kept."""
        self._reports.stop()
        # What is kept is what there is in this moment: nothing of it goes on behind it.
        self.by_event.freeze()
        await self._scheduler.stop()
        await self.by_event.stop()

    def statistics(self) -> dict[str, QueueStatistics]:
        """Return the counts of each queue, by its name."""
        return self._scheduler.statistics()

    async def _nested(
        self, caller: Run[Completion], task_name: str, ext_data: Mapping[str, JsonValue]
    ) -> JsonValue:
        """Run a task for the code of another; see :meth:`edge_runtime.task.Context.call`."""
        caller.made_calls += 1
        # By the caller, not by a count of all: what others do meanwhile must not change it.
        run_id = f"{caller.job.run_id}.{caller.made_calls}"
        if task_name not in self._tasks.names:
            raise unknown_task(task_name, self._tasks.names)
        given, now_ms = checked_ext_data(ext_data), self._clock.now_ms()
        activation = self._activations.by_call(task_name, now_ms, given, run_id)
        result = await self._answers.answer(activation, partial(self._call_nested, caller))
        # A copy of its own: the value may go to others who joined the run.
        return plain_output(task_name, result.value, max_bytes=LIMITS.result_bytes)

    async def _call_nested(
        self, caller: Run[Completion], activation: Activation
    ) -> Outcome[Completion]:
        task = self._tasks.by_name(activation.task_name)
        asker = caller.job.asker
        # An event's run is told by its own id, not by that of a run it called.
        asker = asker if isinstance(asker, int) else None
        job = self._job(task, activation, caller.priority, caller.budget_ms, asker=asker)
        submit = partial(self._submit, job, activation, chain=(*caller.chain, caller.task))
        return await self._scheduler.call(caller, activation.task_name, submit)

    async def _call(
        self, request: InferRequest, asked_ms: float, activation: Activation
    ) -> Outcome[Completion]:
        task, left_ms = self._tasks.by_name(activation.task_name), request.timeout_ms
        if left_ms is not None:
            left_ms -= self._clock.monotonic_ms() - asked_ms
        whose = (request.supersede_key, request.call_id)
        job = self._job(task, activation, request.priority, left_ms, *whose)
        call = self._calls[request.call_id] = self._submit(job, activation)
        try:
            return await self._scheduler.wait(call)
        finally:
            del self._calls[request.call_id]

    def _submit_unawaited(
        self, activation: Activation, priority: Priority | None, client: str, done: Done
    ) -> Call[Completion]:
        task = self._tasks.by_name(activation.task_name)
        job = self._job(task, activation, priority, asker=client)
        return self._submit(job, activation, done)

    def _job(
        self,
        task: LoadedTask,
        activation: Activation,
        priority: Priority | None = None,
        timeout_ms: float | None = None,
        supersede_key: str = "",
        asker: int | str | None = None,
    ) -> Job[Completion]:
        journal = self._journal
        code = RunTask(self._tasks, activation, journal.run if journal else self._container.run)
        call = journal.call if journal else self._nested
        return Job(
            name=activation.task_name,
            run=code.run,
            priority=priority or task.manifest.priority,
            timeout_ms=task.manifest.timeout_ms,
            caller_timeout_ms=timeout_ms,
            supersede=task.manifest.supersede,
            supersede_key=supersede_key,
            call=call,
            run_id=activation.run_id,
            failed=code.failed,
            asker=asker,
        )

    def _submit(
        self,
        job: Job[Completion],
        activation: Activation,
        done: Done | None = None,
        chain: tuple[str, ...] = (),
    ) -> Call[Completion]:
        if self._journal is None:
            return self._scheduler.submit(job, done, chain)
        submit = partial(self._scheduler.submit, job, chain=chain)
        return self._journal.submit(activation, job.priority, submit, done)
