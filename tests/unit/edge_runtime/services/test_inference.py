"""Models: opened once and lazily, checked, fed correctly, and back after the engine was lost."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

import pytest
from edge_runtime.config import ModelConfig, Variant
from edge_runtime.config_breaker import BreakerConfig
from edge_runtime.errors import ConfigError, EdgeError, HostError, RefusedError, TrustError
from edge_runtime.host.ports import InferenceReply, OpenedModel
from edge_runtime.services.breakers import Breakers
from edge_runtime.services.inference import ModelLibrary, ModelRun
from edge_runtime.services.lanes import Lanes
from edge_runtime.tensor import Tensor
from edge_runtime.testing.fake_host import FakePage
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import Backend, Priority, TensorSpec

MODEL = b"an ONNX file"
DIGEST = hashlib.sha256(MODEL).hexdigest()
INPUT = TensorSpec("x", "float32", (None,))
FEEDS = {"x": Tensor.float32([1.0])}
BREAKER = BreakerConfig(min_calls=5, open_ms=100, half_open_calls=1)


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


class Rider:
    """A run that ends when the test says so."""

    priority, since_ms, number = Priority.CORE, 0.0, 1
    has_ended = False

    def check(self) -> None:
        if self.has_ended:
            raise RefusedError("run-ended", "the run has ended")

    def waited_in_lane(self, wait_ms: float) -> None: ...


RIDER = Rider()


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


class Forgetful:
    """A store of values that keeps none."""

    def get(self, key: str) -> None:
        return None

    async def put(self, key: str, value: object, encrypted: bool | None = None) -> None:
        """Do nothing."""


class Stage:
    """A library of one model with its engine and its files."""

    def __init__(self, *variants: Variant) -> None:
        self.engine, self.files, self.clock = Engine(), Files(), ManualClock()
        self.breakers = Breakers(self.clock, FakePage(), Forgetful(), BREAKER, lambda *_: 0.5)
        config = ModelConfig(variants or (Variant("m.onnx", DIGEST),))
        self.library = ModelLibrary(
            inference=self.engine,
            network=self.files,
            clock=self.clock,
            models={"m": config, "other": config},
            resolve=lambda url: f"https://site/{url}",
            lanes=Lanes(self.clock, 2_000),
            breakers=self.breakers,
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
        await stage.breakers.stop()
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

    run = await stage.library.run("m", FEEDS, RIDER)

    assert (run.outputs, run.infer_ms, run.backend.name) == ({"y": FEEDS["x"]}, 2.0, "wasm")
    await stage.library.run("m", FEEDS, RIDER)
    assert stage.files.fetched == ["https://site/m.onnx"]
    assert (stage.count("open"), stage.count("run")) == (1, 2)


@on_stage
async def test_concurrent_first_runs_share_one_opening(stage: Stage) -> None:
    await asyncio.gather(*(stage.library.run("m", FEEDS, RIDER) for _ in range(5)))

    assert (stage.count("open"), stage.count("run")) == (1, 5)


@on_stage
async def test_an_opening_outlives_the_run_that_asked_for_it(stage: Stage) -> None:
    stage.files.gate.clear()
    impatient = asyncio.create_task(stage.library.run("m", FEEDS, RIDER))
    await asyncio.sleep(0)
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)
    stage.files.gate.set()

    await stage.library.run("m", FEEDS, RIDER)

    assert len(stage.files.fetched) == 1


@on_stage
async def test_a_run_that_ended_while_its_model_was_opened_starts_no_inference(
    stage: Stage,
) -> None:
    rider = Rider()
    stage.files.gate.clear()
    running = asyncio.create_task(stage.library.run("m", FEEDS, rider))
    await settle()

    rider.has_ended = True
    stage.files.gate.set()

    with pytest.raises(RefusedError, match="the run has ended"):
        await running
    assert (stage.count("open"), stage.count("run")) == (1, 0)
    await stage.library.run("m", FEEDS, RIDER)


@on_stage
async def test_stopping_gives_up_an_opening(stage: Stage) -> None:
    stage.files.gate.clear()
    waiting = asyncio.create_task(stage.library.run("m", FEEDS, RIDER))
    await asyncio.sleep(0)

    await stage.library.stop()

    with pytest.raises(asyncio.CancelledError):
        await waiting


@on_stage
async def test_a_file_with_another_digest_is_never_opened(stage: Stage) -> None:
    stage.files.content["https://site/m.onnx"] = b"tampered"

    error = await error_of(stage.library.run("m", FEEDS, RIDER))

    assert isinstance(error, TrustError) and error.code == "digest-mismatch"
    assert error.details["expected"] == DIGEST
    assert error.details["got"] == hashlib.sha256(b"tampered").hexdigest()
    assert stage.engine.calls == []


@on_stage
async def test_a_failed_opening_is_tried_again_by_the_next_run(stage: Stage) -> None:
    content = stage.files.content.pop("https://site/m.onnx")
    errors = await asyncio.gather(
        *(error_of(stage.library.run("m", FEEDS, RIDER)) for _ in range(2))
    )
    assert [error.code for error in errors] == ["network-failed"] * 2
    assert errors[0] is not errors[1]

    stage.files.content["https://site/m.onnx"] = content

    await stage.library.run("m", FEEDS, RIDER)


@on_stage
async def test_wrong_feeds_and_unknown_models_are_the_callers_errors(stage: Stage) -> None:
    feeds = await error_of(stage.library.run("m", {"x": Tensor.int64([1])}, RIDER))
    unknown = await error_of(stage.library.run("absent", FEEDS, RIDER))

    assert isinstance(feeds, ConfigError) and feeds.code == "tensor-invalid"
    assert isinstance(unknown, ConfigError) and unknown.details["models"] == ["m", "other"]
    assert stage.count("run") == 0


@on_stage
async def test_a_lost_engine_is_replaced_and_the_run_repeated(stage: Stage) -> None:
    await stage.library.run("m", FEEDS, RIDER)
    await stage.library.run("other", FEEDS, RIDER)
    stage.engine.run_failures = [lost()]

    await stage.library.run("m", FEEDS, RIDER)
    await stage.library.run("other", FEEDS, RIDER)

    assert stage.count("open") == 4


@on_stage
async def test_an_engine_lost_twice_is_reported(stage: Stage) -> None:
    stage.engine.run_failures = [lost(), lost()]

    assert (await error_of(stage.library.run("m", FEEDS, RIDER))).code == "worker-lost"
    assert (await stage.library.run("m", FEEDS, RIDER)).infer_ms == 2.0


@on_stage
async def test_runs_that_lose_the_engine_together_reopen_it_once(stage: Stage) -> None:
    await stage.library.run("m", FEEDS, RIDER)
    stage.engine.run_failures = [lost()]

    await asyncio.gather(*(stage.library.run("m", FEEDS, RIDER) for _ in range(2)))

    assert stage.count("open") == 2


@on_stage
async def test_a_session_lost_while_a_run_waited_is_not_asked_for(stage: Stage) -> None:
    await stage.library.run("m", FEEDS, RIDER)
    stage.engine.run_failures = [lost()]
    stage.files.gate.clear()
    runs = [asyncio.create_task(stage.library.run("m", FEEDS, RIDER)) for _ in range(2)]
    await settle()

    assert stage.count("run") == 2
    stage.files.gate.set()
    await asyncio.gather(*runs)
    assert (stage.count("open"), stage.count("run")) == (2, 4)


@on_stage
async def test_a_failed_run_is_not_repeated(stage: Stage) -> None:
    stage.engine.run_failures = [unable()]

    assert (await error_of(stage.library.run("m", FEEDS, RIDER))).code == "inference-failed"
    assert stage.count("run") == 1


@pytest.mark.parametrize("failure", [unable(), lost()], ids=lambda error: error.code)
def test_the_next_variant_replaces_one_that_cannot_be_opened(failure: HostError) -> None:
    async def play() -> None:
        stage = Stage(Variant("m.onnx", DIGEST, "webnn"), Variant("cpu.onnx", DIGEST, "wasm"))
        stage.engine.open_failures = [failure]

        run = await stage.library.run("m", FEEDS, RIDER)

        assert run.backend == Backend("wasm", 1, failure.message)
        assert stage.files.fetched == ["https://site/m.onnx", "https://site/cpu.onnx"]

    asyncio.run(play())


def test_the_last_variants_failure_is_reported() -> None:
    async def play() -> None:
        stage = Stage(Variant("m.onnx", DIGEST, "webnn"), Variant("cpu.onnx", DIGEST))
        stage.engine.open_failures = [lost(), unable()]

        assert (await error_of(stage.library.run("m", FEEDS, RIDER))).code == "inference-failed"

    asyncio.run(play())


@on_stage
async def test_statistics_tell_backend_runs_and_times(stage: Stage) -> None:
    fresh = stage.library.statistics()["m"]
    stage.files.gate.clear()
    running = asyncio.create_task(stage.library.run("m", FEEDS, RIDER))
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


async def fail(stage: Stage, times: int) -> None:
    for _ in range(times):
        stage.engine.run_failures = [unable()]
        assert (await error_of(stage.library.run("m", FEEDS, RIDER))).code == "inference-failed"


@on_stage
async def test_a_model_that_fails_again_and_again_is_refused_for_a_while(stage: Stage) -> None:
    await fail(stage, 5)

    refused = await error_of(stage.library.run("m", FEEDS, RIDER))

    assert refused.code == "circuit-open"
    assert refused.details == {"breaker": "m@wasm", "retryAfterMs": 100}
    assert stage.count("run") == 5
    await stage.library.run("other", FEEDS, RIDER)


@on_stage
async def test_a_model_that_works_again_is_used_again(stage: Stage) -> None:
    await fail(stage, 5)
    stage.engine.sessions.add("m")
    await stage.clock.advance(100)

    await stage.library.run("m", FEEDS, RIDER)

    assert stage.breakers.statistics()["m@wasm"]["state"] == "closed"


@on_stage
async def test_what_cannot_be_opened_is_not_opened_again_and_again(stage: Stage) -> None:
    for _ in range(5):
        stage.engine.open_failures = [unable()]
        await error_of(stage.library.run("m", FEEDS, RIDER))

    assert (await error_of(stage.library.run("m", FEEDS, RIDER))).code == "circuit-open"
    assert (stage.count("open"), len(stage.files.fetched)) == (5, 5)


@on_stage
async def test_an_opening_that_works_does_not_close_what_failing_runs_opened(stage: Stage) -> None:
    stage.engine.run_failures = [lost() for _ in range(5)]
    for _ in range(3):
        await error_of(stage.library.run("m", FEEDS, RIDER))
    await stage.clock.advance(100)
    stage.engine.run_failures = [lost()]

    assert (await error_of(stage.library.run("m", FEEDS, RIDER))).code == "circuit-open"
    assert stage.breakers.statistics()["m@wasm"]["opens"] == 2


@on_stage
async def test_neither_wrong_feeds_nor_a_missing_file_count_against_a_model(stage: Stage) -> None:
    for _ in range(6):
        await error_of(stage.library.run("m", {"x": Tensor.int64([1])}, RIDER))
    stage.files.content.clear()
    for _ in range(6):
        assert (await error_of(stage.library.run("other", FEEDS, RIDER))).code == "network-failed"

    assert stage.breakers.refusal("m@wasm") is stage.breakers.refusal("other@wasm") is None


@on_stage
async def test_what_the_engine_answers_counts_although_the_run_has_gone(stage: Stage) -> None:
    await fail(stage, 5)
    await stage.clock.advance(100)
    stage.engine.sessions.add("m")
    running = asyncio.create_task(stage.library.run("m", FEEDS, RIDER))
    await settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await settle()

    assert stage.breakers.statistics()["m@wasm"]["state"] == "closed"


@on_stage
async def test_what_waits_for_its_turn_is_refused_once_the_breaker_opens(stage: Stage) -> None:
    await stage.library.run("m", FEEDS, RIDER)
    stage.engine.run_failures = [unable() for _ in range(9)]

    errors = await asyncio.gather(
        *(error_of(stage.library.run("m", FEEDS, RIDER)) for _ in range(9))
    )

    codes = [error.code for error in errors]
    assert codes == ["inference-failed"] * 4 + ["circuit-open"] * 5


def test_another_variant_serves_while_the_breaker_refuses_the_preferred_one() -> None:
    async def play() -> None:
        stage = Stage(Variant("m.onnx", DIGEST, "webgpu"), Variant("cpu.onnx", DIGEST, "wasm"))
        await fail(stage, 5)

        runs = await asyncio.gather(*(stage.library.run("m", FEEDS, RIDER) for _ in range(3)))

        assert {run.backend.name for run in runs} == {"wasm"}
        reason = runs[0].backend.fallback_reason
        assert reason is not None and reason.startswith("m@webgpu: expected most of the latest")
        assert [backend for what, backend in stage.engine.calls if what == "open"] == [
            "webgpu",
            "wasm",
        ]
        await stage.library.stop()
        await stage.breakers.stop()

    asyncio.run(play())


def test_what_waits_when_the_breaker_opens_goes_to_the_next_variant() -> None:
    async def play() -> None:
        stage = Stage(Variant("m.onnx", DIGEST, "webgpu"), Variant("cpu.onnx", DIGEST, "wasm"))
        await stage.library.run("m", FEEDS, RIDER)
        stage.engine.run_failures = [unable() for _ in range(4)]
        runs = (stage.library.run("m", FEEDS, RIDER) for _ in range(9))

        outcomes = await asyncio.gather(*runs, return_exceptions=True)

        assert [isinstance(outcome, HostError) for outcome in outcomes] == [True] * 4 + [False] * 5
        assert {each.backend.name for each in outcomes if isinstance(each, ModelRun)} == {"wasm"}
        await stage.library.stop()
        await stage.breakers.stop()

    asyncio.run(play())
