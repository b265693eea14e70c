"""What a task returned, as plain data, or an error that names the place inside it.

>>> plain_output("Task", {"order": (1, 2)}, max_bytes=100)
{'order': [1, 2]}
"""

import math
from collections.abc import Mapping
from typing import Any, Final

from ..errors import TaskError
from ..types import JsonValue
from .plain import split

_LEVELS: Final = 64
# Larger integers lose digits in JavaScript.
_SAFE_INTEGER: Final = 2**53 - 1


def plain_output(task_name: str, value: object, *, max_bytes: int) -> JsonValue:
    """Copy ``value`` into None, bool, int, float, str, bytes, list and dict.

    Args:
        task_name: For messages.
        value: What the task returned; tuples become lists, every kind of buffer becomes bytes.
        max_bytes: Limit of the JSON text; buffers travel beside it and do not count.

    Raises:
        TaskError: ``task-output-invalid`` with ``details`` path, expected and got.
    """
    copy = _Copier(task_name).copy("value", value, _LEVELS)
    size_bytes = len(split(copy)[0])
    if size_bytes > max_bytes:
        expected = f"at most {max_bytes} bytes of JSON"
        raise _invalid(task_name, "value", expected, f"{size_bytes}", "Return less.")
    return copy


class _Copier:
    def __init__(self, task_name: str) -> None:
        self._task_name = task_name

    def copy(self, path: str, value: object, budget: int) -> JsonValue:
        if value is None or isinstance(value, bool | str):
            return value
        if isinstance(value, int | float):
            return self._number(path, value)
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(value)
        if budget == 0:
            raise self._refused(path, f"at most {_LEVELS} levels", "more", "Does it hold itself?")
        if isinstance(value, list | tuple):
            return [
                self.copy(f"{path}[{index}]", item, budget - 1) for index, item in enumerate(value)
            ]
        if isinstance(value, Mapping):
            return self._object(path, value, budget)
        advice = "Convert it: .tolist() for arrays and tensors, float() for numpy numbers."
        raise self._refused(path, "JSON-able data or bytes", _type_name(value), advice)

    def _number(self, path: str, value: float) -> float:
        if isinstance(value, int):
            if abs(value) > _SAFE_INTEGER:
                raise self._refused(path, "an integer within ±(2**53 - 1)", "more", "Use str().")
        elif not math.isfinite(value):
            raise self._refused(path, "a finite number", repr(value), "JSON has no such number.")
        return value

    def _object(self, path: str, value: Mapping[Any, Any], budget: int) -> JsonValue:
        copy = {}
        for key, item in value.items():
            if not isinstance(key, str):
                got = f"{key!r} ({_type_name(key)})"
                raise self._refused(path, "text keys", got, "Use str() on keys.")
            copy[key] = self.copy(f"{path}.{key}", item, budget - 1)
        return copy

    def _refused(self, path: str, expected: str, got: str, advice: str) -> TaskError:
        return _invalid(self._task_name, path, expected, got, advice)


def _invalid(task_name: str, path: str, expected: str, got: str, advice: str) -> TaskError:
    return TaskError(
        "task-output-invalid",
        f"task {task_name}, {path}: expected {expected}, got {got}. {advice}",
        {"taskName": task_name, "path": path, "expected": expected, "got": got},
    )


def _type_name(value: object) -> str:
    kind = type(value)
    return kind.__name__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__name__}"
