"""Requests to run a task, each with an id of its own.

A run that an event asked for is named by task and event: whoever hears of it twice, because a
worker was lost in between, can tell.
"""

import itertools
from collections.abc import Mapping

from ..types import Activation, Event, JsonValue, TriggerKind


class Activations:
    """Makes activations; ids are ``<task>-<event id>``, and ``<prefix>-<n>`` for calls.

    Those of calls that a run makes are ``<id of that run>.<n>``.

    Args:
        prefix: Tells this runtime's runs from those of others, so it must be random.
    """

    def __init__(self, prefix: str) -> None:
        self._ids = (f"{prefix}-{number}" for number in itertools.count(1))

    def by_event(self, task_name: str, event: Event) -> Activation:
        """Return the activation of a task by the event that completed a trigger."""
        run_id = event_run_id(task_name, event.id)
        return Activation(run_id, task_name, TriggerKind.EVENT, event.ts, event)

    def by_call(
        self, task_name: str, ts: float, ext_data: Mapping[str, JsonValue], run_id: str = ""
    ) -> Activation:
        """Return the activation of a task by a call at ``ts`` (Unix ms); empty: the next id."""
        run_id = run_id or next(self._ids)
        return Activation(run_id, task_name, TriggerKind.API, ts, ext_data=ext_data)


def event_run_id(task_name: str, event_id: str) -> str:
    """Return the id of the run of a task for an event."""
    return f"{task_name}-{event_id}"
