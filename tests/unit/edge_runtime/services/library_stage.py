"""A model library on a fake host whose engine, files and clock obey the test."""

import asyncio
import copy
import hashlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any, Final

import pytest
from edge_runtime.config_breaker import BreakerConfig
from edge_runtime.config_models import InferenceConfig, ModelConfig, Variant
from edge_runtime.errors import EdgeError, HostError, RefusedError
from edge_runtime.services.breakers import Breakers
from edge_runtime.services.inference import ModelLibrary, ModelRun
from edge_runtime.services.lanes import Lanes
from edge_runtime.tensor import Tensor
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.fake_inference import FakeModel
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import JsonValue, Priority, TensorSpec

from ..pure.devices import ALL_WEBNN, PLAIN, WEBNN_CPU, adapter

__all__ = ["ALL_WEBNN", "PLAIN", "WEBNN_CPU", "adapter"]

FILES: Final = {
    name: f"the ONNX file {name}".encode().ljust(2**20) for name in ("m", "other", "half", "third")
}
URL: Final = "https://site/m.onnx"
INPUT: Final = TensorSpec("x", "float32", (2,))
FEEDS: Final = {"x": Tensor.float32([1.0, 2.0])}
RUN_MS: Final = 8.0
BREAKER: Final = BreakerConfig(min_calls=5, open_ms=100, half_open_calls=1)
STILL: Final = InferenceConfig(measure=False)
MEASURED: Final = InferenceConfig()


def digest(name: str) -> str:
    return hashlib.sha256(FILES[name]).hexdigest()


def variant(name: str = "m", **more: Any) -> Variant:
    return Variant(f"{name}.onnx", digest(name), **more)


def model(*variants: Variant, **more: Any) -> ModelConfig:
    return ModelConfig(variants or (variant(),), **more)


def doubled(feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {"y": Tensor.float32([2 * value for value in feeds["x"].tolist()])}


class Rider:
    """A run that ends when the test says so."""

    priority, since_ms, number = Priority.CORE, 0.0, 1

    def __init__(self) -> None:
        self.has_ended = False

    def check(self) -> None:
        if self.has_ended:
            raise RefusedError("run-ended", "the run has ended")

    def waited_in_lane(self, wait_ms: float) -> None: ...


class Kept:
    """Values that are durable once ``put`` has returned."""

    def __init__(self) -> None:
        self.values: dict[str, JsonValue] = {}

    def get(self, key: str) -> JsonValue:
        return copy.deepcopy(self.values.get(key))

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        await asyncio.sleep(0)
        self.values[key] = copy.deepcopy(value)

    async def delete(self, key: str) -> None:
        await asyncio.sleep(0)
        self.values.pop(key, None)


class Stage:
    """A library with its engine: ``y`` is twice ``x``, after 8 ms on a backend of usual speed."""

    def __init__(
        self,
        models: Mapping[str, ModelConfig] | None = None,
        config: InferenceConfig = STILL,
        *,
        device: Mapping[str, Any] | None = None,
        kept: Kept | None = None,
        clock: ManualClock | None = None,
    ) -> None:
        self.host = create_fake_host(clock=clock)
        self.clock, self.engine, self.page = self.host.clock, self.host.inference, self.host.page
        self.files, self.kept = self.host.network, kept or Kept()
        self.engine.facts = {"cores": 1, "simd": True, "build": "fake", **(device or {})}
        for name, data in FILES.items():
            one = FakeModel((INPUT,), (TensorSpec("y", "float32", (2,)),), doubled, RUN_MS)
            self.engine.define(data, one)
            self.files.files[f"https://site/{name}.onnx"] = data
        self.breakers = Breakers(self.clock, self.page, self.kept, BREAKER, lambda *_: 0.5)
        self.lanes = Lanes(self.clock, 2_000)
        self.library = ModelLibrary(
            self.host,
            models or {name: model(variant(name)) for name in ("m", "other")},
            config,
            resolve=lambda url: f"https://site/{url}",
            resource=lambda task, file: f"{task}/{file}".encode(),
            breakers=self.breakers,
            lanes=self.lanes,
            values=self.kept,
        )
        self.library.load()

    def start(self, name: str = "m", rider: Rider | None = None) -> "asyncio.Task[ModelRun]":
        return asyncio.create_task(self.library.run(name, FEEDS, rider or Rider()))

    async def finished(self, running: "asyncio.Task[ModelRun]") -> ModelRun:
        """Return a run's result; the clock moves on until it is there."""
        for _ in range(500):
            await settle()
            if running.done():
                return running.result()
            await self.clock.advance(4)
        raise AssertionError("the run does not end")

    async def run(self, name: str = "m") -> ModelRun:
        return await self.finished(self.start(name))

    async def refused(self, name: str = "m") -> EdgeError:
        with pytest.raises(EdgeError) as raised:
            await self.run(name)
        return raised.value

    async def measured(self) -> None:
        """Let the library be idle for long enough to measure everything."""
        await self.clock.advance(20_000)

    def plans(self, name: str = "m") -> dict[str, tuple[float | None, str | None]]:
        """Return what measuring found: by backend time and refusal."""
        plans = self.library.statistics()[name]["plans"]
        return {each["backend"]: (each["ms"], each["refused"]) for each in plans}

    def next_life(self, **changes: Any) -> "Stage":
        """Return the library of a worker that is started after this one, on the same device."""
        models = {name: entry.config for name, entry in self.library._models.items()}
        device = changes.pop("device", self.engine.facts)
        kept = Kept()
        kept.values = copy.deepcopy(self.kept.values)
        stage = Stage(models, MEASURED, device=device, kept=kept, clock=self.clock, **changes)
        stage.engine.speeds = self.engine.speeds
        return stage

    async def stop(self) -> None:
        """Stop in the runtime's order; nothing is left behind."""
        await self.lanes.stop()
        await self.library.stop()
        await self.breakers.stop()
        assert self.engine.sessions == []


def on_stage(
    *arguments: Any, **settings: Any
) -> Callable[[Callable[[Stage], Coroutine[Any, Any, None]]], Callable[[], None]]:
    """Play a test on a :class:`Stage` of these arguments; no task and no session may be left."""

    def decorate(test: Callable[[Stage], Coroutine[Any, Any, None]]) -> Callable[[], None]:
        async def play() -> None:
            stage = Stage(*arguments, **settings)
            await test(stage)
            await stage.stop()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        def run() -> None:
            asyncio.run(play())

        run.__name__, run.__doc__ = test.__name__, test.__doc__
        return run

    return decorate


def unable(**details: JsonValue) -> HostError:
    return HostError("inference-failed", "no kernel for Foo", details)


def lost() -> HostError:
    return HostError("worker-lost", "the engine died", {"poisoned": True})


def device_lost() -> HostError:
    return unable(poisoned=True, deviceLost=True)
