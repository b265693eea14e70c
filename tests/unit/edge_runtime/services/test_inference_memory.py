"""What is remembered of a device: verdicts for as long as it is the same, and a mark of danger."""

import asyncio

import pytest
from edge_runtime.config_models import Variant
from edge_runtime.pure.candidates import Candidate
from edge_runtime.pure.plans import Plan
from edge_runtime.services.inference_memory import ENDED, KEY, RISK_KEY, InferenceMemory
from edge_runtime.testing.manual_clock import START_MS
from edge_runtime.types import JsonValue

from ..in_loop import running
from .library_stage import Kept

PLAN, OTHER = "ab webgpu jspi 1", "ab webnn-cpu jspi 1"


async def remembering(kept: Kept, device: str = "this") -> InferenceMemory:
    memory = InferenceMemory(kept)
    memory.load()
    await memory.recall(device, START_MS)
    return memory


@running
async def test_verdicts_come_back_on_the_same_device_only() -> None:
    kept = Kept()
    memory = await remembering(kept)
    memory.verdicts.measured(PLAN, 3.5, START_MS)
    memory.save()
    await memory.stop()

    same, other = await remembering(kept), await remembering(kept, "another")

    verdict = same.verdicts.get(PLAN)
    assert verdict is not None and verdict.ms == 3.5
    assert other.verdicts.get(PLAN) is None
    assert same.knows("ab") and not same.knows("cd")


@running
async def test_what_changes_while_it_is_written_is_written_too() -> None:
    kept = Kept()
    memory = await remembering(kept)
    for number in range(3):
        memory.verdicts.measured(f"plan {number}", 1.0, START_MS)
        memory.save()
        await asyncio.sleep(0)
    await memory.stop()

    stored = kept.values[KEY]
    assert isinstance(stored, dict) and isinstance(stored["plans"], dict)
    assert len(stored["plans"]) == 3


@running
async def test_a_life_that_ends_in_a_trial_makes_the_next_one_step_down_and_the_one_after_try() -> (
    None
):
    kept = Kept()
    await (await remembering(kept)).enter(PLAN)

    second = await remembering(kept)
    assert second.stepped_down == {PLAN}
    assert second.verdicts.refusal(PLAN, START_MS) is None
    await second.stop()

    third = await remembering(kept)
    assert third.stepped_down == set()
    await third.enter(PLAN)
    await third.leave(PLAN)
    assert RISK_KEY not in kept.values


@running
async def test_a_life_that_stepped_down_and_ends_without_a_word_has_done_its_part() -> None:
    kept = Kept()
    await (await remembering(kept)).enter(PLAN)
    await remembering(kept)

    third = await remembering(kept)

    assert third.stepped_down == set()
    await third.enter(PLAN)
    assert (await remembering(kept)).verdicts.refusal(PLAN, START_MS) == ENDED


@running
async def test_what_was_tried_once_in_a_life_is_marked_no_more() -> None:
    variant = Variant("m.onnx", "ab")
    wasm = Plan(variant, Candidate("wasm", None, "wasm", 1))
    webgpu = Plan(variant, Candidate("webgpu", None, "jspi", 1))
    memory = await remembering(Kept())

    assert (memory.first_use(wasm), memory.first_use(webgpu)) == (None, webgpu.key)
    await memory.enter(webgpu.key)
    assert memory.first_use(webgpu) is None
    await memory.leave(webgpu.key)
    assert memory.first_use(webgpu) is None


@running
async def test_what_ends_two_lives_is_refused_for_longer() -> None:
    kept = Kept()
    await (await remembering(kept)).enter(PLAN)
    await (await remembering(kept)).stop()
    await (await remembering(kept)).enter(PLAN)

    memory = await remembering(kept)

    assert memory.verdicts.refusal(PLAN, START_MS) == ENDED
    await memory.stop()
    assert RISK_KEY not in kept.values
    assert (await remembering(kept)).verdicts.refusal(PLAN, START_MS) == ENDED


@running
async def test_what_is_tried_between_two_ends_does_not_make_up_for_the_first() -> None:
    kept = Kept()
    await (await remembering(kept)).enter(PLAN)
    second = await remembering(kept)
    await second.enter(OTHER)
    await second.leave("another plan")
    await (await remembering(kept)).enter(PLAN)

    memory = await remembering(kept)

    assert memory.verdicts.refusal(PLAN, START_MS) == ENDED
    assert memory.verdicts.refusal(OTHER, START_MS) is None
    await memory.stop()


@running
async def test_a_life_that_steps_down_and_is_ended_blames_nobody_once_more() -> None:
    kept = Kept()
    await (await remembering(kept)).enter(PLAN)

    second, third = await remembering(kept), await remembering(kept)

    assert second.stepped_down == {PLAN}
    assert third.stepped_down == set()
    assert third.verdicts.refusal(PLAN, START_MS) is None


@running
async def test_a_page_that_settles_while_another_plan_is_taken_up_blames_none_for_two() -> None:
    kept = Kept()
    memory = await remembering(kept)
    await memory.enter(PLAN)

    settling = asyncio.create_task(memory.settle())
    await asyncio.sleep(0)
    await memory.leave(PLAN)
    await memory.enter(OTHER)
    await settling

    mark = kept.values[RISK_KEY]
    assert isinstance(mark, dict) and mark["ends"] == {OTHER: 1}


@running
async def test_a_page_that_is_left_in_good_order_blames_nobody() -> None:
    kept = Kept()
    memory = await remembering(kept)
    await memory.enter(PLAN)

    await memory.settle()

    assert RISK_KEY not in kept.values
    assert (await remembering(kept)).stepped_down == set()


@running
async def test_an_erased_store_is_known_nothing_of() -> None:
    memory = await remembering(Kept())
    memory.verdicts.measured(PLAN, 1.0, START_MS)

    memory.forget()

    assert memory.verdicts.get(PLAN) is None and memory.verdicts.device == "this"


@pytest.mark.parametrize(
    "stored", [None, 5, [], {"plans": 1}, {"device": "this", "plans": {PLAN: 1}}]
)
def test_what_cannot_be_read_is_nothing(stored: JsonValue) -> None:
    async def play() -> None:
        kept = Kept()
        kept.values = {KEY: stored, RISK_KEY: stored}
        memory = await remembering(kept)
        assert memory.verdicts.get(PLAN) is None

    asyncio.run(play())
