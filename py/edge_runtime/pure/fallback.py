"""What a task's callers get while its breaker refuses: ``[fallback]`` of task.toml.

>>> parse_fallback("task.toml", "Rank", {"task": "RankSimply"})
Fallback(kind=<FallbackKind.TASK: 'task'>, value=None, task='RankSimply')
"""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, replace

from .. import schema
from ..config import LIMITS
from ..errors import EdgeError, TaskError
from ..types import FallbackKind, JsonValue
from .task_output import plain_output


@dataclass(frozen=True, slots=True)
class Fallback:
    """A fixed ``value``, the last good result, or what another ``task`` returns."""

    kind: FallbackKind
    value: JsonValue = None
    task: str = ""

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the form that task.toml and the manifest hold."""
        forms: dict[FallbackKind, JsonValue] = {
            FallbackKind.VALUE: self.value,
            FallbackKind.LAST: True,
            FallbackKind.TASK: self.task,
        }
        return {self.kind.value: forms[self.kind]}


class Fallbacks:
    """Says what stands in for refused runs; keeps the last good values in memory."""

    def __init__(self) -> None:
        self._last: dict[str, JsonValue] = {}

    def returned(self, name: str, fallback: Fallback | None, value: JsonValue) -> None:
        """Keep the ``value`` that a run of the task ``name`` returned, if it may be wanted."""
        if fallback is not None and fallback.kind is FallbackKind.LAST:
            self._last[name] = deepcopy(value)

    def forget(self) -> None:
        """Keep no value any more: they come from data that was erased."""
        self._last.clear()

    def instead(self, name: str, fallback: Fallback | None, error: EdgeError) -> Fallback | None:
        """Return what the caller of the task ``name`` gets instead of ``error``.

        Only the task's own breaker counts, not that of a model it uses, and not one behind another
        fallback: who stands in for it has none.

        Returns:
            The fallback with a value of its own or a task to run; None: there is none.
        """
        is_own = error.code == "circuit-open" and error.details.get("breaker") == name
        if fallback is None or not is_own:
            return None
        if fallback.kind is not FallbackKind.LAST:
            return replace(fallback, value=deepcopy(fallback.value))
        if name not in self._last:
            return None
        return replace(fallback, value=deepcopy(self._last[name]))


def parse_fallback(subject: str, name: str, plain: Mapping[str, JsonValue]) -> Fallback:
    """Turn the fallback of the task ``name``, whose shape a schema has checked, into its record.

    Args:
        subject: What errors call the file it is from.
        name: The task's.
        plain: One of ``value``, ``last`` and ``task``.

    Raises:
        ConfigError: ``config-invalid``: a value that no task could return, or the task itself.
    """
    ((kind, given),) = plain.items()
    if kind == "value":
        return Fallback(FallbackKind.VALUE, _plain_value(subject, name, given))
    if kind == "last":
        return Fallback(FallbackKind.LAST)
    if given == name:
        advice = "Its breaker refuses it as well: name one that does without what fails."
        raise schema.invalid(subject, "fallback.task", "another task", given, advice)
    return Fallback(FallbackKind.TASK, task=given)


def _plain_value(subject: str, name: str, value: object) -> JsonValue:
    try:
        return plain_output(name, value, max_bytes=LIMITS.result_bytes)
    except TaskError as error:
        path = f"fallback.{error.details['path']}"
        advice = "Give what the task itself could return."
        raise schema.invalid(subject, path, error.details["expected"], value, advice) from None
