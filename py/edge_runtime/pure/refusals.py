"""Why a backend cannot serve a variant on a device.

Hard reasons always count; soft ones, about slowness and risk, give way to a pin.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from ..types import Conditions, TensorSpec
from .capacity import memory_gb
from .device import DeviceFacts, GpuAdapter

# Neither API has these types, and the accelerators' builds lack the kernels to compute them beside.
_WASM_ONLY_DTYPES: Final = frozenset({"string", "float64", "int16", "uint16"})
_HALF_FEATURE: Final = "shader-f16"
# An accelerator is a second realm with a build of its own beside wasm and the core.
_LEAST_GB_OF_TWO_ENGINES: Final = 3


@dataclass(frozen=True, slots=True)
class Case:
    """One variant on one device: its conditions, what the site wants, what the model declares."""

    facts: DeviceFacts
    conditions: Conditions
    forbid: frozenset[str]
    pin: str
    inputs: tuple[TensorSpec, ...]
    dimensions: Mapping[str, int]


def refusal(case: Case, key: str) -> str | None:
    """Return why a backend is not offered, in words; None if nothing is against it."""
    if not case.facts.simd:
        return "WebAssembly SIMD: ONNX Runtime needs it, and this browser does not have it"
    backend, _, device = key.partition("-")
    reason = _unwanted(case, key) or _unfit(case, backend)
    if reason or backend == "wasm":
        return reason
    reason = _no_gpu(case) if backend == "webgpu" else _no_webnn(case.facts, device)
    reason = reason or _misfit_inputs(case, backend)
    return reason if reason or names(case.pin, key) else _risk(case.facts, backend)


def _unwanted(case: Case, key: str) -> str | None:
    if any(names(name, key) for name in case.forbid):
        return "the configuration forbids it"
    meant = case.conditions.backends
    if meant and not any(names(name, key) for name in meant):
        return f"the variant is for {', '.join(meant)}"
    return None


def _unfit(case: Case, backend: str) -> str | None:
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


def _no_gpu(case: Case) -> str | None:
    gpu = case.facts.gpu
    if gpu is None:
        return case.facts.gpu_missing
    halves = case.conditions.precision == "fp16" or any(
        spec.dtype == "float16" for spec in case.inputs
    )
    required = [*case.conditions.requires, *([_HALF_FEATURE] if halves else [])]
    lacking = [name for name in dict.fromkeys(required) if name not in gpu.features]
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


def _misfit_inputs(case: Case, backend: str) -> str | None:
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


def names(name: str, key: str) -> bool:
    """Say whether a configured name means ``key``: ``webnn`` means each of its devices."""
    return name in (key, key.partition("-")[0])
