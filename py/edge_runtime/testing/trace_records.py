"""The lines of a trace as records, and what they say of runs, calls and tasks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from ..types import JsonValue

WITH_TASKS: Final = ("start", "tasks")
"""Kinds of lines that describe tasks: all of them, or those with another version from then on."""


@dataclass(frozen=True, slots=True)
class Record:
    """One line; ``at_ms`` since the trace's beginning."""

    at_ms: float
    kind: str
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RecordedRun:
    """How the code of a run behaved.

    Attributes:
        own_ms: From its start to its return, without its waits for calls, milliseconds.
        ended: ``ok``, ``cancelled``, or the code of the error it ended with.
        is_deaf: It went on although it was cancelled.
    """

    own_ms: float
    ended: str = "ok"
    is_deaf: bool = False


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A task that the code of a run called.

    Attributes:
        callee: The task's name.
        offset_ms: When, in the caller's own time.
        is_beside: Another call of the same run was not over.
    """

    callee: str
    offset_ms: float
    is_beside: bool = False


def recorded_runs(records: Sequence[Record]) -> dict[tuple[str, str], RecordedRun]:
    """Return how runs behaved, by task and run id; of a line without a task the task is empty."""
    return {
        (each.fields.get("task", ""), each.fields["runId"]): RecordedRun(
            each.fields.get("ownMs", each.fields["runMs"]),
            each.fields.get("ended", "ok"),
            each.fields.get("deaf", False),
        )
        for each in records
        if each.kind == "run"
    }


def recorded_calls(records: Sequence[Record]) -> dict[tuple[str, str], list[RecordedCall]]:
    """Return what runs called, in order; by task and run id as :func:`recorded_runs`."""
    calls: dict[tuple[str, str], list[RecordedCall]] = {}
    for each in records:
        if each.kind == "call":
            fields = each.fields
            call = RecordedCall(fields["callee"], fields["offsetMs"], fields.get("beside", False))
            calls.setdefault((fields.get("task", ""), fields["runId"]), []).append(call)
    return calls


def recorded_tasks(records: Sequence[Record]) -> Iterator[Mapping[str, JsonValue]]:
    """Yield what lines say of the tasks, the first word about each."""
    names: set[str] = set()
    for task in described_tasks(records):
        if task["name"] not in names:
            names.add(task["name"])
            yield task


def described_tasks(records: Sequence[Record]) -> Iterator[Mapping[str, JsonValue]]:
    """Yield all that lines say of tasks, every version of each."""
    for each in records:
        if each.kind in WITH_TASKS:
            yield from each.fields.get("tasks", ())
