"""Frozen records that cross modules. Times are Unix milliseconds, durations milliseconds."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final, Literal

JsonValue = Any
# How a picture meets the size asked for, and which part of it: left, top, right, bottom as shares.
Fit = Literal["cover", "contain"]
Algorithm = Literal["ed25519", "p256"]
Crop = tuple[float, float, float, float]
WHOLE: Final[Crop] = (0.0, 0.0, 1.0, 1.0)
"""Anything ``json.dumps`` takes, plus ``bytes`` where a border carries buffers beside the text."""


class Priority(StrEnum):
    """Queue classes of the native SDK, most urgent first."""

    CORE = "core"
    REGULAR = "regular"
    LOW = "low"


class Supersede(StrEnum):
    """What a new run means for one of the same key that still waits: nothing, its end, or both."""

    NONE = "none"
    LATEST = "latest"
    JOIN = "join"


class WaitedFor(StrEnum):
    """Why a run waited, the first reason."""

    SLOTS = "slots"
    CORE_SLOT = "core-slot"
    PAUSED = "paused"
    LANE = "lane"


class FallbackKind(StrEnum):
    """What stands in for the result of a task whose breaker refuses it."""

    VALUE = "value"
    LAST = "last"
    TASK = "task"


class TriggerKind(StrEnum):
    """What asked for a run."""

    API = "api"
    EVENT = "event"


@dataclass(frozen=True, slots=True)
class Event:
    """One normalised page or user signal.

    Attributes:
        id: Unique, made by the page; a second event with the same id is a duplicate.
        ts: When it happened, Unix milliseconds.
        type: Stream name; page views and clicks captured from the DOM are ``mta``.
        page_id: Page the signal belongs to.
        click_id: What was clicked; None for a page view.
        pv: True for a page view.
        props: Free JSON object from the markup or the caller.
    """

    id: str
    ts: float
    type: str
    page_id: str
    click_id: str | None = None
    pv: bool = False
    props: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Activation:
    """A request to run one task, as the task sees it.

    Attributes:
        run_id: Unique per run.
        task_name: The task to run.
        trigger: Who asked.
        ts: When it was asked for; for an event, the event's own time. Unix milliseconds.
        event: The event that completed the trigger; None for API calls.
        ext_data: The caller's data (``bytes`` allowed as values); empty for events.
    """

    run_id: str
    task_name: str
    trigger: TriggerKind
    ts: float
    event: Event | None = None
    ext_data: Mapping[str, JsonValue] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Timings:
    """Where a run's time went, milliseconds. ``total_ms`` covers admission to result.

    ``lane_ms``, waiting for an inference worker, is part of ``run_ms``.
    """

    queued_ms: float
    run_ms: float
    infer_ms: float
    total_ms: float
    lane_ms: float = 0.0

    def to_dict(self) -> dict[str, float]:
        """Return the page's spelling, rounded to microseconds."""
        return {
            "queuedMs": round(self.queued_ms, 3),
            "runMs": round(self.run_ms, 3),
            "inferMs": round(self.infer_ms, 3),
            "laneMs": round(self.lane_ms, 3),
            "totalMs": round(self.total_ms, 3),
        }


@dataclass(frozen=True, slots=True)
class Backend:
    """Where a model really ran.

    Attributes:
        name: ``wasm``, ``webgpu``, ``webnn`` or ``cpu`` (onnxruntime under CPython).
        threads: Threads of the wasm pool; 1 where the page is not cross-origin isolated.
        fallback_reason: Why this is not the backend that was asked for; None if it is.
        device: ``cpu``, ``gpu`` or ``npu`` of WebNN; None for the others.
        refused: By backend, why it is not used.
    """

    name: str
    threads: int = 1
    fallback_reason: str | None = None
    device: str | None = None
    refused: Mapping[str, str] = field(default_factory=dict)

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the page's spelling, without what there is none of."""
        plain: dict[str, JsonValue] = {"name": self.name, "threads": self.threads}
        if self.device is not None:
            plain["device"] = self.device
        if self.fallback_reason is not None:
            plain["fallbackReason"] = self.fallback_reason
        if self.refused:
            plain["refused"] = dict(self.refused)
        return plain


@dataclass(frozen=True, slots=True)
class Conditions:
    """When a variant of a model may be used; the defaults are met everywhere.

    Attributes:
        precision: ``fp32``, ``fp16`` or ``int8``; for the tolerance where none is given.
        backends: The only ones it is for, ``webnn`` or one of its devices; empty: all.
        requires: Features of the WebGPU adapter, such as ``shader-f16``. Other backends may use the
            variant only if ``backends`` names them.
        min_memory_gb: Gigabytes the device has at least; many browsers tell 8 at most.
    """

    precision: str = "fp32"
    backends: tuple[str, ...] = ()
    requires: tuple[str, ...] = ()
    min_memory_gb: float | None = None


@dataclass(frozen=True, slots=True)
class Result:
    """Outcome of one finished run.

    ``backend`` is keyed by model name; ``waited_for`` is None for a run that never waited;
    ``fallback`` says what the value is instead of the task's, None if it is the task's; ``profile``
    where its time went, None where nobody asked.
    """

    run_id: str
    task_name: str
    value: JsonValue
    trigger: TriggerKind
    timings: Timings
    backend: Mapping[str, Backend] = field(default_factory=dict)
    waited_for: WaitedFor | None = None
    fallback: FallbackKind | None = None
    profile: Mapping[str, JsonValue] | None = None

    def to_dict(self) -> dict[str, JsonValue]:
        """Return the record a page receives (README, Result)."""
        plain: dict[str, JsonValue] = {
            "runId": self.run_id,
            "taskName": self.task_name,
            "value": self.value,
            "trigger": self.trigger.value,
            "timings": self.timings.to_dict(),
            "waitedFor": None if self.waited_for is None else self.waited_for.value,
            "fallback": None if self.fallback is None else self.fallback.value,
            "backend": {model: backend.to_dict() for model, backend in self.backend.items()},
        }
        return plain if self.profile is None else {**plain, "profile": dict(self.profile)}


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """Name, dtype and shape a model declares; a dynamic axis is its name, or None."""

    name: str
    dtype: str
    shape: tuple[int | str | None, ...]


@dataclass(frozen=True, slots=True)
class Response:
    """What a server answered, whatever its status.

    Attributes:
        status: HTTP status.
        headers: By lower-case name; of another origin those that it lets pages read.
        body: As it was before compression.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes

    def text(self) -> str:
        """Return the body as UTF-8; bytes that are none become U+FFFD."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> JsonValue:
        """Return the body's JSON; ValueError if it is none."""
        return json.loads(self.body)
