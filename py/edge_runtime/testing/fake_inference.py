"""Inference in memory: models are Python functions, known by their bytes."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import HostError, error_from_dict
from ..host.model_files import read_model
from ..host.ports import (
    Clock,
    InferenceReply,
    ModelFile,
    Network,
    OnProgress,
    OpenedModel,
    Target,
)
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
        facts: What :meth:`probe` tells; nothing but wasm to begin with.
        opened: ``lane session`` in the order in which they were opened, repeats included.
        runs: The same of runs.
        closed: Lanes that were ended, in that order.
        lose_next_run: True makes the next run raise ``worker-lost`` and forget its lane.
        faults: By backend, what opening and running there raises.
        speeds: By backend, what times of runs are multiplied with.
        skewed: Backends whose answers are wrong: the model computes on feeds of zeros.
    """

    def __init__(self, clock: Clock, network: Network) -> None:
        self._clock = clock
        self._network = network
        self._models: dict[bytes, FakeModel] = {}
        self._sessions: dict[tuple[str, str], tuple[FakeModel, str]] = {}
        self._ends: Counter[str] = Counter()
        self.facts: dict[str, Any] = {"simd": True, "cores": 1, "build": "fake"}
        self.opened: list[str] = []
        self.runs: list[str] = []
        self.closed: list[str] = []
        self.lose_next_run = False
        self.faults: dict[str, HostError] = {}
        self.speeds: dict[str, float] = {}
        self.skewed: set[str] = set()

    def define(self, data: bytes, model: FakeModel) -> bytes:
        """Make ``data`` the file of ``model``; return it."""
        self._models[data] = model
        return data

    async def probe(self, *, accelerators: bool) -> Mapping[str, Any]:
        """Return :attr:`facts`."""
        return self.facts

    async def open(
        self,
        lane: str,
        session: str,
        file: ModelFile,
        target: Target,
        on_progress: OnProgress | None = None,
    ) -> OpenedModel:
        """Open a defined model."""
        data, weights = await read_model(self._network, file)
        key = target.backend if target.device is None else f"{target.backend}-{target.device}"
        self._fail(key)
        known = self._models.get(bytes(data))
        if known is None:
            got = f"{len(data)} bytes"
            raise HostError("inference-failed", f"{session}: expected a defined model, got {got}.")
        self.opened.append(f"{lane} {session}")
        self._sessions[lane, session] = (known, key)
        backend = Backend(target.backend, target.threads, None, target.device)
        size_bytes = len(data) + sum(map(len, weights.values()))
        return OpenedModel(known.inputs, known.outputs, backend, self._heap_bytes(), size_bytes)

    async def run(self, lane: str, session: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Compute, after ``infer_ms`` of clock time."""
        if self.lose_next_run:
            self.lose_next_run = False
            await self.close(lane, "the test wants it")
        known, key = self._sessions.get((lane, session), (None, ""))
        if known is None:
            text = f"{session}: expected an answer, got a lost worker."
            raise HostError("worker-lost", text, {"lane": lane})
        self._fail(key)
        self.runs.append(f"{lane} {session}")
        ends, infer_ms = self._ends[lane], known.infer_ms * self.speeds.get(key, 1.0)
        await self._clock.sleep_ms(infer_ms)
        if ends != self._ends[lane]:
            text = f"{session}: expected an answer, got the end of its worker."
            raise HostError("worker-lost", text, {"lane": lane})
        if key in self.skewed:
            feeds = {name: _zeros(feed) for name, feed in feeds.items()}
        return InferenceReply(known.compute(feeds), infer_ms, self._heap_bytes())

    async def release(self, lane: str, session: str) -> None:
        """Forget the session."""
        self._sessions.pop((lane, session), None)

    async def close(self, lane: str, reason: str) -> None:
        """Forget the lane's sessions; runs that go on there are lost."""
        self._ends[lane] += 1
        self.closed.append(lane)
        for place in [place for place in self._sessions if place[0] == lane]:
            del self._sessions[place]

    async def erase(self) -> None:
        """Do nothing: no files are kept."""

    def _fail(self, key: str) -> None:
        if key in self.faults:
            raise error_from_dict(self.faults[key].to_dict())

    def _heap_bytes(self) -> int:
        return 2**20 * len(self._sessions)


def _zeros(tensor: Tensor) -> Tensor:
    return Tensor(tensor.dtype, tensor.shape, bytes(len(bytes(tensor.data))))
