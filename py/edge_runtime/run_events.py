"""Runs that events asked for: started, told to their page, and gone on with by the next worker."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Final

from .errors import HostError, RefusedError
from .host.ports import Clock
from .pure.activations import Activations, event_run_id
from .pure.noted_runs import Noted
from .pure.rule import Match
from .pure.trace import Journal
from .run_answers import Answers, fallback_result, result_of
from .run_reports import Reports
from .services.catalogue import Catalogue
from .services.container import Completion, LoadedTask
from .services.scheduler_run import Call, Outcome
from .services.unfinished import Stored, Unfinished
from .types import Activation, Event, FallbackKind, Priority, Supersede, TriggerKind

Ended = Outcome[Completion] | BaseException
Done = Callable[[Ended], None]
Submit = Callable[[Activation, Priority | None, str, Done], Call[Completion]]

TAKEN_UP_MS: Final = 600_000
"""A run is not begun for an event that is older: nobody waits for it any more."""


class EventRuns:
    """Those of one runtime; part of its composition root.

    Args:
        clock: Says how old an event is.
        activations: Makes the runs' requests.
        tasks: The loaded tasks.
        answers: Results, and what stands in for them.
        reports: Tells pages how runs ended.
        stored: Keeps those that have not ended.
        submit: Starts a run of a client, or lets it wait, and tells how it ended.
        refuses: Refuses a run whose queue is full, for less; None: every run is to be submitted.
        journal: Hears of runs that are lost.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        activations: Activations,
        tasks: Catalogue[LoadedTask],
        answers: Answers,
        reports: Reports,
        stored: Stored,
        submit: Submit,
        refuses: Callable[[str, Priority], bool] | None,
        journal: Journal,
    ) -> None:
        self._clock = clock
        self._activations = activations
        self._tasks = tasks
        self._answers = answers
        self._reports = reports
        self._unfinished = Unfinished(clock, stored)
        self._submit = submit
        self._refuses = refuses
        self._journal = journal
        self._securing: asyncio.Task[None] | None = None

    async def recall(self) -> None:
        """Read what the worker before left, for :meth:`take_up`; before the first event."""
        await self._unfinished.recall()

    def start(self, match: Match, event: Event, client: str, *, is_again: bool = False) -> None:
        """Run a task for an event; the page of ``client`` hears how it ended. Never raises.

        Args:
            match: The task, and the trigger's queue.
            event: What completed the trigger.
            client: The page that tracked it.
            is_again: A worker that was lost had the event: one of its runs may have ended it.
        """
        noted = Noted(match.task_name, event.id, client, match.priority)
        if is_again:
            self._unfinished.distrust(noted)
            self._securing = self._securing or asyncio.create_task(self._secure())
        elif not self._is_refused_unheard(noted):
            self._begin(noted, event)

    def take_up(self) -> None:
        """Go on with what the worker before left; a second time there is nothing.

        What had not begun is asked for again, in the same order and under the same run ids. All
        else ends with ``worker-lost``.
        """
        for noted in self._unfinished.taken_up():
            event = self._unfinished.event(noted.event_id)
            why = self._why_lost(noted, event)
            if event is not None and not why:
                self._begin(noted._replace(may_have_begun=True), event)
            else:
                self._lost(noted, why)

    def forget(self) -> None:
        """Leave nothing to the next worker of what there is now."""
        self._unfinished.forget()

    async def save(self) -> None:
        """Return when what there is now is stored for the next worker, or cannot be."""
        await self._unfinished.save()

    def freeze(self) -> None:
        """Leave to the next worker what there is now, whatever becomes of it."""
        self._unfinished.freeze()

    async def stop(self) -> None:
        """Return when what is left to the next worker is stored, or cannot be."""
        if self._securing is not None:
            self._securing.cancel()
            await asyncio.gather(self._securing, return_exceptions=True)
        await self._unfinished.stop()

    async def _secure(self) -> None:
        try:
            await self._unfinished.secure()
        finally:
            self._securing = None
        self.take_up()

    def _why_lost(self, noted: Noted, event: Event | None) -> str:
        """Return why a run is not begun again; empty: it may be."""
        if noted.may_have_begun:
            return "Its code may have had effects"
        if noted.task_name not in self._tasks.names:
            return "Its task is not loaded any more"
        if event is None:
            return "Its event is not stored any more"
        is_old = self._clock.now_ms() - event.ts > TAKEN_UP_MS
        return f"Its event is older than {TAKEN_UP_MS} ms" if is_old else ""

    def _lost(self, noted: Noted, why: str) -> None:
        name, run_id = noted.task_name, event_run_id(noted.task_name, noted.event_id)
        message = (
            f"run of {name}: expected its worker to live until it ended, got the worker's end. "
            f"{why}, so it is not run again: ask for it anew if that does no harm."
        )
        details = {"mayHaveBegun": noted.may_have_begun}
        error = HostError("worker-lost", message, details)
        self._journal.note("lost", task=name, runId=run_id, ended=error.code)
        activation = Activation(run_id, name, TriggerKind.EVENT, self._clock.now_ms())
        self._told(activation, noted, error)

    def _is_refused_unheard(self, noted: Noted) -> bool:
        """Refuse at a fraction of the cost where the page would not hear of it: in a flood."""
        name, client = noted.task_name, noted.client
        if self._refuses is None or not self._reports.heard_lately(name, client):
            return False
        manifest = self._tasks.by_name(name).manifest
        if manifest.supersede is not Supersede.NONE:
            return False
        is_refused = self._refuses(name, noted.priority or manifest.priority)
        if is_refused:
            self._reports.unheard(name, client)
        return is_refused

    def _begin(self, noted: Noted, event: Event) -> None:
        activation = self._activations.by_event(noted.task_name, event)
        self._start(activation, noted, partial(self._told, activation, noted))

    def _start(self, activation: Activation, noted: Noted, done: Done) -> None:
        try:
            call = self._submit(activation, noted.priority, noted.client, done)
        except RefusedError as error:
            done(error)
        else:
            if call.result is None:
                self._unfinished.add(noted, lambda: call.run.is_waiting)

    def _told(self, activation: Activation, noted: Noted, ended: Ended) -> None:
        """Report how a run ended, unless another one stands in for it."""
        self._unfinished.remove(noted)
        instead = self._answers.instead(activation, ended)
        if instead is not None and instead.kind is FallbackKind.TASK:
            stands_in = replace(activation, task_name=instead.task)
            self._start(stands_in, noted, partial(self._stood_in, activation, noted))
        elif instead is not None:
            result = fallback_result(activation, instead)
            self._reports.ended(activation, noted.client, result)
        elif isinstance(ended, Outcome):
            result = self._answers.result(activation, ended)
            self._reports.ended(activation, noted.client, result)
        else:
            self._reports.ended(activation, noted.client, ended)

    def _stood_in(self, activation: Activation, noted: Noted, ended: Ended) -> None:
        self._unfinished.remove(noted)
        if isinstance(ended, Outcome):
            result = result_of(activation, ended, FallbackKind.TASK)
            self._reports.ended(activation, noted.client, result)
        else:
            self._reports.ended(activation, noted.client, ended)
