"""Every error the runtime raises, sorted by who must act.

::

    EdgeError        code (kebab-case, stable) · number (for native callbacks) · message · details
    ├─ ConfigError   1xxx  the caller must fix the call or the configuration
    ├─ TrustError    2xxx  never run it: bytes are not what was promised
    ├─ HostError     3xxx  the browser (or the network behind it) failed
    ├─ TaskError     4xxx  the task failed
    └─ RefusedError  5xxx  policy said no: try later

Text form: ``what happened: expected x, got y. What to do.``
Programming mistakes stay built-ins (``TypeError``, ``ValueError``, ``RuntimeError``).
"""

from collections.abc import Mapping
from typing import Any, Final


class EdgeError(Exception):
    """Base of all errors that cross the runtime's border; catch a family instead.

    Attributes:
        code: Stable kebab-case name, one of :data:`NUMBERS`.
        number: Integer the native callbacks receive, fixed per code.
        message: Text for a person: what happened, expected, got, what to do.
        details: Plain JSON-able data that belongs to this occurrence.
    """

    def __init__(self, code: str, message: str, details: Mapping[str, Any] | None = None) -> None:
        family = FAMILIES[NUMBERS[code] // 1000]
        if not isinstance(self, family):
            raise TypeError(f"{code} belongs to {family.__name__}, not {type(self).__name__}")
        super().__init__(message)
        self.code = code
        self.number = NUMBERS[code]
        self.message = message
        self.details: dict[str, Any] = dict(details or {})

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form that crosses a worker border."""
        return {
            "code": self.code,
            "number": self.number,
            "message": self.message,
            "details": self.details,
        }


class ConfigError(EdgeError):
    """Fix the call or the configuration named in the message; retrying changes nothing."""


class TrustError(EdgeError):
    """Do not run what was refused; publish correct bytes or a correct digest."""


class HostError(EdgeError):
    """The browser or the network failed; the message says whether a retry can help."""


class TaskError(EdgeError):
    """The task's author must act; ``details["traceback"]`` holds the task's own lines."""


class RefusedError(EdgeError):
    """Nothing is broken: the runtime declined. Try again later or with a longer deadline."""


FAMILIES: Final[dict[int, type[EdgeError]]] = {
    1: ConfigError,
    2: TrustError,
    3: HostError,
    4: TaskError,
    5: RefusedError,
}

NUMBERS: Final[dict[str, int]] = {
    "config-invalid": 1001,
    "argument-invalid": 1002,
    "task-unknown": 1003,
    "model-unknown": 1004,
    "query-invalid": 1005,
    "tensor-invalid": 1006,
    "call-cycle": 1007,
    "egress-refused": 1008,
    "digest-mismatch": 2001,
    "bundle-invalid": 2002,
    "seal-broken": 2003,
    "version-mismatch": 2004,
    "store-corrupt": 2005,
    "key-lost": 2006,
    "bundle-untrusted": 2007,
    "bundle-outdated": 2008,
    "network-failed": 3001,
    "storage-failed": 3002,
    "storage-full": 3003,
    "inference-failed": 3004,
    "feature-missing": 3005,
    "boot-failed": 3006,
    "boot-timeout": 3007,
    "worker-lost": 3008,
    "task-raised": 4001,
    "task-timeout": 4002,
    "task-output-invalid": 4003,
    "task-memory-exceeded": 4004,
    "task-crashed": 4005,
    "queue-full": 5001,
    "deadline-passed": 5002,
    "run-cancelled": 5003,
    "runtime-stopped": 5004,
    "runtime-paused": 5005,
    "store-unavailable": 5006,
    "writer-superseded": 5007,
    "run-superseded": 5008,
    "run-ended": 5009,
    "circuit-open": 5010,
}


def error_from_dict(plain: Mapping[str, Any]) -> EdgeError:
    """Rebuild the error that :meth:`EdgeError.to_dict` described.

    Raises:
        KeyError: The code is not one of :data:`NUMBERS`.
    """
    code = plain["code"]
    family = FAMILIES[NUMBERS[code] // 1000]
    return family(code, plain["message"], plain.get("details"))
