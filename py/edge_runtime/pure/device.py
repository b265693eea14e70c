"""What a probe found out about a device, taken as it comes: what is missing counts as not there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..types import JsonValue

WEBNN_DEVICES: Final = ("cpu", "gpu", "npu")
ENGINES: Final = ("blink", "gecko", "webkit")

_UNASKED: Final = "the probe said nothing about it"
_MOST_CORES: Final = 1024
_MOST_GB: Final = 4096
_MOST_BYTES: Final = 2**53
_LONGEST_TEXT: Final = 200


@dataclass(frozen=True, slots=True)
class GpuAdapter:
    """The adapter that WebGPU offers; ``software``: the CPU stands in for a GPU."""

    vendor: str
    architecture: str
    description: str
    software: bool
    features: frozenset[str]
    max_buffer_bytes: int
    max_storage_bytes: int

    @property
    def name(self) -> str:
        """Return vendor, architecture and description, as far as they are told."""
        told = (self.vendor, self.architecture, self.description)
        return " ".join(text for text in told if text) or "unnamed adapter"


@dataclass(frozen=True, slots=True)
class DeviceFacts:
    """A device as its browser shows it to an inference worker.

    Attributes:
        isolated: Memory can be shared between threads.
        cores: Logical cores, at least 1.
        memory_gb: Gigabytes, as coarse as browsers tell them; None where they do not.
        simd: Fixed-width SIMD, without which no build of ONNX Runtime starts. The one fact that
            is taken as true while unknown: every browser that starts the core has it.
        relaxed_simd: Relaxed SIMD.
        jspi: WebAssembly can wait for promises.
        eval_allowed: The policy of the inference worker lets it compile text.
        engine: One of :data:`ENGINES`, or ``unknown``.
        browser_version: As exact as the browser tells it; empty if it does not.
        mobile: A phone or tablet, web views included.
        save_data: The person asked for little to be loaded.
        gpu: None where there is none; ``gpu_missing`` says why.
        gpu_missing: Empty where there is one.
        webnn_missing: By device of :data:`WEBNN_DEVICES`, why it cannot be used; those that can are
            not in it.
    """

    isolated: bool
    cores: int
    memory_gb: float | None
    simd: bool
    relaxed_simd: bool
    jspi: bool
    eval_allowed: bool
    engine: str
    browser_version: str
    mobile: bool
    save_data: bool
    gpu: GpuAdapter | None
    gpu_missing: str
    webnn_missing: Mapping[str, str]

    @classmethod
    def from_plain(cls, plain: JsonValue) -> "DeviceFacts":
        """Read a probe's reply; never raises, whatever it is."""
        told = _mapping(plain)
        gpu, gpu_missing = _gpu(told.get("webgpu"))
        engine = _text(told.get("engine"))
        return cls(
            isolated=told.get("isolated") is True,
            cores=int(_number(told.get("cores"), 1, _MOST_CORES) or 1),
            memory_gb=_number(told.get("memoryGb"), 0.0625, _MOST_GB),
            simd=told.get("simd") is not False,
            relaxed_simd=told.get("relaxedSimd") is True,
            jspi=told.get("jspi") is True,
            eval_allowed=told.get("evalAllowed") is True,
            engine=engine if engine in ENGINES else "unknown",
            browser_version=_text(told.get("browserVersion")),
            mobile=told.get("mobile") is True,
            save_data=told.get("saveData") is True,
            gpu=gpu,
            gpu_missing=gpu_missing,
            webnn_missing=_webnn(told.get("webnn")),
        )

    @property
    def major_version(self) -> int:
        """Return the browser's major version; 0 while unknown."""
        major = self.browser_version.partition(".")[0]
        return int(major) if major.isascii() and major.isdigit() else 0

    def fingerprint(self) -> tuple[str, str]:
        """Return what a stored verdict holds for: the browser with its version, and the adapter."""
        return f"{self.engine} {self.browser_version}".strip(), self.gpu.name if self.gpu else ""


def _gpu(value: JsonValue) -> tuple[GpuAdapter | None, str]:
    told = _mapping(value)
    if "reason" in told or not told:
        return None, _text(told.get("reason")) or _UNASKED
    features = told.get("features")
    named = features if isinstance(features, list) else []
    adapter = GpuAdapter(
        vendor=_text(told.get("vendor")),
        architecture=_text(told.get("architecture")),
        description=_text(told.get("description")),
        # Said to be a GPU, or taken for slow: a wrong guess costs speed, not the page.
        software=told.get("fallback") is not False,
        features=frozenset(name for name in named if isinstance(name, str)),
        max_buffer_bytes=int(_number(told.get("maxBufferBytes"), 1, _MOST_BYTES) or 0),
        max_storage_bytes=int(_number(told.get("maxStorageBytes"), 1, _MOST_BYTES) or 0),
    )
    return adapter, ""


def _webnn(value: JsonValue) -> dict[str, str]:
    told = _mapping(value)
    devices = _mapping(told.get("devices"))
    why = _text(told.get("reason")) or _UNASKED
    missing: dict[str, str] = {}
    for device in WEBNN_DEVICES:
        given = devices.get(device)
        if not isinstance(given, Mapping):
            missing[device] = why
        elif "reason" in given:
            missing[device] = _text(given["reason"]) or _UNASKED
    return missing


def _mapping(value: JsonValue) -> Mapping[str, JsonValue]:
    return value if isinstance(value, Mapping) else {}


def _text(value: JsonValue) -> str:
    return value.strip()[:_LONGEST_TEXT] if isinstance(value, str) else ""


def _number(value: JsonValue, least: float, most: float) -> float | None:
    """Return a number within bounds; comparing refuses NaN, infinities and huge integers, too."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if least <= value <= most else None
