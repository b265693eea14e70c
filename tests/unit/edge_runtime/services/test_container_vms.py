"""VMs: started when needed, shared, ended with the code that will not end, replaced."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.errors import EdgeError, HostError
from edge_runtime.guest.output import hear_logging
from edge_runtime.pure.log_lines import LOG_LINES
from edge_runtime.services.container import VM_START_MS
from edge_runtime.services.container_pool import SPARE_AFTER_MS
from edge_runtime.services.container_remote import GRACE_MS

from ..task_bundles import bundle
from .container_stage import ACTIVATION, Lease, Play, Stage, play_on
from .test_container_wheels import load, wheel

WAITS = "import asyncio\nasync def run(ctx, activation):\n    await asyncio.Event().wait()\n"
QUICK = "async def run(ctx, activation):\n    return activation.run_id\n"
GATED = """
import asyncio
async def run(ctx, activation):
    while not await ctx.get("open"):
        await asyncio.sleep(0)
    return activation.run_id
"""
# JSON that Python reads; no number that anybody could count to.
HUGE = '{"do": "done", "run": "a", "value": 1, "cpuMs": 0, "heapBytes": 1e999}'
ENDLESS = '{"do": "done", "run": "a", "value": 1, "cpuMs": 1e999, "heapBytes": 0}'
NO_NUMBER = '{"do": "done", "run": "a", "value": 1, "cpuMs": NaN, "heapBytes": 0}'
COUNTS = "n = 0\nasync def run(ctx, activation):\n    global n\n    n += 1\n    return n\n"


def on_vms(vms: int = 1, **config: Any) -> Callable[[Play], Callable[[], None]]:
    def decorated(play: Play) -> Callable[[], None]:
        def run() -> None:
            play_on(lambda: patient(Stage(vms, **config)), play)

        run.__name__ = play.__name__
        return run

    return decorated


def patient(stage: Stage) -> Stage:
    # Guests measure real time, whatever the stage's clock says.
    stage.budget_ms = 60_000
    return stage


async def turns(count: int = 30) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@on_vms()
async def test_a_vm_starts_at_the_first_run_and_serves_the_next(stage: Stage) -> None:
    task = await stage.load(QUICK)
    assert stage.machines.started == []

    values = [(await stage.run(task, run_id)).value for run_id in ("a", "b")]

    assert values == ["a", "b"]
    assert len(stage.machines.started) == 1


@on_vms()
async def test_runs_of_one_vm_go_on_side_by_side(stage: Stage) -> None:
    gated, quick = await stage.load(GATED), await stage.load(QUICK)
    first = asyncio.create_task(stage.run(gated, "a"))
    await turns()

    assert (await stage.run(quick, "b")).value == "b"
    stage.data.values["open"] = True
    assert (await first).value == "a"


@on_vms(2)
async def test_a_second_vm_starts_when_the_first_is_busy_and_takes_the_next(stage: Stage) -> None:
    task = await stage.load(GATED)
    runs = []
    for name in "abc":
        runs.append(asyncio.create_task(stage.run(task, name)))
        await turns()

    statistics = stage.container.statistics()
    assert (statistics["ready"], statistics["running"]) == (2, 3)
    stage.data.values["open"] = True
    assert [run.value for run in await asyncio.gather(*runs)] == ["a", "b", "c"]


@on_vms()
async def test_code_that_ignores_its_end_takes_its_vm_with_it_and_nobody_else(stage: Stage) -> None:
    task, gated = await stage.load(WAITS), await stage.load(GATED)
    hung = asyncio.create_task(stage.run(task, "hung", GRACE_MS))
    innocent = asyncio.create_task(stage.run(gated, "innocent"))
    await turns()
    machine = stage.machines.started[0]
    machine.say_raw(json.dumps({"do": "step", "run": "hung", "task": "Rank"}))
    machine.is_frozen = True

    hung.cancel()
    await turns()
    await stage.host.clock.advance(GRACE_MS)
    await turns()

    assert machine.is_dead and hung.cancelled()
    stage.data.values["open"] = True
    assert (await innocent).value == "innocent"
    assert len(stage.machines.started) == 2
    assert (task.strikes, gated.strikes) == (1, 0)
    assert stage.container.statistics()["killed"] == 1


@on_vms()
async def test_code_that_is_busy_when_somebody_cancels_it_has_done_nothing_wrong(
    stage: Stage,
) -> None:
    task = await stage.load(WAITS)
    busy = asyncio.create_task(stage.run(task, "busy"))
    await turns()
    stage.machines.started[0].is_frozen = True

    busy.cancel()
    await turns()
    await stage.host.clock.advance(GRACE_MS)
    await turns()

    assert stage.machines.started[0].is_dead and busy.cancelled()
    assert task.strikes == 0


@on_vms()
async def test_a_run_that_hears_of_its_end_and_goes_on_is_ended_too(stage: Stage) -> None:
    deaf = await stage.load(
        "import asyncio\n"
        "async def run(ctx, activation):\n"
        "    for _ in range(300):\n"
        "        try:\n"
        "            await asyncio.sleep(0)\n"
        "        except BaseException:\n"
        "            pass\n"
    )
    gated = await stage.load(GATED)
    run = asyncio.create_task(stage.run(deaf, "deaf"))
    innocent = asyncio.create_task(stage.run(gated, "innocent"))
    await turns()

    run.cancel()
    await turns()
    await stage.host.clock.advance(GRACE_MS)
    await turns()

    assert stage.machines.started[0].is_dead and deaf.strikes == 1
    stage.data.values["open"] = True
    assert (await innocent).value == "innocent"


@on_vms()
async def test_a_late_run_that_waits_behind_others_code_is_not_blamed(stage: Stage) -> None:
    waits, gated = await stage.load(WAITS), await stage.load(GATED)
    late = asyncio.create_task(stage.run(waits, "late"))
    busy = asyncio.create_task(stage.run(gated, "busy", 5 * GRACE_MS))
    await turns()
    machine = stage.machines.started[0]
    machine.say_raw(json.dumps({"do": "step", "run": "busy", "task": "Rank"}))
    machine.is_frozen = True

    late.cancel()
    await turns()
    await stage.host.clock.advance(5 * GRACE_MS)
    assert not machine.is_dead

    busy.cancel()
    await turns()
    await stage.host.clock.advance(GRACE_MS)
    await turns()
    assert machine.is_dead
    assert (waits.strikes, gated.strikes) == (0, 1)
    await asyncio.gather(late, busy, return_exceptions=True)


@on_vms()
async def test_a_late_run_that_came_when_another_ones_code_held_the_vm_is_not_blamed(
    stage: Stage,
) -> None:
    waits, quick = await stage.load(WAITS), await stage.load(QUICK)
    alone = asyncio.create_task(stage.run(waits, "alone", 5 * GRACE_MS))
    await turns()
    machine = stage.machines.started[0]
    machine.is_frozen = True
    late = asyncio.create_task(stage.run(quick, "late"))
    await turns()

    late.cancel()
    await turns()
    await stage.host.clock.advance(5 * GRACE_MS)
    assert not machine.is_dead

    alone.cancel()
    await turns()
    await stage.host.clock.advance(GRACE_MS)
    await asyncio.gather(late, alone, return_exceptions=True)
    assert machine.is_dead and (waits.strikes, quick.strikes) == (1, 0)


@on_vms()
async def test_an_import_that_holds_the_vm_is_ended_with_the_run_that_needs_it(
    stage: Stage,
) -> None:
    gated, imports = await stage.load(GATED), await stage.load(QUICK)
    innocent = asyncio.create_task(stage.run(gated, "innocent"))
    await turns()
    machine = stage.machines.started[0]
    run = asyncio.create_task(stage.run(imports, "run", GRACE_MS))
    machine.say_raw(json.dumps({"do": "step", "run": "", "task": "Rank"}))
    machine.is_frozen = True
    await turns()

    run.cancel()
    await turns()
    await stage.host.clock.advance(GRACE_MS)
    await turns()

    assert machine.is_dead and (gated.strikes, imports.strikes) == (0, 1)
    stage.data.values["open"] = True
    assert (await innocent).value == "innocent"


@on_vms()
async def test_a_run_that_ends_while_its_packages_come_costs_no_vm(stage: Stage) -> None:
    gated = await stage.load(GATED)
    innocent = asyncio.create_task(stage.run(gated, "innocent"))
    needs = await load(stage, "Needs", wheel(stage, "units", "1.0"))
    arrives = asyncio.Event()
    fetch = stage.host.network.fetch

    async def slow(*given: Any, **named: Any) -> bytes:
        await arrives.wait()
        return await fetch(*given, **named)

    stage.host.network.fetch = slow  # type: ignore[method-assign]
    run = asyncio.create_task(stage.run(needs, "needs"))
    await turns()

    run.cancel()
    await turns()
    await stage.host.clock.advance(5 * GRACE_MS)

    assert run.cancelled() and needs.strikes == 0
    assert not stage.machines.started[0].is_dead
    arrives.set()
    stage.data.values["open"] = True
    assert (await innocent).value == "innocent"
    assert (await stage.run(needs, "again")).value == "again"


@on_vms(recycle_runs=1)
async def test_a_vm_in_which_a_version_is_tried_is_not_worn(stage: Stage) -> None:
    gated = await stage.load(GATED)
    run = asyncio.create_task(stage.run(gated, "a"))
    await turns()
    other = open_bundle(bundle("Rank", QUICK))
    machine = stage.machines.started[0]
    trying = asyncio.create_task(stage.container.load(other, "", True))
    await asyncio.sleep(0)
    machine.say_raw(json.dumps({"do": "done", "run": "a", "value": 1, "cpuMs": 0, "heapBytes": 0}))
    await run

    assert await trying
    await turns()
    assert machine.is_dead


@on_vms()
async def test_a_run_whose_vm_breaks_down_alone_is_the_cause(stage: Stage) -> None:
    task = await stage.load(WAITS)
    run = asyncio.create_task(stage.run(task))
    await turns()

    stage.machines.started[0].break_down("Python died")

    with pytest.raises(EdgeError) as raised:
        await run
    assert raised.value.code == "task-crashed"
    assert "got its end (Python died)" in raised.value.message
    assert (await stage.run(await stage.load(QUICK), "next")).value == "next"


@on_vms()
async def test_runs_of_a_broken_vm_are_run_again_once(stage: Stage) -> None:
    task = await stage.load(WAITS)
    runs = [asyncio.create_task(stage.run(task, name)) for name in "abc"]
    await turns()
    stage.machines.started[0].break_down("it broke")
    await turns()
    # Whose code was at it last is taken for the cause; the others go on in the next VM.
    assert [run.done() for run in runs] == [False, False, True]
    assert len(stage.machines.started) == 2 and task.strikes == 1

    stage.machines.started[1].say_raw("[")

    errors = await asyncio.gather(*runs, return_exceptions=True)
    codes = [error.code for error in errors if isinstance(error, EdgeError)]
    assert codes == ["worker-lost", "task-crashed", "task-crashed"]


@pytest.mark.parametrize(
    "said",
    ["[", "[]", "7", "{}", '{"do": "done"}', '{"run": ["a"]}', HUGE, ENDLESS, NO_NUMBER],
)
def test_a_vm_that_sends_what_is_no_message_is_ended(said: str) -> None:
    @on_vms()
    async def play(stage: Stage) -> None:
        gated = await stage.load(GATED)
        run = asyncio.create_task(stage.run(gated, "a"))
        await turns()

        stage.machines.started[0].say_raw(said)
        await turns()

        assert stage.machines.started[0].is_dead
        # It was alone: nobody else can have sent that.
        with pytest.raises(EdgeError) as raised:
            await run
        assert raised.value.code == "task-crashed" and gated.strikes == 1

    play()


@pytest.mark.parametrize(
    "said",
    [
        {"do": "done", "run": "other", "value": 1},
        {"do": "ask", "run": "other", "ask": 1, "method": "put", "given": {"key": "k", "value": 1}},
        {"do": "ask", "run": "a", "ask": 1, "method": "check", "given": {}},
        {"do": "ask", "run": "a", "ask": 1, "method": "_lease", "given": {}},
    ],
)
def test_a_vm_can_do_nothing_for_runs_it_has_not_nor_what_tasks_may_not(said: Any) -> None:
    @on_vms()
    async def play(stage: Stage) -> None:
        gated = await stage.load(GATED)
        run = asyncio.create_task(stage.run(gated, "a"))
        await turns()

        stage.machines.started[0].say_raw(json.dumps(said))
        await turns()

        assert not run.done() and "k" not in stage.data.values
        stage.data.values["open"] = True
        assert (await run).value == "a"

    play()


@on_vms()
async def test_a_run_that_asks_without_end_is_ended(stage: Stage) -> None:
    task = await stage.load(
        "import asyncio\n"
        "async def run(ctx, activation):\n"
        "    await asyncio.gather(*(ctx.get('k') for _ in range(5_000)))\n"
    )

    with pytest.raises(EdgeError) as raised:
        await stage.run(task)

    assert raised.value.code == "task-crashed" and "asked without end" in raised.value.message


def test_modules_are_fresh_in_every_run() -> None:
    async def play(stage: Stage) -> None:
        task = await stage.load(COUNTS)
        assert [(await stage.run(task, name)).value for name in "abc"] == [1, 1, 1]

    for vms in (0, 1):
        play_on(lambda vms=vms: Stage(vms), play)  # type: ignore[misc]


def test_a_stateful_tasks_modules_live_as_long_as_their_vm() -> None:
    async def play(stage: Stage) -> None:
        task = await stage.load(COUNTS, stateful=True)
        assert [(await stage.run(task, name)).value for name in "abc"] == [1, 2, 3]
        if stage.machines.started:
            stage.machines.started[0].break_down("it broke")
            assert (await stage.run(task, "d")).value == 1

    for vms in (0, 2):
        play_on(lambda vms=vms: Stage(vms), play)  # type: ignore[misc]


@on_vms(recycle_runs=2)
async def test_a_worn_vm_is_replaced_when_it_is_idle(stage: Stage) -> None:
    task = await stage.load(QUICK)
    for name in "abc":
        assert (await stage.run(task, name)).value == name

    assert [machine.is_dead for machine in stage.machines.started] == [True, False]
    assert stage.container.statistics()["recycled"] == 1


@pytest.mark.parametrize("has_spare", [False, True])
def test_a_worn_vm_that_is_never_idle_takes_no_more_runs(has_spare: bool) -> None:
    async def play(stage: Stage) -> None:
        quick, gated = await stage.load(QUICK), await stage.load(GATED)
        stage.data.values["open"] = True
        await stage.run(quick)
        if has_spare:
            for _ in range(3):
                await stage.host.clock.advance(SPARE_AFTER_MS)
                await turns()
        stage.data.values.clear()
        long = asyncio.create_task(stage.run(gated, "long"))
        await turns()
        await stage.run(quick)  # Behind this one it is worn.
        await turns()
        worn = stage.machines.started[0]
        assert stage.container.statistics()["recycled"] == 1 and not worn.is_dead

        assert (await stage.run(quick)).value == "r1"
        assert not worn.is_dead and stage.container.statistics()["ready"] == 1
        stage.data.values["open"] = True
        assert (await long).value == "long"
        assert worn.is_dead and stage.container.statistics()["killed"] == 0

    play_on(lambda: patient(Stage(1, recycle_runs=3, spare=has_spare)), play)


@on_vms(recycle_runs=2)
async def test_a_stateful_task_leaves_a_worn_vm_even_if_that_is_never_idle(stage: Stage) -> None:
    gated = await stage.load(GATED)
    counts = await stage.load(COUNTS, stateful=True)
    long = asyncio.create_task(stage.run(gated, "long"))
    await turns()

    values = []
    for _ in range(3):
        values.append((await stage.run(counts)).value)
        await turns()

    assert values == [1, 1, 2]
    stage.data.values["open"] = True
    await long


@on_vms(spare=True)
async def test_where_there_is_no_room_for_a_spare_vm_it_is_not_tried_for_ever(
    stage: Stage,
) -> None:
    task = await stage.load(QUICK)
    await stage.run(task)
    stage.machines.refusals = 1
    for _ in range(5):
        await stage.host.clock.advance(SPARE_AFTER_MS)
        await turns()

    assert stage.machines.refusals == 0
    assert len(stage.machines.started) == 1


@on_vms(recycle_mb=64)
async def test_a_vm_whose_heap_has_grown_is_worn(stage: Stage) -> None:
    task = await stage.load(QUICK)
    stage.host.interpreter.heap_size = 64 * 2**20

    await stage.run(task)

    assert stage.machines.started[0].is_dead


@on_vms(idle_ms=60_000)
async def test_vms_end_when_nothing_has_run_for_a_while(stage: Stage) -> None:
    task = await stage.load(QUICK)
    await stage.run(task)
    for _ in range(40):
        await stage.host.clock.advance(SPARE_AFTER_MS)
    assert stage.machines.started[0].is_dead

    assert (await stage.run(task, "later")).value == "later"


@on_vms(spare=True)
async def test_the_spare_vm_takes_the_place_of_a_lost_one(stage: Stage) -> None:
    task = await stage.load(QUICK)
    await stage.run(task)
    for _ in range(3):
        await stage.host.clock.advance(SPARE_AFTER_MS)
        await turns()
    assert stage.container.statistics()["spare"] == 1

    stage.machines.started[0].break_down("it broke")

    statistics = stage.container.statistics()
    assert (statistics["ready"], statistics["spare"]) == (1, 0)
    assert (await stage.run(task, "next")).value == "next"


@on_vms()
async def test_where_a_vm_was_asked_for_and_does_not_start_runs_say_so(stage: Stage) -> None:
    stage.machines.refusals = 1
    task = await stage.load(QUICK)

    with pytest.raises(HostError) as raised:
        await stage.run(task, "a")

    assert raised.value.code == "boot-failed"
    assert (await stage.run(task, "b")).value == "b"


def test_where_the_device_chose_vms_that_do_not_start_tasks_run_beside_the_core() -> None:
    async def play(stage: Stage) -> None:
        stage.machines.refusals = 1
        task = await stage.load(QUICK)

        assert (await stage.run(task, "a")).value == "a"

        assert stage.container.statistics()["mode"] == "inline"
        assert "got a refusal" in str(stage.container.statistics()["reason"])
        (warning,) = stage.host.page.named("log")
        assert warning["level"] == "warning"

    play_on(lambda: Stage(None), play)


@pytest.mark.parametrize("vms", [0, 1])
def test_what_a_task_prints_and_logs_names_its_run(vms: int) -> None:
    async def play(stage: Stage) -> None:
        task = await stage.load(
            "import logging\n"
            "async def run(ctx, activation):\n    print('seen', 3, sep='=')\n"
            "    logging.getLogger('shop').info('%d rows', 3)\n"
            "    logging.warning('few')\n    logging.debug('unheard')\n"
        )
        # As every VM of a worker's own does; beside the core the room has done it.
        if vms:
            hear_logging()
        await stage.run(task, "r9")
        await turns()

        lines = stage.host.page.named("log")
        assert {(line["runId"], line["taskName"]) for line in lines} == {("r9", "Rank")}
        assert [(line["level"], line["message"]) for line in lines] == [
            ("info", "seen=3"),
            ("info", "shop: 3 rows"),
            ("warning", "root: few"),
        ]

    play_on(lambda: Stage(vms), play)


@pytest.mark.parametrize("vms", [0, 1])
@pytest.mark.parametrize("say", ["print", "ctx.log"])
def test_a_run_says_no_more_than_anybody_reads(vms: int, say: str) -> None:
    async def play(stage: Stage) -> None:
        stage.budget_ms = 60_000
        many = f"async def run(ctx, activation):\n    for n in range(3_000):\n        {say}(n)\n"
        for run_id in ("first", "second"):
            await stage.run(await stage.load(many), run_id)
            await turns()
        lines = stage.host.page.named("log")
        assert [line["message"] for line in lines[:LOG_LINES]] == [str(n) for n in range(LOG_LINES)]
        assert "the rest is left out" in lines[LOG_LINES]["message"]
        assert [line["runId"] for line in lines[LOG_LINES : LOG_LINES + 2]] == ["first", "second"]
        assert len(lines) == 2 * (LOG_LINES + 1)

    play_on(lambda: Stage(vms), play)


@on_vms()
async def test_a_version_that_is_to_replace_another_is_tried_in_a_vm(stage: Stage) -> None:
    good = open_bundle(bundle("Rank", QUICK))
    task = await stage.container.load(good, "", True)
    assert (await stage.run(task, "a")).value == "a"

    with pytest.raises(EdgeError) as refused:
        await stage.container.load(open_bundle(bundle("Rank", "x = 1 / 0")), "", True)

    assert refused.value.code == "task-raised" and "ZeroDivisionError" in refused.value.message


@on_vms()
async def test_a_version_whose_import_does_not_end_is_given_up(stage: Stage) -> None:
    await stage.run(await stage.load(QUICK), "a")
    stage.machines.started[0].is_frozen = True

    trying = asyncio.create_task(stage.container.load(open_bundle(bundle("Rank", QUICK)), "", True))
    await turns()
    await stage.host.clock.advance(1_000 + GRACE_MS)

    with pytest.raises(EdgeError) as refused:
        await trying
    assert refused.value.code == "task-crashed"


@on_vms()
async def test_a_new_version_of_a_task_gets_a_vm_without_the_old_ones_packages(
    stage: Stage,
) -> None:
    old = await load(stage, "Rank", wheel(stage, "units", "1.0"))
    assert (await stage.run(old, "a")).value == "a"

    new = await load(stage, "Rank", wheel(stage, "units", "2.0"))
    assert (await stage.run(new, "b")).value == "b"

    assert len(stage.machines.started) == 2
    assert stage.container.statistics()["recycled"] == 1


@on_vms()
async def test_a_new_version_with_other_packages_does_not_wait_for_the_old_ones_runs(
    stage: Stage,
) -> None:
    old = await load(stage, "Rank", wheel(stage, "units", "1.0"), source=GATED)
    long = asyncio.create_task(stage.run(old, "long"))
    await turns()

    new = await load(stage, "Rank", wheel(stage, "units", "2.0"))
    assert (await stage.run(new, "b")).value == "b"

    assert not stage.machines.started[0].is_dead
    stage.data.values["open"] = True
    assert (await long).value == "long"
    assert stage.machines.started[0].is_dead


@on_vms()
async def test_the_third_vm_that_a_task_costs_opens_its_breaker(stage: Stage) -> None:
    task = await stage.load(WAITS)
    for number in range(3):
        assert stage.tripped == []
        run = asyncio.create_task(stage.run(task, f"r{number}"))
        await turns()
        stage.machines.started[-1].break_down("it broke")
        await asyncio.gather(run, return_exceptions=True)

    assert stage.tripped == ["Rank"]


@on_vms(spare=True)
async def test_where_there_is_memory_a_vm_is_there_before_it_is_needed(stage: Stage) -> None:
    stage.container.warm()
    for _ in range(2):
        await stage.host.clock.advance(SPARE_AFTER_MS)
        await turns()

    assert stage.container.statistics()["ready"] == 1


@on_vms()
async def test_waiting_for_the_first_vm_costs_a_run_none_of_its_time(stage: Stage) -> None:
    stage.machines.gate = asyncio.Event()
    task = await stage.load(QUICK)
    lease = Lease()

    run = asyncio.create_task(stage.container.run(task, ACTIVATION, lease))
    await turns()
    assert lease.granted_ms == VM_START_MS
    await stage.host.clock.advance(700)
    stage.machines.gate.set()

    assert (await run).value == "r1"
    assert lease.granted_ms == 700


@on_vms()
async def test_an_import_that_failed_is_made_again_for_the_next_run(stage: Stage) -> None:
    fails = (
        "import os\n"
        "if os.environ.pop('EDGE_FAILS_ONCE', None):\n    raise ValueError('no')\n" + QUICK
    )
    task = await stage.load(fails)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("EDGE_FAILS_ONCE", "1")
        with pytest.raises(EdgeError):
            await stage.run(task, "a")

        assert (await stage.run(task, "b")).value == "b"


@on_vms()
async def test_a_version_that_was_tried_in_vain_leaves_nothing_there(stage: Stage) -> None:
    await stage.run(await stage.load(QUICK), "a")
    held = stage.machines.started[0]._vm._messages
    before = dict(held)

    with pytest.raises(EdgeError):
        await stage.container.load(open_bundle(bundle("Rank", "x = 1 / 0")), "", True)
    await turns()

    assert held == before


@on_vms()
async def test_wheels_of_a_version_that_is_tried_come_whatever_is_unloaded(stage: Stage) -> None:
    old = await stage.load(QUICK)
    needs, arrives = wheel(stage, "units", "1.0"), asyncio.Event()
    fetch = stage.host.network.fetch

    async def slow(*given: Any, **named: Any) -> bytes:
        await arrives.wait()
        return await fetch(*given, **named)

    stage.host.network.fetch = slow  # type: ignore[method-assign]
    opened = open_bundle(bundle("Needs", QUICK, packages=[needs]))
    trying = asyncio.create_task(stage.container.load(opened, "https://shop.test/n.edge", True))
    await turns()

    stage.container.unload(old)
    await turns()
    arrives.set()

    assert (await stage.run(await trying, "a")).value == "a"


def test_nobody_waits_for_a_vm_of_a_runtime_that_has_stopped() -> None:
    async def play(stage: Stage) -> None:
        patient(stage)
        task = await stage.load(QUICK)
        stage.machines.gate = asyncio.Event()
        run = asyncio.create_task(stage.run(task, "a"))
        await turns()
        await stage.container.stop()

        with pytest.raises(HostError) as raised:
            await run
        assert raised.value.code == "worker-lost"

    play_on(lambda: Stage(1), play)
