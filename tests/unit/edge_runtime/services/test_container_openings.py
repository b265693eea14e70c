"""Tasks' code on its way into VMs: who waits for it, what holds it up, who is to blame."""

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.errors import EdgeError
from edge_runtime.pure.log_lines import LOG_LINES
from edge_runtime.services.container import VM_START_MS
from edge_runtime.services.container_going import VmLostError
from edge_runtime.services.container_remote import GRACE_MS, PACKAGES_MS, RemoteVm

from ..task_bundles import bundle
from .container_stage import ACTIVATION, Lease, Stage
from .test_container_vms import GATED, QUICK, on_vms, turns
from .test_container_wheels import SITE, load, wheel


class SlowNetwork:
    """Holds answers back until they may come."""

    def __init__(self, stage: Stage) -> None:
        self.may_come = asyncio.Event()
        self._fetch = stage.host.network.fetch
        stage.host.network.fetch = self.fetch  # type: ignore[method-assign]

    async def fetch(self, *given: Any, **named: Any) -> Any:
        await self.may_come.wait()
        return await self._fetch(*given, **named)


@on_vms(2)
async def test_a_task_with_packages_runs_in_any_vm_without_waiting_twice(stage: Stage) -> None:
    stage.host.interpreter.available.add("numpy")  # type: ignore[attr-defined]
    numpy = await load(stage, "Numpy", {"name": "numpy"})
    gated = await stage.load(GATED)
    await stage.run(numpy)
    both = [asyncio.create_task(stage.run(gated, name)) for name in "ab"]
    await turns()
    stage.data.values["open"] = True
    await asyncio.gather(*both)

    for name in "cdef":
        assert (await stage.run(numpy, name)).value == name

    assert len(stage.machines.started) == 2
    assert stage.container.statistics()["killed"] == 0


@on_vms()
async def test_who_waits_for_an_import_waits_on_when_another_one_gives_up(stage: Stage) -> None:
    network = SlowNetwork(stage)
    task = await load(stage, "Rank", wheel(stage, "units"))
    first, second = (asyncio.create_task(stage.run(task, name)) for name in "ab")
    await turns()

    first.cancel()
    await turns()
    network.may_come.set()

    assert (await second).value == "b"
    assert stage.container.statistics()["killed"] == 0


@on_vms()
async def test_every_run_waits_for_packages_in_a_time_that_is_not_its_own(stage: Stage) -> None:
    await stage.run(await stage.load(QUICK))
    network = SlowNetwork(stage)
    task = await load(stage, "Rank", wheel(stage, "units"))
    leases = [Lease(), Lease()]
    runs = []
    for name, lease in zip("ab", leases, strict=True):
        activation = replace(ACTIVATION, run_id=name)
        runs.append(asyncio.create_task(stage.container.run(task, activation, lease)))
        await turns()

    assert [lease.granted_ms for lease in leases] == [VM_START_MS] * 2
    network.may_come.set()
    await asyncio.gather(*runs, return_exceptions=True)


@on_vms()
async def test_a_version_is_tried_with_patience_while_a_run_computes(stage: Stage) -> None:
    gated = await stage.load(GATED)
    run = asyncio.create_task(stage.run(gated, "busy", 20_000))
    await turns()
    machine = stage.machines.started[0]
    machine.is_frozen = True

    trying = asyncio.create_task(stage.container.load(open_bundle(bundle("New", QUICK)), "", True))
    await turns()
    await stage.host.clock.advance(5_000)
    await turns()
    assert not machine.is_dead
    machine.thaw()
    await turns()

    assert (await stage.run(await trying, "new")).value == "new"
    stage.data.values["open"] = True
    assert (await run).value == "busy"
    assert len(stage.machines.started) == 1


@on_vms()
async def test_packages_have_their_own_time_before_an_import_is_given_up(stage: Stage) -> None:
    machine_time_ms = PACKAGES_MS + 1_000 + GRACE_MS
    await stage.run(await stage.load(QUICK))
    stage.machines.started[0].is_frozen = True
    opened = open_bundle(bundle("New", QUICK, packages=[wheel(stage, "units")]))
    url = f"{SITE}New.edge"
    trying = asyncio.create_task(stage.container.load(opened, url, True))
    await turns()

    await stage.host.clock.advance(machine_time_ms - 1)
    await turns()
    assert not stage.machines.started[0].is_dead
    await stage.host.clock.advance(1)

    with pytest.raises(EdgeError) as refused:
        await trying
    assert refused.value.code == "task-crashed"


@on_vms()
async def test_a_version_whose_vm_another_run_ended_is_tried_again(stage: Stage) -> None:
    gated = await stage.load(GATED)
    run = asyncio.create_task(stage.run(gated, "a"))
    await turns()
    machine = stage.machines.started[0]
    machine.is_frozen = True
    trying = asyncio.create_task(stage.container.load(open_bundle(bundle("New", QUICK)), "", True))
    await turns()

    machine.break_down("it broke")
    new = await trying

    assert (await stage.run(new, "new")).value == "new" and new.strikes == 0
    assert isinstance((await asyncio.gather(run, return_exceptions=True))[0], EdgeError)


@on_vms()
async def test_a_late_run_is_not_blamed_for_anothers_import(stage: Stage) -> None:
    waits, imports = await load(stage, "Waits", source=GATED), await load(stage, "Imports")
    late = asyncio.create_task(stage.run(waits, "late", GRACE_MS))
    await turns()
    machine = stage.machines.started[0]
    other = asyncio.create_task(stage.run(imports, "other", 3 * GRACE_MS))
    machine.say_raw(json.dumps({"do": "step", "run": "", "task": "Imports"}))
    machine.is_frozen = True
    await turns()

    await stage.host.clock.advance(GRACE_MS)
    late.cancel()
    await turns()
    await stage.host.clock.advance(2 * GRACE_MS)
    assert not machine.is_dead
    other.cancel()
    await turns()
    await stage.host.clock.advance(GRACE_MS)
    await asyncio.gather(late, other, return_exceptions=True)

    assert machine.is_dead and (waits.strikes, imports.strikes) == (0, 1)


@on_vms()
async def test_an_import_that_nobody_waits_for_any_more_is_ended_too(stage: Stage) -> None:
    gated, imports = await load(stage, "Gated", source=GATED), await load(stage, "Imports")
    innocent = asyncio.create_task(stage.run(gated, "innocent"))
    await turns()
    machine = stage.machines.started[0]
    run = asyncio.create_task(stage.run(imports, "run"))
    await asyncio.sleep(0)
    machine.say_raw(json.dumps({"do": "step", "run": "", "task": "Imports"}))
    machine.is_frozen = True
    await turns()

    await stage.host.clock.advance(1_000 + GRACE_MS)
    await turns()

    assert machine.is_dead and (gated.strikes, imports.strikes) == (0, 1)
    assert isinstance((await asyncio.gather(run, return_exceptions=True))[0], EdgeError)
    stage.data.values["open"] = True
    assert (await innocent).value == "innocent"


@on_vms(recycle_runs=5)
async def test_a_vm_that_is_worn_while_packages_come_ends_with_its_last_wait(stage: Stage) -> None:
    quick = await stage.load(QUICK)
    for number in range(4):
        network = SlowNetwork(stage)
        task = await load(stage, f"Task{number}", wheel(stage, f"units{number}"))
        waiting = asyncio.create_task(stage.run(task, "waits"))
        await turns()
        for _ in range(6):
            await stage.run(quick)
            await turns()
        network.may_come.set()
        await waiting
    await turns()

    assert sum(not machine.is_dead for machine in stage.machines.started) == 1


@on_vms()
async def test_lines_of_an_import_are_its_tasks_and_no_more_than_anybody_reads(
    stage: Stage,
) -> None:
    await stage.run(await load(stage, "Rank"))
    machine = stage.machines.started[0]
    stage.host.page.notices.clear()

    for name, level in [("Other", "info"), ("Rank", "shout"), *[("Rank", "info")] * 1_100]:
        line = {"do": "log", "run": "", "task": name, "level": level, "message": "x" * 9_000}
        machine.say_raw(json.dumps(line))

    lines = stage.host.page.named("log")
    assert {line["taskName"] for line in lines} == {"Rank"}
    assert len(lines) == LOG_LINES + 1
    assert max(len(line["message"]) for line in lines) < 5_000


@on_vms()
async def test_a_vm_that_has_ended_takes_no_more_code(stage: Stage) -> None:
    async def no_wheels(_task: Any) -> list[Any]:
        return []

    vm = RemoteVm(stage.host.clock, no_wheels, lambda *_: None, lambda _: None)
    await vm.start(stage.machines, 0)
    vm.end("it is over")

    with pytest.raises(VmLostError):
        await vm.try_out(await load(stage, "Rank"))
