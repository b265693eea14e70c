"""Any sequence of runs, cancellations, faults and waiting: what must hold of all of them."""

import asyncio
from collections.abc import Mapping
from typing import Any

from edge_runtime.config_models import InferenceConfig
from edge_runtime.errors import EdgeError, HostError
from edge_runtime.host.ports import InferenceReply
from edge_runtime.tensor import Tensor
from edge_runtime.testing.fake_inference import FakeInference
from edge_runtime.testing.manual_clock import settle
from edge_runtime.types import Backend
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples

from .library_stage import (
    PLAIN,
    WEBNN_CPU,
    ModelRun,
    Stage,
    device_lost,
    lost,
    model,
    unable,
    variant,
)

MIB = 2**20
MODELS = {
    "m": model(),
    "other": model(variant("other"), pin="webgpu"),
    "third": model(variant("third", precision="int8"), variant("half")),
}
DEVICE = {**PLAIN["chrome with everything"], "webnn": WEBNN_CPU}
CONFIG = InferenceConfig(wasm_lanes=2, memory_budget_bytes=7 * MIB // 2)
BACKENDS = ("wasm", "webgpu", "webnn-cpu")
FAULTS = {"unable": unable(), "lost": lost(), "device lost": device_lost()}
CODES = {"inference-failed", "worker-lost", "circuit-open", "run-cancelled", "network-failed"}

names, backends = st.sampled_from(sorted(MODELS)), st.sampled_from(BACKENDS)
faults = st.sampled_from(sorted(FAULTS))
steps = st.one_of(
    st.tuples(st.just("run"), names),
    st.tuples(st.just("run"), names),
    st.tuples(st.just("cancel"), st.integers(0, 5)),
    st.tuples(st.just("wait"), st.sampled_from([0, 3, 9, 50, 400, 700, 5_000, 31_000, 700_000])),
    st.tuples(st.just("fault"), backends, faults),
    st.tuples(st.just("run_fault"), backends, faults),
    st.tuples(st.just("mend")),
    st.tuples(st.just("speed"), backends, st.sampled_from([0.25, 1, 40, 10_000])),
    st.tuples(st.just("grow"), st.sampled_from([0, MIB, 20 * MIB])),
    st.tuples(st.just("skew"), backends),
    st.tuples(st.just("slow"), st.sampled_from([0, 20, 500])),
    st.tuples(st.just("release"), names),
    st.tuples(st.just("forget")),
)


class Watched(FakeInference):
    """Notes requests to sessions that are not there."""

    def watch(self) -> None:
        self.strays: list[str] = []
        self.running: set[str] = set()

    async def run(self, lane: str, session: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        if f"{lane} {session}" not in self.sessions or lane in self.running:
            self.strays.append(f"{lane} {session}")
        self.running.add(lane)
        try:
            return await super().run(lane, session, feeds)
        finally:
            self.running.discard(lane)


class Play:
    """One sequence on a stage."""

    def __init__(self) -> None:
        self.stage = Stage(MODELS, CONFIG, device=DEVICE)
        self.engine = self.stage.engine
        self.engine.__class__ = Watched
        assert isinstance(self.engine, Watched)
        self.engine.watch()
        self.runs: list[asyncio.Task[ModelRun]] = []

    async def step(self, what: str, *how: Any) -> None:
        await getattr(self, what)(*how)
        await settle()

    async def run(self, name: str) -> None:
        self.runs.append(self.stage.start(name))

    async def cancel(self, number: int) -> None:
        if self.runs:
            self.runs[-1 - number % len(self.runs)].cancel()

    async def wait(self, duration_ms: float) -> None:
        await self.stage.clock.advance(duration_ms)

    async def fault(self, backend: str, fault: str) -> None:
        self.engine.faults[backend] = FAULTS[fault]

    async def run_fault(self, backend: str, fault: str) -> None:
        self.engine.run_faults.setdefault(backend, []).append(FAULTS[fault])

    async def speed(self, backend: str, factor: float) -> None:
        self.engine.speeds[backend] = factor

    async def skew(self, backend: str) -> None:
        self.engine.skewed.add(backend)

    async def grow(self, size_bytes: int) -> None:
        self.engine.growth_bytes = size_bytes

    async def slow(self, open_ms: float) -> None:
        self.engine.open_ms = open_ms

    async def release(self, name: str) -> None:
        await self.stage.library.release(name)

    async def forget(self) -> None:
        self.stage.library.forget()

    async def mend(self) -> None:
        self.engine.faults.clear()
        self.engine.run_faults.clear()
        self.engine.speeds.clear()
        self.engine.skewed.clear()
        self.engine.open_ms = 0

    def check(self) -> None:
        """What is open is what is accounted for, and nothing was asked of what is not open."""
        assert isinstance(self.engine, Watched)
        assert self.engine.strays == []
        sessions = self.stage.library._sessions
        known = sorted(f"{lane} {name}" for lane, name in sessions._open)
        assert set(known) <= set(self.engine.sessions)
        memory = self.stage.library.memory()
        assert memory["sessionsBytes"] == sum(each.size_bytes for each in sessions._open.values())
        if not sessions._opening:
            assert known == self.engine.sessions
            assert set(memory["heapBytes"]) == {each.split(" ")[0] for each in known}

    async def end(self) -> None:
        """Mend everything; then every run settles, and models run again."""
        await self.mend()
        for _ in range(200):
            await self.stage.clock.advance(500)
        assert all(run.done() for run in self.runs)
        for run in self.runs:
            self.check_outcome(run)
        assert all(not each.users for each in self.stage.library._sessions._open.values())
        for name in MODELS:
            assert (await self.stage.run(name)).outputs["y"].tolist() == [2.0, 4.0]
        self.check()
        await self.stage.stop()
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def check_outcome(self, run: "asyncio.Task[ModelRun]") -> None:
        if run.cancelled():
            return
        error = run.exception()
        if error is None:
            assert isinstance(run.result().backend, Backend)
        else:
            assert isinstance(error, EdgeError) and error.code in CODES, error
            assert not (isinstance(error, HostError) and error.details.get("closed")), error


async def play(sequence: list[tuple[Any, ...]]) -> None:
    game = Play()
    for step in sequence:
        await game.step(*step)
        game.check()
    await game.end()


@settings(max_examples=examples(30), deadline=None)
@given(st.lists(steps, min_size=15, max_size=40))
def test_every_run_settles_and_nothing_is_left(sequence: list[tuple[Any, ...]]) -> None:
    asyncio.run(play(sequence))
