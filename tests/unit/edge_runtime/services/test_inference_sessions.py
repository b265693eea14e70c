"""Open sessions under one budget of memory, in lanes that are ended when they have grown."""

import asyncio
from dataclasses import replace
from typing import Any

from edge_runtime.config_models import InferenceConfig
from edge_runtime.host.ports import InferenceReply
from edge_runtime.testing.manual_clock import settle

from .library_stage import FILES, PLAIN, Stage, model, on_stage, unable, variant

MIB = 2**20
NAMES = {name: model(variant(name)) for name in ("m", "other", "third")}
# A file has 1 MiB, and twice that is reckoned for opening it: two models fit, but not a third.
TIGHT: dict[str, Any] = {
    "models": NAMES,
    "config": InferenceConfig(wasm_lanes=1, memory_budget_bytes=7 * MIB // 2, measure=False),
}


def open_models(stage: Stage) -> list[str]:
    names = [each.split()[1] for each in stage.engine.sessions]
    accounted = sum(each.size_bytes for each in stage.library._sessions._open.values())
    assert stage.library.memory()["sessionsBytes"] == accounted
    assert sorted(each.name.split()[0] for each in stage.library._sessions._open.values()) == names
    return names


async def known(stage: Stage) -> None:
    for name in NAMES:
        await stage.run(name)
    await settle()


@on_stage(**TIGHT)
async def test_what_was_used_least_recently_makes_room(stage: Stage) -> None:
    await known(stage)
    await stage.run("m")
    await stage.run("other")
    await stage.run("m")
    assert open_models(stage) == ["m", "other"]
    evicted = stage.library.memory()["evicted"]

    await stage.run("third")

    assert open_models(stage) == ["m", "third"]
    assert stage.library.memory()["evicted"] == evicted + 1
    assert stage.library.memory()["budgetBytes"] == 7 * MIB // 2


@on_stage(**TIGHT)
async def test_what_is_in_use_or_waits_for_its_turn_stays(stage: Stage) -> None:
    await known(stage)
    await stage.run("m")
    await stage.run("other")
    stage.engine.speeds["wasm"] = 10
    runs = [stage.start("m"), stage.start("other"), stage.start("m")]
    await settle()
    opened = len(stage.engine.opened)

    third = stage.start("third")
    await settle()

    assert open_models(stage) == ["m", "other", "third"]
    for running in [*runs, third]:
        await stage.finished(running)
    assert len(stage.engine.opened) == opened + 1


@on_stage(**TIGHT)
async def test_models_that_do_not_fit_together_all_answer(stage: Stage) -> None:
    for _ in range(3):
        runs = [stage.start(name) for name in (*NAMES, *NAMES)]
        for running in runs:
            assert (await stage.finished(running)).outputs["y"].tolist() == [2.0, 4.0]


@on_stage(NAMES, InferenceConfig(wasm_lanes=1, memory_budget_bytes=64 * MIB, measure=False))
async def test_a_lane_that_has_grown_is_ended_between_runs(stage: Stage) -> None:
    await stage.run("other")
    stage.engine.growth_bytes = 30 * MIB
    await stage.run()
    runs = [stage.start() for _ in range(3)]
    for running in runs:
        await stage.finished(running)
    await settle()

    assert stage.engine.closed == ["wasm"]
    assert stage.library.memory()["recycled"] == 1
    assert stage.library.memory()["heapBytes"] == {}
    assert (await stage.run()).backend.name == "wasm"


@on_stage(NAMES, InferenceConfig(wasm_lanes=1, memory_budget_bytes=64 * MIB, measure=False))
async def test_a_lane_in_which_a_model_is_opened_is_not_ended(stage: Stage) -> None:
    await stage.run()
    stage.engine.growth_bytes = 100 * MIB
    stage.files.delays_ms["https://site/other.onnx"] = 100
    opening = stage.start("other")
    await settle()

    await stage.run()
    await settle()

    assert stage.engine.closed == []
    await stage.finished(opening)
    assert len(stage.engine.opened) == 2


@on_stage(NAMES)
async def test_memory_stays_flat_over_many_runs(stage: Stage) -> None:
    stage.engine.growth_bytes = MIB
    most = 0
    for _ in range(600):
        await stage.run()
        most = max(most, *stage.library.memory()["heapBytes"].values(), 0)

    budget = stage.library.memory()["budgetBytes"]
    assert 0.5 * budget < most < budget


@on_stage(NAMES)
async def test_a_released_model_leaves_and_comes_back(stage: Stage) -> None:
    for _ in range(3):
        await stage.run()
        await stage.run("other")
        await stage.library.release("m")
        assert open_models(stage) == ["other"]
    await stage.library.release("other")

    assert stage.library.memory()["heapBytes"] == {}
    assert stage.engine.closed == ["wasm"]  # With the last model in it.
    await stage.library.release("m")


@on_stage(NAMES)
async def test_a_lane_whose_only_opening_failed_is_ended(stage: Stage) -> None:
    stage.engine.faults["wasm"] = unable()
    await stage.refused()

    assert stage.engine.closed == ["wasm"]


@on_stage(NAMES)
async def test_stopping_ends_a_lane_in_which_a_model_is_opened(stage: Stage) -> None:
    stage.engine.open_ms = 100
    running = stage.start()
    await settle()

    await stage.library.stop()

    await asyncio.gather(running, return_exceptions=True)
    assert stage.engine.closed == ["wasm"]


@on_stage({"m": model(pin="webgpu")}, device=PLAIN["desktop chrome"])
async def test_memory_tells_of_each_lane(stage: Stage) -> None:
    await stage.run()

    memory = stage.library.memory()
    assert memory["heapBytes"] == {"webgpu": MIB}
    assert memory["sessionsBytes"] >= len(FILES["m"])


@on_stage(NAMES, InferenceConfig(wasm_lanes=1, memory_budget_bytes=64 * MIB, measure=False))
async def test_a_model_that_computes_in_much_memory_keeps_its_lane(stage: Stage) -> None:
    running = stage.engine.run

    async def in_much_memory(*request: Any) -> InferenceReply:
        return replace(await running(*request), heap_bytes=200 * MIB)

    stage.engine.run = in_much_memory  # type: ignore[method-assign]
    for _ in range(5):
        await stage.run()
        await settle()

    memory = stage.library.memory()
    assert (len(stage.engine.opened), memory["recycled"]) == (1, 0)
    assert memory["sessionsBytes"] == 200 * MIB


@on_stage(**TIGHT)
async def test_the_configured_budget_is_told_before_a_model_is_open(stage: Stage) -> None:
    assert stage.library.memory()["budgetBytes"] == 7 * MIB // 2
