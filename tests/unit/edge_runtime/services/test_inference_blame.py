"""What fails where no run waits for it is not held against those that serve."""

import hashlib
from typing import Any

from edge_runtime.config_models import Variant
from edge_runtime.host.ports import OpenedModel

from .library_stage import MEASURED, PLAIN, Stage, model, on_stage, unable, variant
from .test_inference_measuring import DEVICE

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
