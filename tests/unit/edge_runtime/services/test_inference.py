"""Models: opened once and lazily, checked, fed correctly, and back after the engine was lost."""

import asyncio
import hashlib
from typing import Any

import pytest
from edge_runtime.errors import ConfigError, HostError, RefusedError, TrustError
from edge_runtime.services.inference import ModelRun
from edge_runtime.tensor import Tensor
from edge_runtime.testing.manual_clock import settle
from edge_runtime.types import Backend

from .library_stage import (
    PLAIN,
    RUN_MS,
    STILL,
    URL,
    Rider,
    Stage,
    digest,
    lost,
    model,
    on_stage,
    unable,
    variant,
)

PREFERRED = {"m": model(variant(backend="webgpu"), variant("other", backend="wasm"))}
DEVICE = PLAIN["desktop chrome"]


async def fail(stage: Stage, times: int, key: str = "wasm") -> None:
    for _ in range(times):
        stage.engine.run_faults[key] = [unable()]
        assert (await stage.refused()).code == "inference-failed"


@on_stage()
async def test_a_model_is_fetched_and_opened_at_its_first_run(stage: Stage) -> None:
    assert stage.files.requests == []

    run = await stage.run()

    assert (run.infer_ms, run.backend) == (RUN_MS, Backend("wasm", refused=run.backend.refused))
    assert run.outputs["y"].tolist() == [2.0, 4.0]
    await stage.run()
    assert stage.files.requests == [URL]
    assert (len(stage.engine.opened), len(stage.engine.runs)) == (1, 2)


@on_stage()
async def test_concurrent_first_runs_share_one_opening(stage: Stage) -> None:
    for running in [stage.start() for _ in range(5)]:
        await stage.finished(running)

    assert (len(stage.engine.opened), len(stage.engine.runs)) == (1, 5)


@on_stage()
async def test_an_opening_outlives_the_run_that_asked_for_it(stage: Stage) -> None:
    stage.files.delays_ms[URL] = 50
    impatient = stage.start()
    await settle()
    impatient.cancel()
    await asyncio.gather(impatient, return_exceptions=True)

    await stage.run()

    assert stage.files.requests == [URL]


@on_stage()
async def test_a_run_that_ended_while_its_model_was_opened_starts_no_inference(
    stage: Stage,
) -> None:
    rider = Rider()
    stage.files.delays_ms[URL] = 50
    running = stage.start(rider=rider)
    await settle()

    rider.has_ended = True

    with pytest.raises(RefusedError, match="the run has ended"):
        await stage.finished(running)
    assert (len(stage.engine.opened), stage.engine.runs) == (1, [])
    await stage.run()


@on_stage()
async def test_stopping_gives_up_an_opening(stage: Stage) -> None:
    stage.files.delays_ms[URL] = 50
    waiting = stage.start()
    await settle()

    await stage.library.stop()

    with pytest.raises(asyncio.CancelledError):
        await waiting


@on_stage()
async def test_a_stopped_library_opens_nothing_any_more(stage: Stage) -> None:
    running = stage.start()
    await settle()

    await stage.library.stop()

    with pytest.raises((HostError, asyncio.CancelledError)):
        await stage.finished(running)
    assert stage.engine.sessions == []


@on_stage()
async def test_a_file_with_another_digest_is_never_opened(stage: Stage) -> None:
    stage.files.files[URL] = b"tampered"

    error = await stage.refused()

    assert isinstance(error, TrustError) and error.code == "digest-mismatch"
    assert error.details["expected"] == digest("m")
    assert error.details["got"] == hashlib.sha256(b"tampered").hexdigest()
    assert stage.engine.opened == []


@on_stage()
async def test_a_failed_opening_is_tried_again_by_the_next_run(stage: Stage) -> None:
    content = stage.files.files.pop(URL)
    both = [stage.start() for _ in range(2)]
    errors = await asyncio.gather(*both, return_exceptions=True)
    assert [error.code for error in errors if isinstance(error, HostError)] == [
        "network-failed"
    ] * 2
    assert errors[0] is not errors[1]

    stage.files.files[URL] = content

    await stage.run()


@on_stage()
async def test_wrong_feeds_and_unknown_models_are_the_callers_errors(stage: Stage) -> None:
    with pytest.raises(ConfigError) as feeds:
        await stage.library.run("m", {"x": Tensor.int64([1, 2])}, Rider())
    unknown = await stage.refused("absent")

    assert feeds.value.code == "tensor-invalid"
    assert isinstance(unknown, ConfigError) and unknown.details["models"] == ["m", "other"]
    assert stage.engine.runs == []


@on_stage()
async def test_a_lost_engine_is_replaced_and_the_run_repeated(stage: Stage) -> None:
    await stage.run()
    await stage.run("other")
    stage.engine.run_faults["wasm"] = [lost()]

    await stage.run()
    await stage.run("other")

    assert len(stage.engine.opened) == 4


@on_stage()
async def test_an_engine_lost_twice_is_reported(stage: Stage) -> None:
    stage.engine.run_faults["wasm"] = [lost(), lost()]

    assert (await stage.refused()).code == "worker-lost"
    assert (await stage.run()).infer_ms == RUN_MS


@on_stage()
async def test_runs_that_lose_the_engine_together_reopen_it_once(stage: Stage) -> None:
    await stage.run()
    stage.engine.run_faults["wasm"] = [lost()]

    for running in [stage.start() for _ in range(3)]:
        await stage.finished(running)

    assert len(stage.engine.opened) == 2
    # What had not begun when the engine died was never asked of it.
    assert len(stage.engine.runs) == 1 + 1 + 3


@on_stage()
async def test_a_failed_run_is_not_repeated(stage: Stage) -> None:
    stage.engine.run_faults["wasm"] = [unable()]

    assert (await stage.refused()).code == "inference-failed"
    assert len(stage.engine.runs) == 1


@pytest.mark.parametrize("failure", [unable(), lost()], ids=lambda error: error.code)
def test_the_next_variant_replaces_one_that_cannot_be_opened(failure: HostError) -> None:
    @on_stage(PREFERRED, device=DEVICE)
    async def play(stage: Stage) -> None:
        stage.engine.faults["webgpu"] = failure

        run = await stage.run()

        assert run.backend.name == "wasm"
        assert run.backend.fallback_reason == f"webgpu: it could not be opened: {failure.message}"
        assert stage.files.requests[-1] == "https://site/other.onnx"

    play()


@on_stage(PREFERRED, device=DEVICE)
async def test_the_last_variants_failure_is_reported(stage: Stage) -> None:
    stage.engine.faults = {"webgpu": lost(), "wasm": unable()}

    assert (await stage.refused()).code == "inference-failed"


@on_stage()
async def test_a_model_without_wasm_asks_for_accelerators_at_once(stage: Stage) -> None:
    stage.engine.facts = {"simd": False, "cores": 1}

    error = await stage.refused()

    assert error.code == "inference-failed"
    assert "expected a backend that can run it, got none: wasm: WebAssembly SIMD" in error.message


def test_a_model_that_may_not_use_wasm_waits_for_its_accelerator() -> None:
    for config in (model(forbid=("wasm",)), model(variant(backends=("webgpu",)))):

        @on_stage({"m": config}, device=DEVICE)
        async def play(stage: Stage) -> None:
            assert (await stage.run()).backend.name == "webgpu"

        play()


@on_stage()
async def test_statistics_tell_backend_runs_and_times(stage: Stage) -> None:
    fresh = stage.library.statistics()["m"]
    stage.files.delays_ms[URL] = 40

    await stage.run()

    nothing: dict[str, Any] = {"backend": None, "runs": 0, "openMs": None, "plans": []}
    assert fresh == {**nothing, "inferMs": {"p50": None, "p99": None}}
    told = stage.library.statistics()["m"]
    assert told["backend"] is not None and told["backend"]["name"] == "wasm"
    assert (told["runs"], told["inferMs"]) == (1, {"p50": RUN_MS, "p99": RUN_MS})
    assert told["openMs"] == 40
    assert told["plans"] == [
        {"backend": "wasm", "precision": "fp32", "threads": 1, "ms": None, "refused": None}
    ]


@on_stage()
async def test_a_download_is_told_to_the_page(stage: Stage) -> None:
    stage.engine.progress = [(5, 10), (10, 10)]

    await stage.run()

    assert stage.page.named("status") == [
        {"state": "model", "model": "m", "loadedBytes": loaded, "totalBytes": 10}
        for loaded in (5, 10)
    ]


@on_stage()
async def test_a_model_that_fails_again_and_again_is_refused_for_a_while(stage: Stage) -> None:
    await fail(stage, 5)

    refused = await stage.refused()

    assert refused.code == "circuit-open"
    assert refused.details == {"breaker": "m@wasm", "retryAfterMs": 100}
    assert len(stage.engine.runs) == 5
    await stage.run("other")


@on_stage()
async def test_a_model_that_works_again_is_used_again(stage: Stage) -> None:
    await fail(stage, 5)
    await stage.clock.advance(100)

    await stage.run()

    assert stage.breakers.statistics()["m@wasm"]["state"] == "closed"


@on_stage()
async def test_what_cannot_be_opened_is_not_opened_again_and_again(stage: Stage) -> None:
    stage.engine.faults["wasm"] = unable()
    for _ in range(5):
        assert (await stage.refused()).code == "inference-failed"

    assert (await stage.refused()).code == "circuit-open"
    assert len(stage.files.requests) == 5


@on_stage()
async def test_an_opening_that_works_does_not_close_what_failing_runs_opened(stage: Stage) -> None:
    stage.engine.run_faults["wasm"] = [lost() for _ in range(5)]
    for _ in range(3):
        await stage.refused()
    await stage.clock.advance(100)
    stage.engine.run_faults["wasm"] = [lost()]

    assert (await stage.refused()).code == "circuit-open"
    assert stage.breakers.statistics()["m@wasm"]["opens"] == 2


@on_stage()
async def test_neither_wrong_feeds_nor_a_missing_file_count_against_a_model(stage: Stage) -> None:
    for _ in range(6):
        with pytest.raises(ConfigError):
            await stage.library.run("m", {"x": Tensor.int64([1, 2])}, Rider())
    stage.files.files.clear()
    for _ in range(6):
        assert (await stage.refused("other")).code == "network-failed"

    assert stage.breakers.refusal("m@wasm") is stage.breakers.refusal("other@wasm") is None


@on_stage()
async def test_what_the_engine_answers_counts_although_the_run_has_gone(stage: Stage) -> None:
    await fail(stage, 5)
    await stage.clock.advance(100)
    running = stage.start()
    await settle()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await stage.clock.advance(RUN_MS)

    assert stage.breakers.statistics()["m@wasm"]["state"] == "closed"


@on_stage()
async def test_what_waits_for_its_turn_is_refused_once_the_breaker_opens(stage: Stage) -> None:
    await stage.run()
    stage.engine.run_faults["wasm"] = [unable() for _ in range(9)]

    errors = await asyncio.gather(*(stage.start() for _ in range(9)), return_exceptions=True)

    codes = [getattr(error, "code", "") for error in errors]
    assert codes == ["inference-failed"] * 4 + ["circuit-open"] * 5


@on_stage(PREFERRED, device=DEVICE)
async def test_wasm_serves_while_the_breaker_refuses_the_preferred_backend(stage: Stage) -> None:
    for _ in range(5):
        stage.engine.run_faults["webgpu"] = [unable()]
        assert (await stage.run()).backend.name == "wasm"
        await stage.clock.advance(30_000)
    await stage.clock.advance(-1)
    stage.engine.run_faults["webgpu"] = [unable() for _ in range(5)]

    outcomes = [await stage.finished(running) for running in [stage.start() for _ in range(3)]]

    assert {run.backend.name for run in outcomes} == {"wasm"}


@on_stage(PREFERRED, device=DEVICE)
async def test_what_fails_on_an_accelerator_is_answered_by_wasm(stage: Stage) -> None:
    await stage.run()
    stage.engine.run_faults["webgpu"] = [unable() for _ in range(9)]

    outcomes = [await stage.finished(running) for running in [stage.start() for _ in range(9)]]

    assert {run.backend.name for run in outcomes} == {"wasm"}
    assert all(isinstance(run, ModelRun) for run in outcomes)
    reason = outcomes[-1].backend.fallback_reason
    assert reason is not None and reason.startswith("webgpu: ")


@on_stage({"m": model(variant(key_resource=("Rank", "model.key")))}, STILL)
async def test_the_key_of_a_sealed_file_is_of_its_tasks_bundle(stage: Stage) -> None:
    await stage.run()

    assert stage.engine.files[URL].key == b"Rank/model.key"
