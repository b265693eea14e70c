"""Runs that events asked for: started, stood in for, and reported to the page of the event."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from .errors import RefusedError
from .pure.activations import Activations
from .run_answers import Answers, fallback_result, result_of
from .run_reports import Reports
from .services.catalogue import Catalogue
from .services.container import Completion, LoadedTask
from .services.scheduler_run import Call, Outcome
from .types import Activation, Event, FallbackKind, Priority, Supersede

Ended = Outcome[Completion] | BaseException
Done = Callable[[Ended], None]


class EventRuns:
    """Nobody waits for them: part of the composition root.

    Args:
        activations: Makes the runs' requests.
        tasks: The tasks by name.
        answers: What stands in for a run that is refused.
        reports: Tell pages how runs ended.
        submit: Starts a run, or lets it wait, and tells how it ended.
        refuses: Refuses a run whose queue is full, for less; None: every run is to be submitted.
    """

    def __init__(
        self,
        *,
        activations: Activations,
        tasks: Catalogue[LoadedTask],
        answers: Answers,
        reports: Reports,
        submit: Callable[[Activation, Priority | None, Done], Call[Completion]],
        refuses: Callable[[str, Priority], bool] | None,
    ) -> None:
        self._activations = activations
        self._tasks = tasks
        self._answers = answers
        self._reports = reports
        self._submit = submit
        self._refuses = refuses

    def start(self, task_name: str, event: Event, client: str, priority: Priority | None) -> None:
        """Run a task for an event; the page of ``client`` hears how it ended. Never raises.

        Args:
            task_name: A loaded task.
            event: What completed the trigger.
            client: The tab that tracked it.
            priority: The trigger's queue; None: the task's own.
        """
        if not self._is_refused_unheard(task_name, client, priority):
            activation = self._activations.by_event(task_name, event)
            self._start(activation, priority, partial(self._told, activation, priority, client))

    def _is_refused_unheard(self, task_name: str, client: str, priority: Priority | None) -> bool:
        """Refuse at a fraction of the cost where the page would not hear of it: in a flood."""
        if self._refuses is None or not self._reports.heard_lately(task_name, client):
            return False
        manifest = self._tasks.by_name(task_name).manifest
        if manifest.supersede is not Supersede.NONE:
            return False
        is_refused = self._refuses(task_name, priority or manifest.priority)
        if is_refused:
            self._reports.unheard(task_name, client)
        return is_refused

    def _start(self, activation: Activation, priority: Priority | None, done: Done) -> None:
        try:
            self._submit(activation, priority, done)
        except RefusedError as error:
            done(error)

    def _told(
        self, activation: Activation, priority: Priority | None, client: str, ended: Ended
    ) -> None:
        """Report how a run ended, unless another one stands in for it."""
        instead = self._answers.instead(activation, ended)
        if instead is not None and instead.kind is FallbackKind.TASK:
            stands_in = replace(activation, task_name=instead.task)
            self._start(stands_in, priority, partial(self._stood_in, activation, client))
        elif instead is not None:
            self._reports.ended(activation, client, fallback_result(activation, instead))
        elif isinstance(ended, Outcome):
            self._reports.ended(activation, client, self._answers.result(activation, ended))
        else:
            self._reports.ended(activation, client, ended)

    def _stood_in(self, activation: Activation, client: str, ended: Ended) -> None:
        if isinstance(ended, Outcome):
            result = result_of(activation, ended, FallbackKind.TASK)
            self._reports.ended(activation, client, result)
        else:
            self._reports.ended(activation, client, ended)
