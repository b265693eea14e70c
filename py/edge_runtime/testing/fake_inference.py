"""Inference in memory: models are Python functions, known by their bytes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import HostError, error_from_dict
from ..host.ports import (
    Clock,
    InferenceReply,
    ModelFile,
    Network,
    OnProgress,
    OpenedModel,
    Target,
)
from ..model_files import read_model
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
        probes: Whether each probe asked for accelerators.
        opened: ``lane session`` in the order in which they were opened, repeats included.
        runs: The same of runs.
        files: What was opened last, by URL.
        progress: What each opening tells of its download.
        closed: Lanes that were ended, in that order.
        lose_next_run: True makes the next run raise ``worker-lost`` and forget its lane.
        faults: By backend, what opening and running there raises.
        run_faults: By backend, what the next runs there raise, one each.
        speeds: By backend, what times of runs are multiplied with.
        skewed: Backends whose answers are wrong: the model computes on feeds of zeros.
        probe_ms: Clock time of a probe that asks for accelerators.
        open_ms: Clock time of an opening.
        growth_bytes: What a lane's memory grows by with each run.
    """

    def __init__(self, clock: Clock, network: Network) -> None:
        self._clock = clock
        self._network = network
        self._models: dict[bytes, FakeModel] = {}
        self._sessions: dict[tuple[str, str], tuple[FakeModel, str]] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._grown_bytes: Counter[str] = Counter()
        self.facts: dict[str, Any] = {"simd": True, "cores": 1, "build": "fake"}
        self.probes: list[bool] = []
        self.opened: list[str] = []
        self.runs: list[str] = []
        self.files: dict[str, ModelFile] = {}
        self.progress: list[tuple[int, int | None]] = []
        self.closed: list[str] = []
        self.lose_next_run = False
        self.faults: dict[str, HostError] = {}
        self.run_faults: dict[str, list[HostError]] = {}
        self.speeds: dict[str, float] = {}
        self.skewed: set[str] = set()
        self.probe_ms = self.open_ms = 0.0
        self.growth_bytes = 0

    @property
    def sessions(self) -> list[str]:
        """``lane session`` of what is open now, sorted."""
        return sorted(f"{lane} {session}" for lane, session in self._sessions)

    def define(self, data: bytes, model: FakeModel) -> bytes:
        """Make ``data`` the file of ``model``; return it."""
        self._models[data] = model
        return data

    async def probe(self, *, accelerators: bool) -> Mapping[str, Any]:
        """Return :attr:`facts`, those of accelerators only if they are asked for."""
        self.probes.append(accelerators)
        if accelerators:
            await self._clock.sleep_ms(self.probe_ms)
            return self.facts
        return {name: fact for name, fact in self.facts.items() if not name.startswith("web")}

    async def open(
        self,
        lane: str,
        session: str,
        file: ModelFile,
        target: Target,
        on_progress: OnProgress | None = None,
    ) -> OpenedModel:
        """Open a defined model, after ``open_ms`` of clock time."""
        end = self._end_of(lane)
        data, weights = await read_model(self._network, file)
        self.files[file.url] = file
        for told in self.progress:
            if on_progress is not None:
                on_progress(*told)
        await self._pass(self.open_ms, session, lane, end)
        key = target.backend if target.device is None else f"{target.backend}-{target.device}"
        await self._fail(lane, key, self.faults.get(key))
        known = self._models.get(bytes(data))
        if known is None:
            got = f"{len(data)} bytes"
            raise HostError("inference-failed", f"{session}: expected a defined model, got {got}.")
        self.opened.append(f"{lane} {session}")
        self._sessions[lane, session] = (known, key)
        backend = Backend(target.backend, target.threads, None, target.device)
        size_bytes = len(data) + sum(map(len, weights.values()))
        heap_bytes = self._heap_bytes(lane)
        return OpenedModel(known.inputs, known.outputs, backend, heap_bytes, size_bytes)

    async def run(self, lane: str, session: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        """Compute, after ``infer_ms`` of clock time."""
        if self.lose_next_run:
            self.lose_next_run = False
            await self.close(lane, "the test wants it")
        known, key = self._sessions.get((lane, session), (None, ""))
        if known is None:
            text = f"{session}: expected an answer, got a lost worker."
            raise HostError("worker-lost", text, {"lane": lane})
        infer_ms = known.infer_ms * self.speeds.get(key, 1.0)
        self.runs.append(f"{lane} {session}")
        planned = self.run_faults.get(key)
        await self._fail(lane, key, planned.pop(0) if planned else self.faults.get(key))
        await self._pass(infer_ms, session, lane, self._end_of(lane))
        self._grown_bytes[lane] += self.growth_bytes
        if key in self.skewed:
            feeds = {name: _zeros(feed) for name, feed in feeds.items()}
        return InferenceReply(known.compute(feeds), infer_ms, self._heap_bytes(lane))

    async def release(self, lane: str, session: str) -> None:
        """Forget the session."""
        self._sessions.pop((lane, session), None)

    async def close(self, lane: str, reason: str) -> None:
        """Forget the lane's sessions; runs that go on there are lost."""
        if lane in self._ends:
            self._ends.pop(lane).set()
        self._grown_bytes.pop(lane, None)
        self.closed.append(lane)
        for place in [place for place in self._sessions if place[0] == lane]:
            del self._sessions[place]

    async def erase(self) -> None:
        """Do nothing: no files are kept."""

    async def _fail(self, lane: str, key: str, fault: HostError | None) -> None:
        """Raise a planned fault; one that poisons its lane ends it, as hosts do."""
        if fault is not None:
            if fault.details.get("poisoned"):
                await self.close(lane, fault.message)
            raise error_from_dict(fault.to_dict())

    def _end_of(self, lane: str) -> asyncio.Event:
        return self._ends.setdefault(lane, asyncio.Event())

    async def _pass(self, duration_ms: float, session: str, lane: str, end: asyncio.Event) -> None:
        """Let time pass; the end of the lane interrupts it."""
        ways = [
            asyncio.ensure_future(way) for way in (self._clock.sleep_ms(duration_ms), end.wait())
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
        if end.is_set():
            text = f"{session}: expected an answer, got the end of its worker."
            raise HostError("worker-lost", text, {"lane": lane})

    def _heap_bytes(self, lane: str) -> int:
        return 2**20 * sum(each == lane for each, _ in self._sessions) + self._grown_bytes[lane]


def _zeros(tensor: Tensor) -> Tensor:
    return Tensor(tensor.dtype, tensor.shape, bytes(len(bytes(tensor.data))))
