"""The composition root: connects services, host and configuration, and is what a page talks to."""

import asyncio
from collections.abc import Callable
from enum import Enum, auto
from functools import partial

from .config import Config
from .errors import ConfigError, EdgeError, RefusedError
from .host.ports import Host
from .pure.activations import Activations
from .pure.config_checks import absolute_url, missing_models, usable_triggers
from .pure.requests import InferRequest
from .pure.statistics import Statistics, TriggerStatistics
from .pure.triggers import TriggerIndex
from .services.catalogue import Catalogue
from .services.container import Completion, Container, LoadedTask
from .services.container_context import Surroundings
from .services.inference import ModelLibrary
from .services.scheduler import Scheduler
from .services.scheduler_run import Job, Outcome, Run
from .services.store import Mode, Store
from .types import Activation, Priority, Result, Timings

__all__ = ["InferRequest", "Runtime", "Statistics"]


class _State(Enum):
    NEW = auto()
    STARTED = auto()
    STOPPED = auto()


class Runtime:
    """One site's events, tasks and models.

    Args:
        host: The outside.
        config: A parsed configuration.
        base_url: Where the configuration came from; its relative URLs resolve against it.
    """

    def __init__(self, host: Host, config: Config, base_url: str) -> None:
        self._host = host
        self._config = config
        resolve = partial(absolute_url, base_url)
        self._store = Store(
            host.clock, host.storage, host.crypto, config.data, on_change=self._store_changed
        )
        self._models = ModelLibrary(
            inference=host.inference,
            network=host.network,
            clock=host.clock,
            models=config.models,
            resolve=resolve,
        )
        around = Surroundings(host.clock, host.images, host.page, self._models, self._store)
        self._container = Container(around, host.packages)
        self._tasks = Catalogue(host.network, resolve, self._container.load)
        self._scheduler = Scheduler(host.clock, config.scheduler)
        self._triggers = TriggerIndex(())
        self._calls: dict[int, Run[Completion]] = {}
        self._matches = 0
        self._state = _State.NEW
        self._started_ms = 0.0
        self._activations = Activations(host.crypto.random_bytes(6).hex())

    async def start(self) -> list[EdgeError]:
        """Open the store and load the bundles.

        Returns:
            What is missing although the rest works: a bundle, a task, a model, durable storage,
            stored records that do not open.
        """
        if self._state is not _State.NEW:
            raise RuntimeError("a runtime starts once: make a new one")
        self._started_ms = self._host.clock.monotonic_ms()
        _, problems = await asyncio.gather(
            self._store.start(), self._tasks.load(self._config.bundles)
        )
        problems += self._store.problems
        problems += missing_models(self._config, [task.manifest for task in self._tasks])
        usable, unusable = usable_triggers(
            self._config.triggers, {task.manifest.name for task in self._tasks}
        )
        self._triggers = TriggerIndex(usable)
        self._store.watch(pattern for trigger in usable for pattern in trigger.events)
        self._state = _State.STARTED
        return [*problems, *unusable]

    def track(
        self, batch_json: str, client: str = "", done: Callable[[], None] | None = None
    ) -> None:
        """Store events and start the runs they trigger; never raises, never waits.

        Args:
            batch_json: JSON array of rows ``[id, ts, type, pageId, clickId, pv, props]``; bad rows
                are dropped with a warning to the page's log, known ids are ignored.
            client: The tab they come from, which gets the results.
            done: Called when they are durable; at once where nothing can become durable.
        """
        if self._state is not _State.STARTED:
            return
        taken = self._store.add_batch(batch_json, done)
        if taken.errors:
            dropped, first = len(taken.errors), taken.errors[0]
            message = f"{dropped} of the tracked events dropped, the first because: {first}"
            self._host.page.notify("log", {"level": "warning", "message": message}, client)
        for event in taken.matching:
            for task_name in self._triggers.match(event):
                self._matches += 1
                activation = self._activations.by_event(task_name, event)
                self._start_unattended(self._tasks.by_name(task_name), activation, client)

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
        self._check_started()
        if self._scheduler.paused:
            message = "infer: expected a running runtime, got a paused one. Call resume() first."
            raise RefusedError("runtime-paused", message)
        if request.call_id in self._calls:
            message = f"infer.callId: expected a new number, got {request.call_id} once more."
            raise ConfigError("argument-invalid", message)
        task = self._tasks.by_codes(request.system_code, request.business_code)
        activation = self._activations.by_call(
            task.manifest.name, self._host.clock.now_ms(), request.ext_data
        )
        run = self._submit(task, activation, request.priority, request.timeout_ms)
        self._calls[request.call_id] = run
        try:
            return _result(activation, await self._scheduler.wait(run))
        finally:
            del self._calls[request.call_id]

    def cancel(self, call_id: int) -> None:
        """End the run of an unanswered call with ``run-cancelled``; other ids are ignored."""
        if call_id in self._calls:
            self._scheduler.cancel(self._calls[call_id])

    @property
    def data(self) -> Store:
        """The store of a started runtime.

        Raises:
            RefusedError: ``runtime-stopped``: not started, or stopped.
        """
        self._check_started()
        return self._store

    def pause(self) -> None:
        """Start no run until :meth:`resume`; events are stored and what they trigger waits."""
        self._scheduler.pause()

    def resume(self) -> None:
        """Start what waits, and accept calls again."""
        self._scheduler.resume()

    async def stop(self) -> None:
        """End all runs, make everything durable, let go of the host; a second call does nothing."""
        if self._state is _State.STOPPED:
            return
        self._state = _State.STOPPED
        await self._scheduler.stop()
        await self._models.stop()
        await self._store.stop()
        self._container.stop()

    def statistics(self) -> Statistics:
        """Return a snapshot of every part."""
        return Statistics(
            uptimeMs=self._host.clock.monotonic_ms() - self._started_ms,
            paused=self._scheduler.paused,
            queues=self._scheduler.statistics(),
            store=self._store.statistics(),
            models=self._models.statistics(),
            tasks={task.manifest.name: task.statistics() for task in self._tasks},
            triggers=TriggerStatistics(count=len(self._triggers), matches=self._matches),
        )

    def _submit(
        self,
        task: LoadedTask,
        activation: Activation,
        priority: Priority | None = None,
        timeout_ms: float | None = None,
    ) -> Run[Completion]:
        return self._scheduler.submit(
            Job(
                name=activation.task_name,
                run=partial(self._container.run, task, activation),
                priority=priority or task.manifest.priority,
                timeout_ms=task.manifest.timeout_ms,
                caller_timeout_ms=timeout_ms,
            )
        )

    def _start_unattended(self, task: LoadedTask, activation: Activation, client: str) -> None:
        try:
            run = self._submit(task, activation)
        except RefusedError as error:
            self._report_error(activation, client, error)
        else:
            run.outcome.add_done_callback(partial(self._report, activation, client))

    def _report(
        self, activation: Activation, client: str, outcome: "asyncio.Future[Outcome[Completion]]"
    ) -> None:
        error = outcome.exception()
        if isinstance(error, EdgeError):
            self._report_error(activation, client, error)
        else:
            result = _result(activation, outcome.result())
            self._host.page.notify("result", result.to_dict(), client)

    def _report_error(self, activation: Activation, client: str, error: EdgeError) -> None:
        if self._state is _State.STOPPED:  # Nobody listens who did not ask for that.
            return
        run = {"runId": activation.run_id, "taskName": activation.task_name}
        self._host.page.notify("error", {**run, "error": error.to_dict()}, client)

    def _store_changed(self) -> None:
        if self._store.mode is Mode.SUPERSEDED:
            self._host.page.superseded()
        elif self._state is _State.STARTED:
            body = {"state": "store", "store": self._store.condition()}
            self._host.page.notify("status", body)

    def _check_started(self) -> None:
        if self._state is not _State.STARTED:
            message = "runtime: expected a started one, got one not started or stopped. Start it."
            raise RefusedError("runtime-stopped", message)


def _result(activation: Activation, outcome: Outcome[Completion]) -> Result:
    value, infer_ms = outcome.value.value, outcome.value.infer_ms
    timings = Timings(outcome.queued_ms, outcome.run_ms, infer_ms, outcome.total_ms)
    run_id, task_name, trigger = activation.run_id, activation.task_name, activation.trigger
    return Result(run_id, task_name, value, trigger, timings, outcome.value.backends)
