"""Traces: what went into a runtime and what it decided, one JSON object a line.

::

    {"atMs": 0, "kind": "start", "nowMs": 1700000000000, "tasks": [{"name": "Rank", …}]}
    {"atMs": 40, "kind": "track", "client": "", "events": [["e1", 1700000000040, "mta", …]]}
    {"atMs": 42, "kind": "call", "runId": "Rank-e1", "callee": "Warm", "offsetMs": 2}
    {"atMs": 52, "kind": "run", "task": "Rank", "runId": "Rank-e1", "runMs": 12, "ended": "ok"}

``atMs`` counts from the trace's beginning and never goes back. Lines of other kinds than
:data:`INPUTS`, ``run`` and ``call`` are what the recorded runtime decided; a replay decides by
itself.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NoReturn, Protocol

from ..errors import ConfigError
from ..schema import show
from ..types import JsonValue
from .manifest_fields import Manifest

# What goes in, and the fields it cannot do without. "start" and "reload": a worker begins, the one
# before is dead; "clock": somebody set the device's clock.
INPUTS: Final[Mapping[str, Mapping[str, type | tuple[type, ...]]]] = {
    "start": {},
    "reload": {},
    "stop": {},
    "clock": {"nowMs": (int, float)},
    "track": {"events": (list, str)},
    "infer": {"callId": int, "systemCode": str, "businessCode": str},
    "cancel": {"callId": int},
    "pause": {},
    "resume": {},
    "reconfigure": {"config": dict},
}
_BEHAVIOUR: Final[Mapping[str, Mapping[str, type | tuple[type, ...]]]] = {
    "run": {"runId": str, "runMs": (int, float)},
    "call": {"runId": str, "callee": str, "offsetMs": (int, float)},
}

_CODE: Final = ("format", "entry", "files", "models", "packages")


class Journal(Protocol):
    """Hears what goes into a runtime and what it decides; for development."""

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Keep one line; never raises, never waits."""


class Unheard:
    """A journal that keeps nothing."""

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Do nothing."""


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


def parse_trace(text: str) -> list[Record]:
    """Return the records of a JSONL text.

    Raises:
        ConfigError: ``argument-invalid`` naming the line, what was expected and what was given.
    """
    records: list[Record] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            records.append(_record(f"trace line {number}", line))
            if len(records) > 1 and records[-1].at_ms < records[-2].at_ms:
                _refuse(f"trace line {number}", f"atMs ≥ {records[-2].at_ms:g}", records[-1].at_ms)
    return records


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
    """Yield what ``start`` lines say of the tasks, the first word about each."""
    names: set[str] = set()
    for each in records:
        for task in each.fields.get("tasks", ()) if each.kind == "start" else ():
            if task["name"] not in names:
                names.add(task["name"])
                yield task


def described_task(manifest: Manifest) -> dict[str, JsonValue]:
    """Return what a ``start`` line says of a task: its manifest without its code."""
    plain = manifest.to_dict()
    return {name: value for name, value in plain.items() if name not in _CODE}


def _record(subject: str, line: str) -> Record:
    try:
        plain = json.loads(line)
    except ValueError:
        _refuse(subject, "a JSON object", line)
    if not isinstance(plain, dict) or not isinstance(plain.get("kind"), str):
        _refuse(subject, "an object with atMs and kind", plain)
    at_ms = plain.pop("atMs", None)
    if not _is(at_ms, (int, float)) or not 0 <= at_ms < float("inf"):
        _refuse(f"{subject}, atMs", "milliseconds from 0", at_ms)
    kind = plain.pop("kind")
    for name, wanted in {**INPUTS, **_BEHAVIOUR}.get(kind, {}).items():
        if not _is(plain.get(name), wanted):
            _refuse(f"{subject}, {kind}.{name}", _named(wanted), plain.get(name))
    return Record(float(at_ms), kind, plain)


def _is(value: object, wanted: type | tuple[type, ...]) -> bool:
    return isinstance(value, wanted) and not isinstance(value, bool)


def _named(wanted: type | tuple[type, ...]) -> str:
    kinds = wanted if isinstance(wanted, tuple) else (wanted,)
    words = {int: "a whole number", float: "a number", str: "text", list: "an array"}
    return " or ".join(words.get(kind, "an object") for kind in kinds)


def _refuse(subject: str, expected: str, value: object) -> NoReturn:
    text = f"{subject}: expected {expected}, got {show(value)}. Correct the trace."
    raise ConfigError("argument-invalid", text, {"field": subject})
