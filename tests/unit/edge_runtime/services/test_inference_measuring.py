"""Measuring: when it is quiet, the fastest correct plan, and what is not held against one."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

from edge_runtime.config_models import InferenceConfig
from edge_runtime.services.inference_memory import ENDED, RISK_KEY
from edge_runtime.services.inference_trial import PATIENCE_MS
from edge_runtime.tensor import Tensor
from edge_runtime.testing.fake_inference import FakeModel
from edge_runtime.testing.manual_clock import settle
from edge_runtime.types import TensorSpec

from .library_stage import (
    FEEDS,
    FILES,
    INPUT,
    MEASURED,
    PLAIN,
    WEBNN_CPU,
    Rider,
    Stage,
    device_lost,
    digest,
    model,
    on_stage,
    unable,
    variant,
)

DEVICE: dict[str, Any] = {
    **PLAIN["small notebook"], "cores": 1, "webnn": WEBNN_CPU, "build": "1.27"
}  # fmt: skip
GOLDEN_URL = "https://site/m.golden.json"
ONE = {"m": model()}
GOLDEN = {"m": model(golden="m.golden.json")}
DAY_MS = 86_400_000


def golden(*values: float) -> bytes:
    case = {"inputs": {"x": [1.0, 2.0]}, "outputs": {"y": list(values)}}
    return json.dumps({"cases": [case]}).encode()


def runs_of(stage: Stage, lane: str) -> int:
    return sum(each.partition(" ")[0] == lane for each in stage.engine.runs)


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_the_fastest_plan_is_found_and_the_model_moves_there(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.5, "webnn-cpu": 0.25}
    await stage.run()

    await stage.measured()

    assert {key: ms for key, (ms, _) in stage.plans().items()} == {
        "wasm": 8.0, "webgpu": 4.0, "webnn-cpu": 2.0
    }  # fmt: skip
    run = await stage.run()
    assert (run.backend.name, run.backend.device, run.infer_ms) == ("webnn", "cpu", 2.0)
    assert run.backend.fallback_reason is None
    await settle()
    assert [each.partition(" ")[0] for each in stage.engine.sessions] == ["webnn-cpu"]
    told = stage.library.statistics()["m"]
    assert told["backend"] is not None and told["backend"]["name"] == "webnn"
    assert told["inferMs"]["p50"] == 2.0


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_straggler_on_the_plan_that_was_left_changes_nothing(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.5, "webnn-cpu": 100}
    await stage.run()
    stage.engine.speeds["wasm"] = 5.0
    straggler = stage.start()
    await settle()
    for plan in stage.library._planner.plans("m").plans:
        stage.library._memory.verdicts.measured(plan.key, 8.0, stage.clock.now_ms())
    await stage.library._planner.look_closely()
    fast = stage.library._planner.plans("m").plans[1]
    stage.library._memory.verdicts.measured(fast.key, 4.0, stage.clock.now_ms())

    moved = await stage.run()
    late = await stage.finished(straggler)

    assert (moved.backend.name, late.backend.name) == ("webgpu", "wasm")
    await settle()
    assert [each.partition(" ")[0] for each in stage.engine.sessions] == ["webgpu"]
    told = stage.library.statistics()["m"]
    assert (told["runs"], told["inferMs"]["p99"]) == (3, 4.0)
    assert told["backend"] is not None and told["backend"]["name"] == "webgpu"


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_slower_plan_leaves_memory_again(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 50, "webnn-cpu": 2}
    await stage.run()

    await stage.measured()

    assert [each.partition(" ")[0] for each in stage.engine.sessions] == ["wasm"]
    assert (await stage.run()).backend.name == "wasm"
    # One run tells enough of what is slow beyond hope, beside the one that compared its answers.
    assert runs_of(stage, "webgpu") == 2


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_nothing_is_measured_before_it_is_quiet(stage: Stage) -> None:
    for _ in range(10):
        await stage.run()
        await stage.clock.advance(200)

    assert stage.engine.probes == [False]
    assert len(stage.engine.runs) == 10
    await stage.clock.advance(500)
    assert stage.engine.probes == [False, True]


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_page_that_never_pauses_for_long_is_measured_in_short_pauses(stage: Stage) -> None:
    for _ in range(int(PATIENCE_MS / 200) + 5):
        await stage.run()
        await stage.clock.advance(200)

    assert stage.engine.probes == [False, True]


@on_stage(
    {"m": model(variant(), variant("half", precision="fp16"))},
    MEASURED,
    device={**DEVICE, "saveData": True},
)
async def test_where_data_are_saved_no_other_file_is_fetched_to_be_measured(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.5, "webnn-cpu": 0.25}
    await stage.run()
    await stage.measured()

    assert (await stage.run()).backend.name == "webnn"
    assert not any(session.endswith(digest("half")[:12]) for session in stage.engine.opened)


@on_stage(ONE, InferenceConfig(measure=False), device=DEVICE)
async def test_nothing_is_measured_where_the_site_wants_none(stage: Stage) -> None:
    await stage.run()
    await stage.measured()

    assert (len(stage.engine.runs), stage.engine.probes) == (1, [False])


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_runs_go_first_and_samples_beside_them_are_thrown_away(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.5, "webnn-cpu": 100}
    await stage.run()
    await stage.clock.advance(650)
    beside = runs_of(stage, "wasm")
    assert beside > 1

    # Twice as slow as long as runs go on: none of that may be in the verdict.
    stage.engine.speeds["wasm"] = 2.0
    for _ in range(5):
        run = await stage.run()
        assert run.infer_ms == 16
    stage.engine.speeds["wasm"] = 1.0
    await stage.measured()

    assert stage.plans()["wasm"][0] == 8.0


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_backend_with_wrong_answers_is_refused_and_says_so(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.1, "webnn-cpu": 0.5}
    stage.engine.skewed = {"webgpu"}
    await stage.run()
    await stage.measured()

    run = await stage.run()

    assert run.backend.name == "webnn" and run.backend.fallback_reason is None
    ms, reason = stage.plans()["webgpu"]
    assert ms is None and reason is not None
    assert reason.startswith("its answers are not the expected ones: output y: expected an error")
    assert run.backend.refused["webgpu"] == reason


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_refusal_found_later_is_in_the_results_of_the_same_plan(stage: Stage) -> None:
    stage.engine.skewed, stage.engine.speeds = {"webgpu", "webnn-cpu"}, {"webgpu": 0.1}
    before = await stage.run()
    await stage.measured()

    after = await stage.run()

    assert (before.backend.name, after.backend.name) == ("wasm", "wasm")
    assert "its answers" in after.backend.refused["webgpu"]
    told = stage.library.statistics()["m"]["backend"]
    assert told is not None and "webgpu" in str(told["refused"])


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_backend_that_fails_is_refused(stage: Stage) -> None:
    stage.engine.faults["webgpu"] = unable()
    stage.engine.run_faults["webnn-cpu"] = [device_lost()]
    await stage.run()
    await stage.measured()

    assert stage.plans()["webgpu"] == (None, "it failed when it was measured: no kernel for Foo")
    assert stage.plans()["webnn-cpu"] == (None, "it failed when it was measured: no kernel for Foo")
    assert (await stage.run()).backend.name == "wasm"


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_backend_that_does_not_answer_is_ended_and_refused(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 10_000}
    await stage.run()
    await stage.measured()

    assert "expected an answer within 10000 ms" in str(stage.plans()["webgpu"][1])
    assert "webgpu" in stage.engine.closed
    assert stage.plans()["webnn-cpu"][0] == 8.0


@on_stage(GOLDEN, MEASURED, device=DEVICE)
async def test_the_golden_file_decides(stage: Stage) -> None:
    stage.files.files[GOLDEN_URL] = golden(2.0, 4.0)
    stage.engine.speeds = {"webgpu": 0.5}
    await stage.run()
    await stage.measured()

    assert (await stage.run()).backend.name == "webgpu"
    assert stage.files.requests.count(GOLDEN_URL) == 1


@on_stage(GOLDEN, MEASURED, device=DEVICE)
async def test_a_golden_file_that_refuses_everything_does_not_end_a_model(stage: Stage) -> None:
    stage.files.files[GOLDEN_URL] = golden(7.0, 7.0)
    await stage.run()
    await stage.measured()

    run = await stage.run()

    assert {ms for ms, _ in stage.plans().values()} == {None}
    assert run.backend.name == "wasm" and run.backend.fallback_reason is not None
    assert run.backend.fallback_reason.startswith("every backend is refused; wasm: its answers")


@on_stage(GOLDEN, MEASURED, device=DEVICE)
async def test_a_golden_file_that_does_not_come_refuses_nothing(stage: Stage) -> None:
    await stage.run()
    await stage.measured()

    assert set(stage.plans().values()) == {(None, None)}
    assert not any(each.startswith("web") for each in stage.engine.opened)


@on_stage(GOLDEN, MEASURED, device=DEVICE)
async def test_a_golden_file_that_is_none_refuses_nothing(stage: Stage) -> None:
    stage.files.files[GOLDEN_URL] = b'{"cases": []}'
    await stage.run()
    await stage.measured()

    assert set(stage.plans().values()) == {(None, None)}


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_lane_that_others_end_is_not_held_against_a_plan(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 20, "webnn-cpu": 100}
    await stage.run()
    while not runs_of(stage, "webgpu"):
        await stage.clock.advance(5)

    await stage.library._sessions.close("webgpu", "the test wants it")
    await stage.measured()

    assert stage.plans()["webgpu"] == (160.0, None)


@on_stage({"m": model(variant(precision="int8"), variant("half"))}, MEASURED, device=DEVICE)
async def test_the_most_exact_file_gives_the_expected_answers(stage: Stage) -> None:
    await stage.run()
    stage.engine.opened.clear()

    await stage.clock.advance(610)

    assert stage.engine.opened[0].startswith("wasm m ")
    assert stage.files.requests[-1] == "https://site/half.onnx"
    await stage.measured()


SIZED = {"m": model(dimensions={"rows": 1}), "other": model(dimensions={"rows": 64})}


@on_stage(SIZED, MEASURED, device=DEVICE)
async def test_the_same_file_with_other_sizes_is_measured_by_itself(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.5}
    await stage.run()
    await stage.measured()
    stage.engine.speeds = {"webgpu": 2.0}
    await stage.run("other")
    await stage.measured()

    assert (stage.plans("m")["webgpu"][0], stage.plans("other")["webgpu"][0]) == (4.0, 16.0)
    backends = [(await stage.run(name)).backend.name for name in SIZED]
    assert backends == ["webgpu", "wasm"]


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_expected_answers_are_those_of_the_feeds_as_they_were(stage: Stage) -> None:
    buffer = bytearray(bytes(FEEDS["x"].data))
    feeds = {"x": type(FEEDS["x"])("float32", (2,), buffer)}
    await stage.finished(asyncio.create_task(stage.library.run("m", feeds, Rider())))
    buffer[:] = bytes(8)
    await stage.measured()

    sample = stage.library._models["m"].sample
    assert sample is not None and sample["x"].tolist() == [1.0, 2.0]


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_the_next_life_goes_by_what_was_found(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.5}
    await stage.run()
    await stage.measured()

    later = stage.next_life()
    run = await later.run()
    await later.measured()

    assert run.backend.name == "webgpu"
    assert [each.partition(" ")[0] for each in later.engine.opened] == ["webgpu"]
    assert len(later.engine.runs) == 1
    await later.stop()


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_another_build_browser_or_adapter_is_measured_anew(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.5}
    await stage.run()
    await stage.measured()

    for change in (
        {"build": "1.28"},
        {"browserVersion": "999.0"},
        {"webgpu": {**DEVICE["webgpu"], "vendor": "another"}},
    ):
        later = stage.next_life(device={**DEVICE, **change})
        assert (await later.run()).backend.name == "wasm"
        await later.measured()
        assert (await later.run()).backend.name == "webgpu"
        await later.stop()


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_what_was_refused_is_tried_again_after_a_week(stage: Stage) -> None:
    stage.engine.skewed, stage.engine.speeds = {"webgpu"}, {"webgpu": 0.5}
    await stage.run()
    await stage.measured()
    stage.engine.skewed = set()

    for days, expected in ((6, "wasm"), (1, "webgpu")):
        await stage.clock.advance(days * DAY_MS)
        await stage.run()
        await stage.measured()
        assert (await stage.run()).backend.name == expected


async def _in_a_trial(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.5, "webnn-cpu": 100}
    await stage.run()
    while not runs_of(stage, "webgpu"):
        await stage.clock.advance(3)


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_life_that_ends_in_a_trial_makes_the_next_one_step_down(stage: Stage) -> None:
    await _in_a_trial(stage)
    mark = stage.kept.values[RISK_KEY]
    assert isinstance(mark, dict) and str(mark["tried"]).endswith("webgpu jspi 1']")

    later = stage.next_life()
    await later.run()
    await later.measured()

    assert later.plans()["webgpu"] == (None, None)
    assert not any(each.startswith("webgpu") for each in later.engine.opened)
    assert (await later.run()).backend.refused["webgpu"] == ENDED
    await later.stop()
    third = later.next_life()
    await third.run()
    await third.measured()
    assert third.plans()["webgpu"] == (4.0, None)
    await third.stop()


@on_stage({"m": model(pin="webgpu")}, MEASURED, device=DEVICE)
async def test_a_first_run_that_ends_the_page_makes_the_next_life_step_down(stage: Stage) -> None:
    running = asyncio.create_task(stage.run())
    while not runs_of(stage, "webgpu"):
        await settle()
    mark = stage.kept.values[RISK_KEY]
    assert isinstance(mark, dict) and mark["tried"]

    later = stage.next_life()

    run = await later.run()
    assert run.backend.name == "wasm" and ENDED in str(run.backend.fallback_reason)
    await later.stop()
    third = later.next_life()
    assert (await third.run()).backend.name == "webgpu"
    await settle()
    assert RISK_KEY not in third.kept.values
    await third.stop()
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_page_that_is_left_in_good_order_refuses_nothing(stage: Stage) -> None:
    await _in_a_trial(stage)
    await stage.library.save()

    later = stage.next_life()
    await later.run()
    await later.measured()

    assert later.plans()["webgpu"] == (4.0, None)
    await later.stop()


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_stopping_in_a_trial_leaves_no_mark(stage: Stage) -> None:
    await _in_a_trial(stage)

    await stage.stop()

    assert RISK_KEY not in stage.kept.values


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_what_becomes_slower_is_measured_again_every_ten_minutes_at_most(
    stage: Stage,
) -> None:
    stage.engine.speeds = {"webgpu": 0.5, "webnn-cpu": 0.9}
    await stage.run()
    await stage.measured()

    async def slowed(count: int = 40) -> None:
        for _ in range(count):
            await stage.run()
        await stage.measured()

    await slowed()
    stage.engine.speeds["webgpu"] = 3.0
    await slowed()
    assert stage.plans()["webgpu"][0] == 4.0  # Too early.

    await stage.clock.advance(600_000)
    await slowed()

    assert stage.plans()["webgpu"][0] == 24.0
    assert (await stage.run()).backend.name == "webnn"


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_an_erased_store_is_measured_for_again(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.5}
    await stage.run()
    await stage.measured()

    stage.library.forget()

    assert stage.plans().get("webgpu", (None, None)) == (None, None)
    await stage.run()
    await stage.measured()
    assert stage.plans()["webgpu"] == (4.0, None)


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_a_store_that_is_erased_in_a_trial_stays_empty_until_a_model_runs(
    stage: Stage,
) -> None:
    await _in_a_trial(stage)

    stage.library.forget()
    stage.kept.values.clear()
    await stage.measured()

    assert stage.kept.values == {}
    assert runs_of(stage, "webnn-cpu") == 0
    await stage.run()
    await stage.measured()
    assert stage.plans()["webgpu"] == (4.0, None)


@on_stage(ONE, MEASURED, device=DEVICE)
async def test_comparing_a_large_output_does_not_take_all_its_values(stage: Stage) -> None:
    def large(feeds: Mapping[str, Tensor]) -> dict[str, Tensor]:
        values = [1.0] * 2**17
        values[1_500] = feeds["x"].tolist()[0]  # Between two blocks.
        return {"y": Tensor.float32(values)}

    outputs = (TensorSpec("y", "float32", (2**17,)),)
    stage.engine.define(FILES["m"], FakeModel((INPUT,), outputs, large, 8.0))
    stage.engine.skewed = {"webgpu"}
    await stage.run()
    await stage.measured()

    assert stage.plans()["webgpu"] == (8.0, None)
