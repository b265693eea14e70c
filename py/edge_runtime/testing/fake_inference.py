"""Inference in memory: models are Python functions, known by their bytes."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ..errors import HostError
from ..host.ports import Clock, InferenceReply, OpenedModel
from ..tensor import Tensor
from ..types import Backend, TensorSpec


@dataclass(frozen=True, slots=True)
class FakeModel:
    """What a model declares and computes; ``infer_ms`` of clock time pass per run."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    compute: Callable[[Mapping[str, Tensor]], Mapping[str, Tensor]]
    infer_ms: float = 0.0


class FakeInference:
    """Implements ``Inference``.

    Attributes:
        opened: Names in the order in which they were opened, repeats included.
        runs: Names in the order in which they ran.
        lose_next_run: True makes the next run raise ``worker-lost`` and forget every session.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._models: dict[bytes, FakeModel] = {}
        self._sessions: dict[str, FakeModel] = {}
        self.opened: list[str] = []
        self.runs: list[str] = []
        self.lose_next_run = False

    def define(self, data: bytes, model: FakeModel) -> bytes:
        """Make ``data`` the file of ``model``; return it."""
        self._models[data] = model
        return data

    async def open(self, model: str, data: bytes, *, backend: str) -> OpenedModel:
        """Open a defined model; the backend is always ``cpu``."""
        known = self._models.get(bytes(data))
        if known is None:
            raise HostError(
                "inference-failed", f"{model}: expected a defined model, got {len(data)} bytes."
            )
        self.opened.append(model)
        self._sessions[model] = known
        reason = None if backend == "cpu" else f"the fake has no {backend}"
        return OpenedModel(known.inputs, known.outputs, Backend("cpu", 1, reason))

    async def run(self, model: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Compute, after ``infer_ms`` of clock time."""
        if self.lose_next_run:
            self.lose_next_run = False
            self._sessions.clear()
            raise HostError("worker-lost", f"{model}: expected an answer, got a lost worker.")
        session = self._sessions.get(model)
        if session is None:
            raise HostError("inference-failed", f"{model}: expected an open model, got none.")
        self.runs.append(model)
        await self._clock.sleep_ms(session.infer_ms)
        return InferenceReply(session.compute(feeds), session.infer_ms)

    async def release(self, model: str) -> None:
        """Forget the session."""
        self._sessions.pop(model, None)
