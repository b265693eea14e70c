"""Traces: what went into a runtime and what it decided, one JSON object a line.

::

    {"atMs": 0, "kind": "start", "nowMs": 1700000000000, "tasks": [{"name": "Rank", …}]}
    {"atMs": 40, "kind": "track", "client": "", "events": [["e1", 1700000000040, "mta", …]]}
    {"atMs": 42, "kind": "call", "runId": "Rank-e1", "callee": "Warm", "offsetMs": 2}
    {"atMs": 52, "kind": "run", "task": "Rank", "runId": "Rank-e1", "runMs": 12, "ended": "ok"}

``atMs`` counts from the trace's beginning and never goes back. ``run`` and ``call`` say how tasks
behaved, lines of ``DECISIONS`` what the recorded runtime decided; a replay decides by itself.
"""

import json
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, NoReturn

from ..config import parse_config
from ..errors import ConfigError, EdgeError
from ..pure.plain import check_levels
from ..pure.requests import parse_infer_request
from ..schema import show
from .decision_log import DECISIONS
from .stand_ins import stand_in_bundle
from .trace_records import WITH_TASKS, Record

LONGEST_MS: Final = 3_652 * 86_400_000
"""Ten years. A trace is no longer, and nothing in it is: a replay is to end."""

# The last millisecond a JavaScript Date can hold.
_UNIX_MAX_MS: Final = 8.64e15
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class _Field(NamedTuple):
    """What a value is expected to be, and whether one is that."""

    expected: str
    holds: Callable[[Any], bool]


class _Line(NamedTuple):
    """The fields of one kind, by name."""

    required: Mapping[str, _Field] = {}
    optional: Mapping[str, _Field] = {}


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


_TEXT: Final = _Field("text", lambda value: isinstance(value, str))
_FLAG: Final = _Field("true or false", lambda value: isinstance(value, bool))
_WHOLE: Final = _Field(
    "a whole number", lambda value: isinstance(value, int) and not isinstance(value, bool)
)
_ARRAY: Final = _Field("an array", lambda value: isinstance(value, list))
_ROWS: Final = _Field("an array or its JSON text", lambda value: isinstance(value, (list, str)))
_OBJECT: Final = _Field("an object", lambda value: isinstance(value, dict))
_MS: Final = _Field(
    f"milliseconds from 0 to {LONGEST_MS} (ten years)",
    lambda value: _is_number(value) and 0 <= value <= LONGEST_MS,
)
_UNIX_MS: Final = _Field(
    f"Unix milliseconds from 0 to {_UNIX_MAX_MS:g}",
    lambda value: _is_number(value) and 0 <= value <= _UNIX_MAX_MS,
)

# "start" and "reload": a worker begins, the one before is dead; "tasks": other versions of some;
# "clock": somebody set the clock.
_LINES: Final[Mapping[str, _Line]] = {
    "start": _Line({"nowMs": _UNIX_MS}, {"life": _TEXT, "tasks": _ARRAY}),
    "reload": _Line({}, {"life": _TEXT}),
    "stop": _Line(),
    "clock": _Line({"nowMs": _UNIX_MS}),
    "track": _Line({"events": _ROWS}, {"client": _TEXT}),
    "cancel": _Line({"callId": _WHOLE}),
    "pause": _Line(),
    "resume": _Line(),
    "tasks": _Line({"tasks": _ARRAY}),
    "reconfigure": _Line({"config": _OBJECT}),
    "run": _Line(
        {"runId": _TEXT, "runMs": _MS},
        {"task": _TEXT, "ownMs": _MS, "ended": _TEXT, "deaf": _FLAG},
    ),
    "call": _Line(
        {"runId": _TEXT, "callee": _TEXT, "offsetMs": _MS}, {"task": _TEXT, "beside": _FLAG}
    ),
}
# A kind of a later version may be an input, which changes what is decided: nothing is passed over.
_KINDS: Final = tuple(dict.fromkeys([*_LINES, "infer", *DECISIONS]))


def parse_trace(text: str) -> list[Record]:
    """Return the records of a JSONL text.

    Raises:
        ConfigError: ``argument-invalid`` naming the line, what was expected and what was given.
    """
    records: list[Record] = []
    # Not splitlines(): a text in JSON may hold line separators of Unicode.
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip():
            records.append(_record(f"trace line {number}", line))
            if len(records) > 1 and records[-1].at_ms < records[-2].at_ms:
                _refuse(f"trace line {number}", f"atMs ≥ {records[-2].at_ms:g}", records[-1].at_ms)
    if not records:
        text = "expected at least one line, got none. Record one with start({trace: true})."
        raise _invalid("trace", text)
    return records


def _record(subject: str, line: str) -> Record:
    plain = _decoded(subject, "a JSON object", line)
    # Rows as text are another matter: there the runtime looks itself.
    if "\\u" in line and _SURROGATE.search(json.dumps(plain, ensure_ascii=False)):
        text = "expected whole characters, got half of a surrogate pair. Correct the trace."
        raise _invalid(subject, text)
    if not isinstance(plain, dict) or not isinstance(plain.get("kind"), str):
        _refuse(subject, "an object with atMs and kind", plain)
    at_ms, kind = plain.pop("atMs", None), plain.pop("kind")
    if not _MS.holds(at_ms):
        _refuse(f"{subject}, atMs", _MS.expected, at_ms)
    if kind not in _KINDS:
        _refuse(f"{subject}, kind", f"one of {', '.join(_KINDS)}", kind)
    if kind in _LINES:
        _check_fields(f"{subject}, {kind}", _LINES[kind], plain)
    _check_contents(subject, kind, plain)
    return Record(float(at_ms), kind, plain)


def _check_fields(subject: str, line: _Line, plain: Mapping[str, Any]) -> None:
    fields = {**line.required, **line.optional}
    for name in plain:
        if name not in fields:
            _refuse(subject, f"only the fields {', '.join(['atMs', 'kind', *fields])}", name)
    for name, field in fields.items():
        if (name in plain or name in line.required) and not field.holds(plain.get(name)):
            _refuse(f"{subject}.{name}", field.expected, plain.get(name))


def _check_contents(subject: str, kind: str, plain: Mapping[str, Any]) -> None:
    """Refuse what the runtime, or what stands in for a task, would refuse later."""
    if kind == "infer":
        _check(subject, parse_infer_request, plain)
    elif kind == "reconfigure":
        _check(f"{subject}, reconfigure.config", parse_config, plain["config"])
    elif kind == "track" and isinstance(plain["events"], str):
        where = f"{subject}, track.events"
        rows = _decoded(where, "a JSON array of rows", plain["events"])
        if not isinstance(rows, list):
            _refuse(where, "a JSON array of rows", rows)
    for index, task in enumerate(plain.get("tasks", ()) if kind in WITH_TASKS else ()):
        where = f"{subject}, {kind}.tasks[{index}]"
        if not isinstance(task, dict):
            _refuse(where, "a task's manifest without its code", task)
        _check(where, stand_in_bundle, task)


def _check(subject: str, parse: Callable[[Any], object], value: object) -> None:
    try:
        parse(value)
    except EdgeError as error:
        raise _invalid(subject, error.message) from error


def _decoded(subject: str, expected: str, text: str) -> Any:
    try:
        check_levels(text)
        plain = json.loads(text, object_pairs_hook=_once_each, parse_constant=_refuse_constant)
    except ValueError as error:
        text = f"expected {expected}, got text that is none: {error}. Correct the trace."
        raise _invalid(subject, text) from error
    return plain


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    plain = dict(pairs)
    if len(plain) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the key {show(twice)} twice in one object")
    return plain


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name}, which is no JSON number")


def _refuse(subject: str, expected: str, value: object) -> NoReturn:
    raise _invalid(subject, f"expected {expected}, got {show(value)}. Correct the trace.")


def _invalid(subject: str, text: str) -> ConfigError:
    return ConfigError("argument-invalid", f"{subject}: {text}", {"field": subject})
