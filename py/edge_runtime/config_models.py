"""What a site says of its models: files, backends, memory, and how they are measured."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from . import schema


@dataclass(frozen=True, slots=True)
class ExternalFile:
    """A file of weights beside an ONNX file, by the path that the ONNX file names it with."""

    path: str
    url: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Variant:
    """One ONNX file of a model.

    Attributes:
        url: Where it is.
        sha256: Its digest, lower-case; for a sealed file that of what is published.
        backend: The only backend it is meant for, with wasm in its place where that is not to be
            had; None: whichever is fastest.
        precision: ``fp32``, ``fp16`` or ``int8``: how far its answers may be from the golden ones.
        backends: Backends it may run on; empty: any.
        requires: Features of WebGPU that it needs, such as ``shader-f16``.
        min_memory_gb: ``navigator.deviceMemory`` it needs; None: any.
        external: Its files of weights.
        key_resource: Task and file that hold the key of a sealed file; None: it is not sealed.
    """

    url: str
    sha256: str
    backend: str | None = None
    precision: str = "fp32"
    backends: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    min_memory_gb: float | None = None
    external: tuple[ExternalFile, ...] = ()
    key_resource: tuple[str, str] | None = None

    @property
    def identity(self) -> str:
        """Return its digest with those of its weights: other weights may lie beside one graph."""
        return "+".join((self.sha256, *(each.sha256[:12] for each in self.external)))


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """A model's variants, the preferred one first, never empty; and what holds for all of them.

    Attributes:
        variants: Its files.
        golden: URL of inputs with the outputs they must give; None: the first answers of wasm.
        dimensions: Sizes of named dynamic dimensions.
        pin: The backend to use, with wasm in its place where that is not to be had.
        forbid: Backends that are not used.
    """

    variants: tuple[Variant, ...]
    golden: str | None = None
    dimensions: Mapping[str, int] = field(default_factory=dict)
    pin: str | None = None
    forbid: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class InferenceConfig:
    """Inference workers, their memory, and measuring; None: as the device suggests."""

    wasm_lanes: int | None = None
    memory_budget_bytes: int | None = None
    measure: bool = True


def parse_model(plain: Mapping[str, Any], path: str) -> ModelConfig:
    """Return a model, whose shape the schema has checked.

    Raises:
        ConfigError: ``config-invalid``: pinned to what is forbidden, or to what no variant allows.
    """
    model = ModelConfig(
        variants=tuple(map(_variant, plain["variants"])),
        golden=plain.get("golden"),
        dimensions={name: int(size) for name, size in plain.get("dimensions", {}).items()},
        pin=plain.get("pin"),
        forbid=tuple(plain.get("forbid", ())),
    )
    if model.pin is not None and model.pin in model.forbid:
        raise schema.invalid(
            "config", f"{path}.pin", "a backend that is not under forbid", model.pin, "Remove one."
        )
    return model


def parse_inference(plain: Mapping[str, Any]) -> InferenceConfig:
    """Return the settings of ``inference``, whose shape the schema has checked."""
    budget_mb = plain.get("memoryBudgetMb")
    lanes = plain.get("wasmLanes")
    return InferenceConfig(
        wasm_lanes=None if lanes is None else int(lanes),
        memory_budget_bytes=None if budget_mb is None else int(budget_mb * 2**20),
        measure=plain.get("measure", True),
    )


def _variant(plain: Mapping[str, Any]) -> Variant:
    sealed = plain.get("sealed")
    return Variant(
        url=plain["url"],
        sha256=plain["sha256"].lower(),
        backend=plain.get("backend"),
        precision=plain.get("precision", "fp32"),
        backends=tuple(plain.get("backends", ())),
        requires=tuple(plain.get("requires", ())),
        min_memory_gb=plain.get("minMemoryGb"),
        external=tuple(
            ExternalFile(each["path"], each["url"], each["sha256"].lower())
            for each in plain.get("external", ())
        ),
        key_resource=None if sealed is None else (sealed["task"], sealed["key"]),
    )
