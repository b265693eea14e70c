"""Models: opened once and lazily, checked, fed correctly, and back after the engine was lost."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest
from edge_runtime.config import ModelConfig, Variant
from edge_runtime.errors import ConfigError, EdgeError, HostError, TrustError
from edge_runtime.host.ports import InferenceReply, OpenedModel
from edge_runtime.services.inference import ModelLibrary
from edge_runtime.tensor import Tensor
from edge_runtime.testing.manual_clock import ManualClock
from edge_runtime.types import Backend, TensorSpec

MODEL = b"an ONNX file"
DIGEST = hashlib.sha256(MODEL).hexdigest()
INPUT = TensorSpec("x", "float32", (None,))
FEEDS = {"x": Tensor.float32([1.0])}


class Engine:
    """An inference port that doubles its input and fails as told, once per entry."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.open_failures: list[HostError] = []
        self.run_failures: list[HostError] = []
        self.sessions: set[str] = set()

    async def open(self, model: str, data: bytes, *, backend: str) -> OpenedModel:
        self.calls.append(("open", backend))
        await asyncio.sleep(0)
        if self.open_failures:
            raise self.open_failures.pop(0)
        self.sessions.add(model)
        return OpenedModel((INPUT,), (INPUT,), Backend(backend))

    async def run(self, model: str, feeds: Mapping[str, Tensor]) -> InferenceReply:
        self.calls.append(("run", model))
        await asyncio.sleep(0)
        if self.run_failures:
            self.sessions.clear()
            raise self.run_failures.pop(0)
        assert model in self.sessions
        return InferenceReply({"y": feeds["x"]}, 2.0)

    async def release(self, model: str) -> None:
        self.sessions.discard(model)


class Files:
    """A network port over a dict that opens its gate when told."""

    def __init__(self) -> None:
        self.content = {"https://site/m.onnx": MODEL, "https://site/cpu.onnx": MODEL}
        self.fetched: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()

    async def fetch(self, url: str, *, max_bytes: int, timeout_ms: float) -> bytes:
        self.fetched.append(url)
        await self.gate.wait()
        if url not in self.content:
            raise HostError("network-failed", "absent", {"url": url, "status": 404})
        return self.content[url]


class Stage:
    """A library of one model with its engine and its files."""

    def __init__(self, *variants: Variant) -> None:
        self.engine, self.files, self.clock = Engine(), Files(), ManualClock()
        config = ModelConfig(variants or (Variant("m.onnx", DIGEST),))
        self.library = ModelLibrary(
            inference=self.engine,
            network=self.files,
            clock=self.clock,
            models={"m": config, "other": config},
            resolve=lambda url: f"https://site/{url}",
        )

    def count(self, what: str) -> int:
        return sum(call == what for call, _ in self.engine.calls)


def on_stage(
    test: Callable[[Stage], Coroutine[Any, Any, None]],
) -> Callable[[], None]:
    async def play() -> None:
        stage = Stage()
        await test(stage)
        await stage.library.stop()
        assert not stage.engine.sessions
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def run() -> None:
        asyncio.run(play())

    run.__name__ = test.__name__
    return run


async def error_of(running: Coroutine[Any, Any, Any]) -> EdgeError:
    with pytest.raises(EdgeError) as raised:
        await running
    return raised.value


def lost() -> HostError:
    return HostError("worker-lost", "the engine died")


def unable() -> HostError:
    return HostError("inference-failed", "no kernel for Foo")


@on_stage
async def test_a_model_is_fetched_and_opened_at_its_first_run(stage: Stage) -> None:
    assert stage.files.fetched == []

    run = await stage.library.run("m", FEEDS)

    assert (run.outputs, run.infer_ms, run.backend.name) == ({"y": FEEDS["x"]}, 2.0, "wasm")
    await stage.library.run("m", FEEDS)
    assert stage.files.fetched == ["https://site/m.onnx"]
    assert (stage.count("open"), stage.count("run")) == (1, 2)


@on_stage
async def test_concurrent_first_runs_share_one_opening(stage: Stage) -> None:
    await asyncio.gather(*(stage.library.run("m", FEEDS) for _ in range(5)))

    assert (stage.count("open"), stage.count("run")) == (1, 5)


@on_stage
async def test_an_opening_outlives_the_run_that_asked_for_it(stage: Stage) -> None:
    stage.files.gate.clear()
    impatient = asyncio.create_task(stage.library.run("m", FEEDS))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    stage.files.gate.set()

    await stage.library.run("m", FEEDS)

    assert len(stage.files.fetched) == 1


@on_stage
async def test_stopping_gives_up_an_opening(stage: Stage) -> None:
    stage.files.gate.clear()
    waiting = asyncio.create_task(stage.library.run("m", FEEDS))
    await asyncio.sleep(0)

    await stage.library.stop()

    with pytest.raises(asyncio.CancelledError):
        await waiting


@on_stage
async def test_a_file_with_another_digest_is_never_opened(stage: Stage) -> None:
    stage.files.content["https://site/m.onnx"] = b"tampered"

    error = await error_of(stage.library.run("m", FEEDS))

    assert isinstance(error, TrustError) and error.code == "digest-mismatch"
    assert error.details["expected"] == DIGEST
    assert error.details["got"] == hashlib.sha256(b"tampered").hexdigest()
    assert stage.engine.calls == []


@on_stage
async def test_a_failed_opening_is_tried_again_by_the_next_run(stage: Stage) -> None:
    content = stage.files.content.pop("https://site/m.onnx")
    errors = await asyncio.gather(*(error_of(stage.library.run("m", FEEDS)) for _ in range(2)))
    assert [error.code for error in errors] == ["network-failed"] * 2
    assert errors[0] is not errors[1]

    stage.files.content["https://site/m.onnx"] = content

    await stage.library.run("m", FEEDS)


@on_stage
async def test_wrong_feeds_and_unknown_models_are_the_callers_errors(stage: Stage) -> None:
    feeds = await error_of(stage.library.run("m", {"x": Tensor.int64([1])}))
    unknown = await error_of(stage.library.run("absent", FEEDS))

    assert isinstance(feeds, ConfigError) and feeds.code == "tensor-invalid"
    assert isinstance(unknown, ConfigError) and unknown.details["models"] == ["m", "other"]
    assert stage.count("run") == 0


@on_stage
async def test_a_lost_engine_is_replaced_and_the_run_repeated(stage: Stage) -> None:
    await stage.library.run("m", FEEDS)
    await stage.library.run("other", FEEDS)
    stage.engine.run_failures = [lost()]

    await stage.library.run("m", FEEDS)
    await stage.library.run("other", FEEDS)

    assert stage.count("open") == 4


@on_stage
async def test_an_engine_lost_twice_is_reported(stage: Stage) -> None:
    stage.engine.run_failures = [lost(), lost()]

    assert (await error_of(stage.library.run("m", FEEDS))).code == "worker-lost"
    assert (await stage.library.run("m", FEEDS)).infer_ms == 2.0


@on_stage
async def test_runs_that_lose_the_engine_together_reopen_it_once(stage: Stage) -> None:
    await stage.library.run("m", FEEDS)
    stage.engine.run_failures = [lost(), lost()]

    await asyncio.gather(*(stage.library.run("m", FEEDS) for _ in range(2)))

    assert stage.count("open") == 2


@on_stage
async def test_a_failed_run_is_not_repeated(stage: Stage) -> None:
    stage.engine.run_failures = [unable()]

    assert (await error_of(stage.library.run("m", FEEDS))).code == "inference-failed"
    assert stage.count("run") == 1


@pytest.mark.parametrize("failure", [unable(), lost()], ids=lambda error: error.code)
def test_the_next_variant_replaces_one_that_cannot_be_opened(failure: HostError) -> None:
    async def play() -> None:
        stage = Stage(Variant("m.onnx", DIGEST, "webnn"), Variant("cpu.onnx", DIGEST, "wasm"))
        stage.engine.open_failures = [failure]

        run = await stage.library.run("m", FEEDS)

        assert run.backend == Backend("wasm", 1, failure.message)
        assert stage.files.fetched == ["https://site/m.onnx", "https://site/cpu.onnx"]

    asyncio.run(play())


def test_the_last_variants_failure_is_reported() -> None:
    async def play() -> None:
        stage = Stage(Variant("m.onnx", DIGEST, "webnn"), Variant("cpu.onnx", DIGEST))
        stage.engine.open_failures = [lost(), unable()]

        assert (await error_of(stage.library.run("m", FEEDS))).code == "inference-failed"

    asyncio.run(play())


@on_stage
async def test_statistics_tell_backend_runs_and_times(stage: Stage) -> None:
    fresh = stage.library.statistics()["m"]
    stage.files.gate.clear()
    running = asyncio.create_task(stage.library.run("m", FEEDS))
    await stage.clock.advance(40)
    stage.files.gate.set()
    await running

    assert fresh == {
        "backend": None,
        "runs": 0,
        "inferMs": {"p50": None, "p99": None},
        "openMs": None,
    }
    assert stage.library.statistics()["m"] == {
        "backend": {"name": "wasm", "threads": 1},
        "runs": 1,
        "inferMs": {"p50": 2.0, "p99": 2.0},
        "openMs": 40,
    }
