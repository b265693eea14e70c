"""Measured runs stand behind all others, and no other run's time is taken for theirs."""

import asyncio
import json

from edge_runtime.services.inference_trial import _LeastUrgent
from edge_runtime.services.lanes import Lanes
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import Priority

from ..in_loop import running
from .library_stage import MEASURED, PLAIN, Rider, Stage, model, on_stage


class Late(Rider):
    """A run that has just come."""

    priority, number = Priority.REGULAR, 7

    def __init__(self, since_ms: float) -> None:
        super().__init__()
        self.since_ms = since_ms


@running
async def test_no_run_waits_behind_one_that_is_measured_however_long_that_waits() -> None:
    clock, order = ManualClock(), list[str]()
    lanes = Lanes(clock, ageing_ms=100)

    async def request(name: str, duration_ms: float = 0) -> None:
        order.append(name)
        await clock.sleep_ms(duration_ms)

    asking = [asyncio.create_task(lanes.ask("a", Rider(), lambda: request("long", 5_000)))]
    await settle()
    asking.append(asyncio.create_task(lanes.ask("a", _LeastUrgent(), lambda: request("trial"))))
    await clock.advance(4_990)
    late = Late(clock.monotonic_ms())
    asking.append(asyncio.create_task(lanes.ask("a", late, lambda: request("late"))))
    await clock.advance(10)
    await asyncio.gather(*asking)
    await lanes.stop()

    assert order == ["long", "late", "trial"]


@on_stage({"m": model(golden="m.golden.json")}, MEASURED, device=PLAIN["desktop chrome"])
async def test_a_golden_file_for_other_shapes_refuses_nothing_and_is_told_once(
    stage: Stage,
) -> None:
    case = {"inputs": {"x": {"values": [1.0], "shape": [1]}}, "outputs": {"y": [2.0, 4.0]}}
    stage.files.files["https://site/m.golden.json"] = json.dumps({"cases": [case]}).encode()
    await stage.run()
    runs = len(stage.engine.runs)
    await stage.measured()

    assert set(stage.plans().values()) == {(None, None)}
    assert len(stage.engine.runs) == runs
    [told] = [body["message"] for name, body in stage.page.notices if name == "log"]
    assert told.startswith("model m is not measured: golden file https://site/m.golden.json")
    assert "expected float32[2], got float32[1]" in told


@on_stage({"m": model(forbid=("webgpu", "webnn"))}, MEASURED, device=PLAIN["desktop chrome"])
async def test_a_time_that_was_taken_beside_a_run_is_thrown_away(stage: Stage) -> None:
    await stage.run()
    while len(stage.engine.runs) < 4:
        await stage.clock.advance(2)
    assert stage.plans()["wasm"] == (None, None)

    stage.engine.speeds["wasm"] = 3.0
    for _ in range(20):
        await stage.run()
    stage.engine.speeds.clear()
    await stage.measured()

    plans = stage.library.statistics()["m"]["plans"]
    assert [each["ms"] for each in plans] == [8.0, 8.0]
