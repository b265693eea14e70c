"""What went wrong inside a task, told in the task's own lines.

Frames of the runtime and of libraries are left out: their author is not the reader.
"""

import traceback
from collections.abc import Collection
from typing import Final

from ..errors import EdgeError, TaskError, error_from_dict
from .task_output import plain_output

_MESSAGE_CHARS: Final = 500
_TRACEBACK_CHARS: Final = 16_000
_DETAILS_BYTES: Final = 64 * 2**10


def task_failure(task_name: str, error: BaseException, filenames: Collection[str]) -> EdgeError:
    """Turn what left a task's code into the error its caller receives.

    Args:
        task_name: For messages and ``details``.
        error: Anything raised; an EdgeError keeps its code, all else becomes ``task-raised``.
        filenames: File names of the task's code objects, as they stand in tracebacks.

    Returns:
        A new error; ``details["traceback"]`` holds only frames of ``filenames``.
    """
    described = traceback.TracebackException.from_exception(error)
    _keep_own_frames(described, filenames, seen=set())
    text = "".join(described.format())
    if len(text) > _TRACEBACK_CHARS:
        text = text[:_TRACEBACK_CHARS] + "…\n"
    details = {"taskName": task_name, "traceback": text}
    if isinstance(error, EdgeError):
        known = _plain_details(task_name, error)
        return error_from_dict({**error.to_dict(), "details": {**known, **details}})
    message = f"task {task_name}{_place(error, described)}: expected a return value, got "
    advice = "Its traceback is in details."
    return TaskError("task-raised", f"{message}{_summary(error, described)}. {advice}", details)


def _keep_own_frames(
    described: traceback.TracebackException, filenames: Collection[str], seen: set[int]
) -> None:
    if id(described) in seen:
        return
    seen.add(id(described))
    described.stack[:] = [frame for frame in described.stack if frame.filename in filenames]
    inner = [described.__cause__, described.__context__, *(described.exceptions or ())]
    for one in inner:
        if one is not None:
            _keep_own_frames(one, filenames, seen)


def _place(error: BaseException, described: traceback.TracebackException) -> str:
    if isinstance(error, SyntaxError):
        return f", {error.filename} line {error.lineno}"
    if described.stack:
        return f", {described.stack[-1].filename} line {described.stack[-1].lineno}"
    return ""


def _summary(error: BaseException, described: traceback.TracebackException) -> str:
    """Return ``ZeroDivisionError: division by zero``, without source lines and notes."""
    lines = "".join(described.format_exception_only()).splitlines()
    name = type(error).__name__
    summary = next((line for line in lines if line.split(":")[0].endswith(name)), name)
    return summary[:_MESSAGE_CHARS]


def _plain_details(task_name: str, error: EdgeError) -> dict[str, object]:
    """Return the details if they can cross a border; a task may have put anything there."""
    try:
        copy: dict[str, object] = plain_output(task_name, error.details, max_bytes=_DETAILS_BYTES)
    except TaskError:
        return {}
    return copy
