"""What a task's call of another task is refused for."""

from collections.abc import Iterable, Mapping
from typing import Final

from ..config import LIMITS
from ..errors import ConfigError, TaskError
from ..schema import show
from ..types import JsonValue
from .task_output import plain_output
from .tickets import Ticket

CALL_DEPTH: Final = 8


def check_call(caller: Ticket, task: str) -> None:
    """Refuse a call that could never end, or only much too deep.

    Raises:
        ConfigError: ``call-cycle`` with ``details`` path, the tasks from the outermost on.
    """
    path = [*caller.chain, caller.task, task]
    if task in path[:-1]:
        expected = "a task that does not wait for this call"
    elif len(path) > CALL_DEPTH + 1:
        expected = f"at most {CALL_DEPTH} calls inside each other"
    else:
        return
    message = f"ctx.call: expected {expected}, got {' → '.join(path)}. Call another task."
    raise ConfigError("call-cycle", message, {"path": path})


def checked_ext_data(ext_data: object) -> Mapping[str, JsonValue]:
    """Return a copy: two tasks share no objects.

    Raises:
        ConfigError: ``argument-invalid``: no dict, or something in it is not plain data.
    """
    if not isinstance(ext_data, Mapping):
        raise _invalid(f"expected a dict, got {show(ext_data)}. Correct the call.")
    try:
        copy: Mapping[str, JsonValue] = plain_output(
            "ctx.call", ext_data, max_bytes=LIMITS.result_bytes
        )
    except TaskError as error:
        expected, got = error.details["expected"], error.details["got"]
        place = error.details["path"]
        raise _invalid(f"expected {expected} at {place}, got {got}. Convert it.") from error
    return copy


def unknown_task(name: object, known: Iterable[str]) -> ConfigError:
    """Say that no loaded task is called ``name``."""
    names = list(known)
    return ConfigError(
        "task-unknown",
        f"ctx.call: expected the name of a loaded task ({', '.join(names) or 'none'}), got "
        f"{show(name)}. Correct it, or add the task's bundle.",
        {"taskName": name if isinstance(name, str) else None, "known": names},
    )


def _invalid(text: str) -> ConfigError:
    return ConfigError("argument-invalid", f"ctx.call, ext_data: {text}", {"field": "ext_data"})
