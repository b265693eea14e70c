"""Calls of the page, checked and turned into records."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

from ..config import LIMITS
from ..errors import ConfigError
from ..schema import show
from ..types import JsonValue, Priority

_KNOWN: Final = (
    "callId",
    "systemCode",
    "businessCode",
    "extData",
    "priority",
    "timeoutMs",
    "supersedeKey",
)


@dataclass(frozen=True, slots=True)
class InferRequest:
    """A call to run the task of (system_code, business_code).

    Attributes:
        call_id: Unique among the page's calls that are not answered yet.
        system_code: First half of the task's key.
        business_code: Second half of the task's key.
        ext_data: The caller's data, handed to the task (``bytes`` allowed as values).
        priority: Queue to wait in; None: the task's own.
        timeout_ms: Time the caller waits, from now; None: as long as it takes.
        supersede_key: Which runs of the task supersede or join each other; one key if empty.
    """

    call_id: int
    system_code: str
    business_code: str
    ext_data: Mapping[str, JsonValue] = field(default_factory=dict)
    priority: Priority | None = None
    timeout_ms: float | None = None
    supersede_key: str = ""

    def to_dict(self) -> dict[str, JsonValue]:
        """Return what a trace keeps: all but the caller's data."""
        plain: dict[str, JsonValue] = {
            "callId": self.call_id,
            "systemCode": self.system_code,
            "businessCode": self.business_code,
            "priority": None if self.priority is None else self.priority.value,
            "timeoutMs": self.timeout_ms,
            "supersedeKey": self.supersede_key,
        }
        return {name: value for name, value in plain.items() if value not in (None, "")}


def parse_infer_request(params: object) -> InferRequest:
    """Check ``InferParams`` (js_shim/protocol.js); null is as good as absent.

    Raises:
        ConfigError: ``argument-invalid`` naming the field, what was expected and what was given.
    """
    if not isinstance(params, Mapping):
        _refuse("infer", "an object", params)
    for name in params:
        if name not in _KNOWN:
            _refuse("infer", f"only the fields {', '.join(_KNOWN)}", name)
    return InferRequest(
        call_id=_call_id(params.get("callId")),
        system_code=_code("systemCode", params.get("systemCode")),
        business_code=_code("businessCode", params.get("businessCode")),
        ext_data=_ext_data(params.get("extData")),
        priority=_priority(params.get("priority")),
        timeout_ms=_timeout(params.get("timeoutMs")),
        supersede_key=_supersede_key(params.get("supersedeKey")),
    )


def _call_id(value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        _refuse("infer.callId", "an integer", value)
    return value


def _code(name: str, value: Any) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= LIMITS.event_text_chars:
        _refuse(f"infer.{name}", f"text of 1 to {LIMITS.event_text_chars} characters", value)
    return value


def _ext_data(value: Any) -> Mapping[str, JsonValue]:
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        _refuse("infer.extData", "an object", value)
    return value


def _priority(value: Any) -> Priority | None:
    if value is None:
        return None
    names = [priority.value for priority in Priority]
    if value not in names:
        _refuse("infer.priority", f"one of {', '.join(names)}", value)
    return Priority(value)


def _timeout(value: Any) -> float | None:
    if value is None:
        return None
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not 0 < value <= LIMITS.task_timeout_max_ms:
        expected = f"milliseconds above 0, at most {LIMITS.task_timeout_max_ms:g}"
        _refuse("infer.timeoutMs", expected, value)
    return float(value)


def _supersede_key(value: Any) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > LIMITS.event_text_chars:
        _refuse(
            "infer.supersedeKey", f"text of at most {LIMITS.event_text_chars} characters", value
        )
    return value


def _refuse(subject: str, expected: str, value: object) -> NoReturn:
    raise ConfigError(
        "argument-invalid",
        f"{subject}: expected {expected}, got {show(value)}. Correct the call.",
        {"field": subject},
    )
