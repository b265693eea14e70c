"""The engine behind the models: lanes with sessions."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ...tensor import Tensor
from ...types import Backend, TensorSpec

OnProgress = Callable[[int, int | None], None]
"""Hears of a download: bytes that are there, and of how many; None where that is not known."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A model's file as it is published.

    Attributes:
        url: Where it is; for messages only where ``data`` is given.
        sha256: Its digest, lower-case.
        external: The files of weights it refers to, by the paths it names them with.
        key: Opens a sealed file; None: it is not sealed.
        data: The file itself, where it is at hand.
    """

    url: str
    sha256: str
    external: Mapping[str, "ModelFile"] = field(default_factory=dict)
    key: bytes | None = None
    data: bytes | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Where a session is to run.

    Attributes:
        backend: ``wasm``, ``webgpu`` or ``webnn``.
        device: ``cpu``, ``gpu`` or ``npu`` of WebNN; None for the others.
        build: Of the engine: ``wasm``, ``jspi`` or ``asyncify``; one for a whole lane.
        threads: Of the wasm pool; one number for a whole lane.
        dimensions: Sizes of named dynamic dimensions.
    """

    backend: str
    device: str | None = None
    build: str = "wasm"
    threads: int = 1
    dimensions: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class OpenedModel:
    """What a session declares once it is ready to run.

    ``heap_bytes`` is what the lane's engine has taken of memory, ``file_bytes`` what was opened.
    """

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    backend: Backend
    heap_bytes: int = 0
    file_bytes: int = 0


@dataclass(frozen=True, slots=True)
class InferenceReply:
    """Outputs by name, the time inside the engine in milliseconds, and the lane's memory."""

    outputs: Mapping[str, Tensor]
    infer_ms: float
    heap_bytes: int = 0


class Inference(Protocol):
    """ONNX sessions in lanes. A lane does one thing at a time, in order of arrival."""

    async def probe(self, *, accelerators: bool) -> Mapping[str, Any]:
        """Return facts about the device, as ``pure/device`` reads them.

        Args:
            accelerators: Whether to ask for GPUs and NPUs too, which may take a second.
        """

    async def open(
        self,
        lane: str,
        session: str,
        file: ModelFile,
        target: Target,
        on_progress: OnProgress | None = None,
    ) -> OpenedModel:
        """Create (or replace) a session, and the lane if there is none of this name.

        Args:
            lane: The worker it lives in.
            session: Its name there.
            file: Fetched, or read where it was kept, and checked against its digest.
            target: Where it is to run.
            on_progress: Hears of a download.

        Raises:
            TrustError: ``digest-mismatch``, ``seal-broken``.
            HostError: ``network-failed``; ``inference-failed``: it cannot be opened there, with
                ``details`` poisoned where the lane has ended of it; ``worker-lost``.
        """

    async def run(self, lane: str, session: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Run one inference; feeds were checked against the model's inputs.

        Raises:
            HostError: ``inference-failed``, with ``details`` poisoned (and deviceLost) where the
                lane has ended of it; ``worker-lost``: the lane is gone, whatever the reason.
        """

    async def release(self, lane: str, session: str) -> None:
        """Free the session; unknown names are no error."""

    async def close(self, lane: str, reason: str) -> None:
        """End the lane at once, in the middle of a run as well; unknown names are no error."""

    async def erase(self) -> None:
        """Forget the model files that are kept; open sessions go on."""
