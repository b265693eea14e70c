"""Which plan serves: wasm at once, what was found later, and what is pinned or forbidden."""

import pytest
from edge_runtime.testing.fake_inference import FakeModel
from edge_runtime.testing.manual_clock import settle
from edge_runtime.types import TensorSpec

from .library_stage import (
    FILES,
    MEASURED,
    PLAIN,
    STILL,
    WEBNN_CPU,
    Stage,
    doubled,
    model,
    on_stage,
    unable,
    variant,
)

DEVICE = PLAIN["chrome with everything"]
PINNED = {"m": model(pin="webgpu")}


@on_stage(device=DEVICE)
async def test_a_first_use_waits_for_no_accelerator(stage: Stage) -> None:
    stage.engine.probe_ms = 5_000

    run = await stage.run()

    assert run.backend.name == "wasm" and run.backend.fallback_reason is None
    assert stage.engine.probes == [False]
    assert stage.clock.monotonic_ms() < 100


@on_stage(device=DEVICE)
async def test_the_device_is_looked_at_once(stage: Stage) -> None:
    for running in [stage.start(), stage.start("other")]:
        await stage.finished(running)
    await stage.run()

    assert stage.engine.probes in ([False], [False, False])


@on_stage(PINNED, device=DEVICE)
async def test_what_is_pinned_is_opened_at_once_and_nothing_else(stage: Stage) -> None:
    run = await stage.run()

    assert (run.backend.name, run.backend.fallback_reason) == ("webgpu", None)
    assert stage.engine.probes == [True]
    assert [each.partition(" ")[0] for each in stage.engine.opened] == ["webgpu"]


@on_stage(PINNED, MEASURED, device=DEVICE)
async def test_what_is_pinned_is_not_measured(stage: Stage) -> None:
    await stage.run()
    await stage.measured()

    assert len(stage.engine.runs) == 1


@on_stage(PINNED, device=PLAIN["mini-program"])
async def test_wasm_takes_the_place_of_what_is_pinned_in_vain(stage: Stage) -> None:
    run = await stage.run()

    assert run.backend.name == "wasm"
    assert run.backend.fallback_reason == "webgpu: this browser or page does not offer it"
    assert run.backend.refused["webgpu"] == "this browser or page does not offer it"


@on_stage({"m": model(forbid=("webgpu", "webnn"))}, MEASURED, device=DEVICE)
async def test_what_is_forbidden_is_never_tried(stage: Stage) -> None:
    stage.engine.speeds = {"webgpu": 0.1, "webnn-npu": 0.1}
    await stage.run()
    await stage.measured()

    run = await stage.run()

    assert run.backend.name == "wasm"
    assert run.backend.refused["webgpu"] == "the configuration forbids it"
    assert {each.partition(" ")[0] for each in stage.engine.opened} <= {"wasm", "wasm-1t"}


@on_stage({"m": model(variant(backend="webgpu"), variant("other", backend="wasm"))}, device=DEVICE)
async def test_of_files_for_one_backend_each_the_first_possible_serves(stage: Stage) -> None:
    assert (await stage.run()).backend.name == "webgpu"


@on_stage(PINNED, device=DEVICE)
async def test_an_opening_that_fails_is_answered_by_wasm_in_the_same_run(stage: Stage) -> None:
    stage.engine.faults["webgpu"] = unable()

    run = await stage.run()

    assert run.backend.name == "wasm"
    reason = "it could not be opened: no kernel for Foo"
    assert run.backend.fallback_reason == f"webgpu: {reason}"
    assert run.backend.refused["webgpu"] == reason


@on_stage(PINNED, device=DEVICE)
async def test_what_failed_is_left_alone_for_half_a_minute(stage: Stage) -> None:
    stage.engine.faults["webgpu"] = unable()
    await stage.run()
    del stage.engine.faults["webgpu"]

    await stage.clock.advance(29_000)
    assert (await stage.run()).backend.name == "wasm"
    await stage.clock.advance(1_000)
    assert (await stage.run()).backend.name == "webgpu"


@on_stage({"m": model(pin="webgpu", forbid=("wasm",))}, device=DEVICE)
async def test_what_failed_a_while_ago_is_better_than_nothing(stage: Stage) -> None:
    stage.engine.run_faults["webgpu"] = [unable()]
    assert (await stage.refused()).code == "inference-failed"

    assert (await stage.run()).backend.name == "webgpu"


@on_stage({"m": model(pin="webnn")}, device={**PLAIN["test chromium"], "webnn": WEBNN_CPU})
async def test_a_pin_may_name_all_devices_of_webnn(stage: Stage) -> None:
    run = await stage.run()

    assert (run.backend.name, run.backend.device) == ("webnn", "cpu")


@on_stage(device=DEVICE)
async def test_several_lanes_of_wasm_run_side_by_side(stage: Stage) -> None:
    await stage.run()
    both = [stage.start(), stage.start()]
    await settle()
    assert len(stage.engine.opened) == 2  # A spare, in the background.
    for running in both:
        await stage.finished(running)

    began_ms = stage.clock.monotonic_ms()
    both = [stage.start(), stage.start()]
    await settle()

    assert sorted(each.partition(" ")[0] for each in stage.engine.runs[-2:]) == ["wasm", "wasm-2"]
    for running in both:
        await stage.finished(running)
    assert stage.clock.monotonic_ms() - began_ms == 8
    assert len(stage.engine.opened) == 2


@on_stage(device=DEVICE)
async def test_nobody_waits_for_a_spare(stage: Stage) -> None:
    await stage.run()
    stage.engine.open_ms = 1_000
    runs = [stage.start() for _ in range(4)]
    for running in runs:
        await stage.finished(running)

    assert stage.clock.monotonic_ms() < 100
    assert {each.partition(" ")[0] for each in stage.engine.runs} == {"wasm"}
    await stage.clock.advance(1_000)


@on_stage({"m": model()}, MEASURED, device=DEVICE)
async def test_what_a_file_declares_rules_backends_out_once_it_was_opened(stage: Stage) -> None:
    free = TensorSpec("x", "float32", ("n",))
    stage.engine.define(FILES["m"], FakeModel((free,), (free,), doubled))
    await stage.library._planner.look_closely()
    await stage.run()
    await stage.measured()

    run = await stage.run()

    assert "free dimension" in run.backend.refused["webnn"]
    assert set(stage.plans()) == {"wasm", "webgpu"}
    assert not any(each.startswith("webnn") for each in stage.engine.opened)


@pytest.mark.parametrize(("cores", "threads"), [(8, 4), (2, 1)])
def test_threads_are_those_of_the_device(cores: int, threads: int) -> None:
    @on_stage(config=STILL, device={**DEVICE, "cores": cores})
    async def play(stage: Stage) -> None:
        assert (await stage.run()).backend.threads == threads

    play()


HALVES = {"m": model(variant("half", backends=("webgpu",)), variant(), pin="webgpu")}


@on_stage(HALVES, device=DEVICE)
async def test_a_file_that_does_not_come_is_answered_for_by_another_one(stage: Stage) -> None:
    del stage.files.files["https://site/half.onnx"]
    stage.engine.faults["webgpu"] = unable()

    run = await stage.run()

    assert run.backend.name == "wasm" and run.backend.fallback_reason is not None
    assert run.backend.fallback_reason.startswith("webgpu: its file does not come: https://site/")
    await stage.run()
    assert stage.files.requests.count("https://site/half.onnx") == 1


@on_stage(PINNED, device=DEVICE)
async def test_a_file_that_does_not_come_is_not_asked_for_by_each_backend(stage: Stage) -> None:
    stage.files.files.clear()

    assert (await stage.refused()).code == "network-failed"

    assert len(stage.files.requests) == 1
