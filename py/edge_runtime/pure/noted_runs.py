"""Runs that one worker notes for the next, and the rows in which they are stored.

>>> noted_runs([["Rank", "e1", "tab", "core", False], "something else"])
[Noted(task_name='Rank', event_id='e1', client='tab', priority=<Priority.CORE: 'core'>, \
may_have_begun=False)]
"""

from collections.abc import Iterable
from typing import NamedTuple

from ..types import JsonValue, Priority


class Noted(NamedTuple):
    """A run that an event asked for; as a list it is a row.

    Attributes:
        task_name, event_id: What is run and for which event; together they name the run.
        client: Who hears how it ended.
        priority: The trigger's queue; None: the task's own.
        may_have_begun: Its code may have had effects.
    """

    task_name: str
    event_id: str
    client: str
    priority: Priority | None
    may_have_begun: bool = False


def noted_runs(rows: JsonValue) -> list[Noted]:
    """Return the runs of stored rows; what is none of ours is left out."""
    found = map(_noted, rows if isinstance(rows, list) else ())
    return [each for each in found if each is not None]


def begun(runs: Iterable[Noted]) -> list[Noted]:
    """Return runs as they are when nobody knows what they have done."""
    return [each._replace(may_have_begun=True) for each in runs]


def _noted(row: JsonValue) -> Noted | None:
    try:
        *texts, priority, may_have_begun = row
        task_name, event_id, client = map(str, texts)
        queue = None if priority is None else Priority(priority)
        return Noted(task_name, event_id, client, queue, bool(may_have_begun))
    except (TypeError, ValueError):
        return None
