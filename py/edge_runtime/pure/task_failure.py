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
    try:
        return _failure(task_name, error, filenames)
    except Exception as broken:  # A task can make anything of what it raises.
        text = (
            f"task {task_name}: expected a return value, got {type(error).__name__}, which cannot "
            f"be told ({type(broken).__name__}). Raise an error as it was made."
        )
        return TaskError("task-raised", text, {"taskName": task_name, "traceback": ""})


def _failure(task_name: str, error: BaseException, filenames: Collection[str]) -> EdgeError:
    described = traceback.TracebackException.from_exception(error)
    _keep_own_frames(described, filenames)
    text = "".join(described.format())
    if len(text) > _TRACEBACK_CHARS:
        text = text[:_TRACEBACK_CHARS] + "…\n"
    details = {"taskName": task_name, "traceback": text}
    if isinstance(error, EdgeError):
        known, plain = _plain_details(task_name, error), error.to_dict()
        told = {"message": str(plain["message"]), "details": {**known, **details}}
        return error_from_dict({**plain, **told})
    message = f"task {task_name}{_place(error, described)}: expected a return value, got "
    advice = "Its traceback is in details."
    return TaskError("task-raised", f"{message}{_summary(error, described)}. {advice}", details)


def _keep_own_frames(described: traceback.TracebackException, filenames: Collection[str]) -> None:
    waiting, seen = [described], set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        each.stack[:] = [frame for frame in each.stack if frame.filename in filenames]
        inner = [each.__cause__, each.__context__, *(each.exceptions or ())]
        waiting += [one for one in inner if one is not None]


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
