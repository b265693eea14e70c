"""Runs that nobody waits for any more, devices that are lost, and what becomes of bystanders."""

import asyncio
from typing import Any

import pytest
from edge_runtime.config_models import InferenceConfig
from edge_runtime.services.inference import ModelRun
from edge_runtime.testing.manual_clock import settle

from .library_stage import (
    PLAIN,
    WEBNN_CPU,
    Stage,
    device_lost,
    lost,
    model,
    on_stage,
    unable,
)

ONE_LANE: dict[str, Any] = {"config": InferenceConfig(wasm_lanes=1, measure=False)}
PINNED: dict[str, Any] = {
    "models": {"m": model(pin="webgpu"), "other": model(pin="webgpu")},
    "device": PLAIN["desktop chrome"],
}
ON_WEBNN: dict[str, Any] = {
    "models": {"m": model(pin="webnn-cpu", forbid=("wasm",))},
    "device": {**PLAIN["test chromium"], "webnn": WEBNN_CPU},
}


async def cancelled(running: "asyncio.Task[ModelRun]") -> None:
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await settle()


async def endless(stage: Stage, name: str = "m") -> "asyncio.Task[ModelRun]":
    """Start a run of a model that is open and, this time, does not end."""
    await stage.run(name)
    stage.engine.speeds["wasm"] = 1e6
    running = stage.start(name)
    await settle()
    stage.engine.speeds.clear()
    return running


@on_stage(**ONE_LANE)
async def test_a_run_that_is_cancelled_ends_its_lane_after_a_while(stage: Stage) -> None:
    running = await endless(stage)
    await cancelled(running)
    assert stage.engine.closed == []

    await stage.clock.advance(300)

    assert stage.engine.closed == ["wasm"]
    assert stage.library.memory()["killed"] == 1
    assert (await stage.run()).backend.name == "wasm"
    assert len(stage.engine.opened) == 2


@on_stage(**ONE_LANE)
async def test_an_answer_that_comes_soon_is_waited_for(stage: Stage) -> None:
    await stage.run()
    running = stage.start()
    await settle()

    await cancelled(running)
    await stage.clock.advance(1_000)

    assert stage.engine.closed == []
    assert len(stage.engine.runs) == 2


@on_stage(**ONE_LANE)
async def test_a_run_that_is_cancelled_while_it_waits_ends_nothing(stage: Stage) -> None:
    await stage.run()
    first, waiting = stage.start(), stage.start()
    await settle()

    await cancelled(waiting)
    await stage.clock.advance(1_000)

    assert first.done() and stage.engine.closed == []
    assert len(stage.engine.runs) == 2


@on_stage(**ONE_LANE)
async def test_who_waits_behind_a_cancelled_run_is_answered_all_the_same(stage: Stage) -> None:
    await stage.run("other")
    running = await endless(stage)
    waiting = [stage.start(), stage.start("other"), stage.start()]
    await settle()
    await cancelled(running)

    results = [await stage.finished(each) for each in waiting]

    assert [run.outputs["y"].tolist() for run in results] == [[2.0, 4.0]] * 3
    assert stage.breakers.statistics()["m@wasm"]["failures"] == 0
    assert stage.breakers.statistics()["other@wasm"]["failures"] == 0


@on_stage(**ONE_LANE)
async def test_one_lane_after_another_may_end_under_a_run_that_waits(stage: Stage) -> None:
    await stage.run()
    stage.engine.speeds["wasm"] = 1e6
    stuck = [stage.start() for _ in range(4)]
    await settle()
    waiting = stage.start("other")
    await settle()
    for running in stuck[:3]:
        await cancelled(running)
        await stage.clock.advance(300)
    stage.engine.speeds.clear()
    await cancelled(stuck[3])

    assert (await stage.finished(waiting)).outputs["y"].tolist() == [2.0, 4.0]


@on_stage(**ONE_LANE)
async def test_an_opening_whose_lane_others_end_is_made_again(stage: Stage) -> None:
    running = await endless(stage)
    stage.files.delays_ms["https://site/other.onnx"] = 400
    opening = stage.start("other")
    await settle()
    await cancelled(running)

    assert (await stage.finished(opening)).outputs["y"].tolist() == [2.0, 4.0]
    assert stage.breakers.statistics()["other@wasm"]["failures"] == 0


@pytest.mark.parametrize(("waited_ms", "failures"), [(100, 0), (2_000, 1)])
def test_a_breaker_counts_a_cancelled_run_that_took_far_too_long(
    waited_ms: float, failures: int
) -> None:
    @on_stage(**ONE_LANE)
    async def play(stage: Stage) -> None:
        running = await endless(stage)
        await stage.clock.advance(waited_ms)
        await cancelled(running)
        await stage.clock.advance(300)

        assert stage.engine.closed == ["wasm"]
        assert stage.breakers.statistics()["m@wasm"]["failures"] == failures

    play()


@pytest.mark.parametrize(("waited_ms", "failures"), [(2_500, 0), (3_500, 1)])
def test_of_a_first_run_nobody_knows_how_long_it_takes(waited_ms: float, failures: int) -> None:
    @on_stage(**ONE_LANE)
    async def play(stage: Stage) -> None:
        stage.engine.speeds["wasm"] = 1e6
        running = stage.start()
        await settle()
        await stage.clock.advance(waited_ms)
        await cancelled(running)
        await stage.clock.advance(300)

        assert stage.engine.closed == ["wasm"]
        assert stage.breakers.statistics()["m@wasm"]["failures"] == failures

    play()


@on_stage(**PINNED)
async def test_a_lost_device_is_replaced_once(stage: Stage) -> None:
    await stage.run()
    stage.engine.run_faults["webgpu"] = [device_lost()]

    run = await stage.run()

    assert (run.backend.name, run.backend.fallback_reason) == ("webgpu", None)
    assert len(stage.engine.opened) == 2


@on_stage(**PINNED)
async def test_wasm_answers_where_the_new_device_is_lost_too(stage: Stage) -> None:
    await stage.run()
    stage.engine.run_faults["webgpu"] = [device_lost(), device_lost()]

    run = await stage.run()

    assert run.backend.name == "wasm"
    assert run.backend.fallback_reason == "webgpu: it failed: no kernel for Foo"
    assert stage.breakers.statistics()["m@webgpu"]["failures"] == 2


@on_stage(**PINNED)
async def test_what_is_usual_on_one_backend_says_nothing_of_another(stage: Stage) -> None:
    await stage.run()
    stage.engine.faults["webgpu"], stage.engine.speeds = unable(), {"wasm": 1e6}
    running = stage.start()
    await stage.clock.advance(2_000)
    assert stage.engine.runs[-1].startswith("wasm")
    await cancelled(running)
    await stage.clock.advance(300)

    assert stage.engine.closed[-1] == "wasm"
    assert stage.breakers.statistics()["m@wasm"]["failures"] == 0


@on_stage(**PINNED)
async def test_models_beside_the_one_that_lost_the_device_are_opened_again(stage: Stage) -> None:
    await stage.run()
    await stage.run("other")
    stage.engine.run_faults["webgpu"] = [device_lost()]
    both = [stage.start(), stage.start("other")]

    results = [await stage.finished(running) for running in both]

    assert {run.backend.name for run in results} == {"webgpu"}
    assert stage.breakers.statistics()["other@webgpu"]["failures"] == 0


@on_stage(**ON_WEBNN)
async def test_what_failed_on_webnn_once_is_not_asked_again(stage: Stage) -> None:
    await stage.run()
    stage.engine.run_faults["webnn-cpu"] = [unable()]

    assert (await stage.refused()).code == "inference-failed"
    assert stage.engine.sessions == []

    assert (await stage.run()).backend.name == "webnn"
    assert len(stage.engine.opened) == 2


@on_stage(**ONE_LANE)
async def test_a_lane_that_dies_by_itself_counts_once(stage: Stage) -> None:
    await stage.run()
    stage.engine.run_faults["wasm"] = [lost()]
    for running in [stage.start() for _ in range(4)]:
        await stage.finished(running)

    assert stage.breakers.statistics()["m@wasm"]["failures"] == 1
    assert stage.library.memory()["killed"] == 0
