"""Which backends may serve a model on a device, with build and threads; why the others may not.

Nothing here is about speed: what is offered is measured, and what is known to end badly is not
offered at all. Hard reasons always count; soft ones, about slowness and risk, give way to a pin.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ..types import Conditions, TensorSpec
from .capacity import memory_gb, thread_count
from .device import WEBNN_DEVICES, DeviceFacts, GpuAdapter

KEYS: Final = ("wasm", "webgpu", *(f"webnn-{device}" for device in WEBNN_DEVICES))
"""Everything that can be asked for, the one that answers first in front."""

# The accelerators' builds lack kernels for these, and neither API has the types.
_WASM_ONLY_DTYPES: Final = frozenset({"string", "float64"})
# An accelerator is a second realm with a build of its own beside wasm and the core.
_LEAST_GB_OF_TWO_ENGINES: Final = 3


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


@dataclass(frozen=True, slots=True)
class _Case:
    facts: DeviceFacts
    conditions: Conditions
    pins: Pins
    inputs: tuple[TensorSpec, ...]
    dimensions: Mapping[str, int]


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
    case = _Case(facts, conditions, pins, tuple(inputs), dimensions or {})
    reasons = {key: _refusal(case, key) for key in KEYS}
    if pins.pin is not None:
        _keep_pinned(reasons, pins.pin)
    offered = [key for key in KEYS if reasons.get(key) is None]
    refused = {key: reason for key, reason in reasons.items() if reason is not None}
    return Choices(
        tuple(candidate for key in offered for candidate in _ways(facts, key)),
        tuple(Refused(key, reason) for key, reason in _joined(refused).items()),
    )


def names(name: str, key: str) -> bool:
    """Say whether a configured name means ``key``: ``webnn`` means each of its devices."""
    return name in (key, key.partition("-")[0])


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


def _refusal(case: _Case, key: str) -> str | None:
    if not case.facts.simd:
        return "WebAssembly SIMD: ONNX Runtime needs it, and this browser does not have it"
    backend, _, device = key.partition("-")
    reason = _unwanted(case, key) or _unfit(case, backend)
    if reason or backend == "wasm":
        return reason
    reason = _no_gpu(case) if backend == "webgpu" else _no_webnn(case.facts, device)
    reason = reason or _misfit_inputs(case, backend)
    pinned = case.pins.pin is not None and names(case.pins.pin, key)
    return reason if reason or pinned else _risk(case.facts, backend)


def _unwanted(case: _Case, key: str) -> str | None:
    if any(names(name, key) for name in case.pins.forbid):
        return "the configuration forbids it"
    meant = case.conditions.backends
    if meant and not any(names(name, key) for name in meant):
        return f"the variant is for {', '.join(meant)}"
    return None


def _unfit(case: _Case, backend: str) -> str | None:
    least_gb, have_gb = case.conditions.min_memory_gb, memory_gb(case.facts)
    if least_gb is not None and not have_gb >= least_gb:
        told = "" if case.facts.memory_gb else ", assumed since the browser tells nothing"
        return f"the variant wants {least_gb:g} GB of memory, the device has {have_gb:g}{told}"
    required = case.conditions.requires
    if required and backend != "webgpu" and not _named(case.conditions, backend):
        return f"the variant requires {', '.join(required)}, which is WebGPU's"
    return None


def _named(conditions: Conditions, backend: str) -> bool:
    return any(name.partition("-")[0] == backend for name in conditions.backends)


def _no_gpu(case: _Case) -> str | None:
    gpu = case.facts.gpu
    if gpu is None:
        return case.facts.gpu_missing
    lacking = [name for name in case.conditions.requires if name not in gpu.features]
    return f"{gpu.name} does not have {', '.join(lacking)}" if lacking else None


def _no_webnn(facts: DeviceFacts, device: str) -> str | None:
    if device in facts.webnn_missing:
        return facts.webnn_missing[device]
    if not facts.eval_allowed:
        return (
            "ONNX Runtime's glue for it compiles text: "
            "serve inference-worker.js with 'unsafe-eval' in script-src of its own policy"
        )
    return None


def _misfit_inputs(case: _Case, backend: str) -> str | None:
    for spec in case.inputs:
        if spec.dtype in _WASM_ONLY_DTYPES:
            return f"input {spec.name} is {spec.dtype}, which only wasm computes with"
        if backend == "webnn" and not _is_fixed(spec, case.dimensions):
            return (
                f"input {spec.name} has a free dimension, with which WebNN computes nothing: "
                "give it a size under the model's dimensions, or export fixed shapes"
            )
    return None


def _is_fixed(spec: TensorSpec, dimensions: Mapping[str, int]) -> bool:
    """Say whether all sizes are known; sizes without a name may be those that are configured."""
    sizes: Iterable[object] = spec.shape
    return all(
        isinstance(size, int) or (bool(dimensions) if size is None else size in dimensions)
        for size in sizes
    )


def _risk(facts: DeviceFacts, backend: str) -> str | None:
    """Say what speaks against an accelerator that would work; a pin takes the risk."""
    if facts.engine == "webkit":
        return "WebKit ends pages that run an accelerated engine for long: pin it to use it anyway"
    if memory_gb(facts) < _LEAST_GB_OF_TWO_ENGINES:
        return f"{memory_gb(facts):g} GB of memory are too little for a second engine beside wasm"
    return _software(facts.gpu) if backend == "webgpu" else None


def _software(gpu: GpuAdapter | None) -> str | None:
    if gpu is None or not gpu.software:
        return None
    return f"software adapter ({gpu.name}), many times slower than wasm: pin it to use it anyway"
