"""What fails where no run waits for it is not held against those that serve."""

import hashlib
from typing import Any

import pytest
from edge_runtime.config_models import Variant
from edge_runtime.host.ports import OpenedModel
from edge_runtime.services.inference_trial import RUN_MS as TRIAL_MS
from edge_runtime.testing.fake_inference import FakeModel
from edge_runtime.types import TensorSpec

from .library_stage import (
    FILES,
    INPUT,
    MEASURED,
    PLAIN,
    Stage,
    doubled,
    model,
    on_stage,
    unable,
    variant,
)
from .test_inference_measuring import DEVICE, GOLDEN_URL, golden

BROKEN = [f"no model {number}".encode() for number in range(6)]
FOUR_CORES: dict[str, Any] = {**PLAIN["small notebook"], "cores": 4, "memoryGb": 8}


def broken(number: int) -> Variant:
    return Variant(f"{number}.onnx", hashlib.sha256(BROKEN[number]).hexdigest())


def opens(stage: Stage) -> dict[str, int]:
    return {name: told["opens"] for name, told in stage.breakers.statistics().items()}


@on_stage({"m": model(variant(), *map(broken, range(6)))}, MEASURED, device=DEVICE)
async def test_files_that_cannot_be_opened_for_measuring_open_no_breaker(stage: Stage) -> None:
    for number, data in enumerate(BROKEN):
        stage.files.files[f"https://site/{number}.onnx"] = data
    await stage.run()

    await stage.measured()

    assert set(opens(stage).values()) <= {0}
    assert (await stage.run()).backend.name == "wasm"


@on_stage(device=FOUR_CORES)
async def test_a_second_lane_that_does_not_start_is_tried_once_and_ends_no_model(
    stage: Stage,
) -> None:
    tried: list[str] = []
    opening = stage.engine.open

    async def without_second(lane: str, *order: Any) -> OpenedModel:
        tried.append(lane)
        if lane != "wasm":
            raise unable(poisoned=True)
        return await opening(lane, *order)

    stage.engine.open = without_second  # type: ignore[method-assign]
    await stage.run()
    for _ in range(6):
        for running in [stage.start(), stage.start()]:
            assert (await stage.finished(running)).backend.name == "wasm"

    assert tried == ["wasm", "wasm-2"]
    assert opens(stage) == {"m@wasm": 0}
    assert stage.breakers.statistics()["m@wasm"]["failures"] == 0


@on_stage({"m": model()}, MEASURED, device=DEVICE)
async def test_wasm_that_takes_too_long_to_tell_what_is_right_refuses_no_other(
    stage: Stage,
) -> None:
    outputs = (TensorSpec("y", "float32", (2,)),)
    stage.engine.define(FILES["m"], FakeModel((INPUT,), outputs, doubled, 2 * TRIAL_MS))
    stage.engine.speeds = {"webgpu": 0.01, "webnn-cpu": 0.01}
    running = stage.start()
    await stage.clock.advance(3 * TRIAL_MS)
    assert running.result().backend.name == "wasm"

    await stage.clock.advance(10 * TRIAL_MS)

    assert set(stage.plans().values()) == {(None, None)}


@pytest.mark.parametrize(
    "file",
    [
        "[" * 100_000,
        '{"cases": [{"inputs": {"x": {"random": [1, 2, 1], "dtype": "int32"}},'
        ' "outputs": {"y": [2, 4]}}]}',
        '{"cases": [{"inputs": {"x": {"random": [1, 0, 1], "shape": [1000000000000]}},'
        ' "outputs": {"y": [2, 4]}}]}',
        '{"cases": [{"inputs": {}, "outputs": {"y": [2, 4]}}]}',
        '{"cases": [{"inputs": {"x": {"values": [1], "shape": [1]}}, "outputs": {"y": [2, 4]}}]}',
        '{"cases": [{"inputs": {"x": [1, 2]}, "outputs": {}}]}',
        '{"tolerance": NaN, "cases": [{"inputs": {"x": [1, 2]}, "outputs": {"y": [2, 4]}}]}',
        '{"tolerance": {"fp32": {"max_error": "much"}},'
        ' "cases": [{"inputs": {"x": [1, 2]}, "outputs": {"y": [2, 4]}}]}',
    ],
)
def test_a_golden_file_of_no_use_is_fetched_once_and_hinders_nobody(file: str) -> None:
    other = model(variant("other"))

    @on_stage({"m": model(golden="m.golden.json"), "other": other}, MEASURED, device=DEVICE)
    async def play(stage: Stage) -> None:
        stage.files.files[GOLDEN_URL] = file.encode()
        await stage.run()
        await stage.run("other")
        await stage.measured()

        assert set(stage.plans().values()) == {(None, None)}
        assert stage.files.requests.count(GOLDEN_URL) == 1
        assert all(ms == 8.0 for ms, _ in stage.plans("other").values())
        (told,) = stage.page.named("log")
        begins = f"model m is not measured: golden file {GOLDEN_URL}: "
        assert told["level"] == "warning" and str(told["message"]).startswith(begins)

    play()


@on_stage({"m": model(variant("half"), variant())}, MEASURED, device=DEVICE)
async def test_a_backend_on_which_another_file_serves_is_not_told_as_refused(
    stage: Stage,
) -> None:
    stage.engine.speeds = {"webgpu": 0.5}
    stage.engine.run_faults["webgpu"] = [unable()]
    await stage.run()
    await stage.measured()

    run = await stage.run()

    assert run.backend.name == "webgpu"
    assert set(run.backend.refused) == {"webnn-gpu", "webnn-npu"}


SAVING = {**DEVICE, "saveData": True}


@on_stage({"m": model(variant(precision="int8"), variant("half"))}, MEASURED, device=SAVING)
async def test_where_data_are_to_be_saved_no_exact_file_is_fetched_to_compare_with(
    stage: Stage,
) -> None:
    await stage.run()
    await stage.measured()

    assert "https://site/half.onnx" not in stage.files.requests
    assert stage.page.named("log") == []


@on_stage({"m": model(golden="m.golden.json")}, MEASURED, device=SAVING)
async def test_where_data_are_to_be_saved_no_golden_file_is_fetched(stage: Stage) -> None:
    stage.files.files[GOLDEN_URL] = golden(2.0, 4.0)
    await stage.run()
    await stage.measured()

    assert GOLDEN_URL not in stage.files.requests
