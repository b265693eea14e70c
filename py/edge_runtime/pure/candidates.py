"""Which backends may serve a model on a device, with build and threads; why the others may not.

What is offered gets measured. What is known to end badly, or hopelessly slow, is not offered.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ..types import Conditions, TensorSpec
from .capacity import thread_count
from .device import WEBNN_DEVICES, DeviceFacts
from .refusals import Case, names, refusal

KEYS: Final = ("wasm", "webgpu", *(f"webnn-{device}" for device in WEBNN_DEVICES))
"""Everything that can be asked for, the one that answers first in front."""


@dataclass(frozen=True, slots=True)
class Pins:
    """What the configuration wants; a name is one of :data:`KEYS`, or ``webnn`` for its three."""

    pin: str | None = None
    forbid: frozenset[str] = frozenset()


_MET_EVERYWHERE: Final = Conditions()
_FREE_CHOICE: Final = Pins()


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to run a model.

    Attributes:
        backend: ``wasm``, ``webgpu`` or ``webnn``.
        device: ``cpu``, ``gpu`` or ``npu`` of WebNN; None for the others.
        build: Of ONNX Runtime: ``wasm``, ``jspi`` or ``asyncify``.
        threads: Of the wasm pool; 1 for accelerators.
    """

    backend: str
    device: str | None
    build: str
    threads: int

    @property
    def key(self) -> str:
        """Return the one of :data:`KEYS` that it is; threads make no difference."""
        return self.backend if self.device is None else f"{self.backend}-{self.device}"


@dataclass(frozen=True, slots=True)
class Refused:
    """A backend, one of :data:`KEYS` or all of ``webnn``, and in words why it is not offered."""

    backend: str
    reason: str


@dataclass(frozen=True, slots=True)
class Choices:
    """What to measure, the one that answers meanwhile in front; what not, and why."""

    candidates: tuple[Candidate, ...]
    refused: tuple[Refused, ...]


def candidates(
    facts: DeviceFacts,
    conditions: Conditions = _MET_EVERYWHERE,
    pins: Pins = _FREE_CHOICE,
    inputs: Iterable[TensorSpec] = (),
    dimensions: Mapping[str, int] | None = None,
) -> Choices:
    """Decide what may be measured for one variant of a model.

    A pin that is possible leaves nothing else; one that is not leaves wasm, if that is possible.

    Args:
        facts: The device.
        conditions: The variant's.
        pins: The configuration's.
        inputs: What the model declares, empty while unknown: wasm tells when it has opened it.
        dimensions: Sizes that the configuration gives to the model's free dimensions.
    """
    case = Case(facts, conditions, pins.forbid, pins.pin or "", tuple(inputs), dimensions or {})
    reasons = {key: refusal(case, key) for key in KEYS}
    if pins.pin is not None:
        _keep_pinned(reasons, pins.pin)
    offered = [key for key in KEYS if reasons.get(key) is None]
    refused = {key: reason for key, reason in reasons.items() if reason is not None}
    return Choices(
        tuple(candidate for key in offered for candidate in _ways(facts, key)),
        tuple(Refused(key, reason) for key, reason in _joined(refused).items()),
    )


def _keep_pinned(reasons: dict[str, str | None], pin: str) -> None:
    if not any(names(pin, key) for key in KEYS):
        reasons[pin] = f"expected one of {', '.join(KEYS)} or webnn"
    possible = [key for key in KEYS if reasons[key] is None]
    kept = [key for key in possible if names(pin, key)] or ["wasm"]
    for key in possible:
        if key not in kept:
            reasons[key] = f"the configuration pins {pin}"


def _joined(refused: dict[str, str]) -> dict[str, str]:
    """Tell what all devices of WebNN have in common once."""
    devices = [key for key in refused if key.startswith("webnn-")]
    told = {refused[key] for key in devices}
    if len(devices) < len(WEBNN_DEVICES) or len(told) > 1:
        return refused
    others = {key: reason for key, reason in refused.items() if key not in devices}
    return {**others, "webnn": told.pop()}


def _ways(facts: DeviceFacts, key: str) -> list[Candidate]:
    backend, _, device = key.partition("-")
    if backend == "wasm":
        # More threads are not always faster: a small model waits for them longer than it computes.
        return [
            Candidate(backend, None, "wasm", count)
            for count in sorted({1, thread_count(facts)}, reverse=True)
        ]
    return [Candidate(backend, device or None, "jspi" if facts.jspi else "asyncify", 1)]
