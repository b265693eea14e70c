"""A container on the fake host: tasks beside the core, or in VMs of this process."""

import asyncio
import sys
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.config import ContainerConfig
from edge_runtime.errors import EdgeError, RefusedError
from edge_runtime.services.container import Completion, Container, LoadedTask
from edge_runtime.services.container_context import Surroundings
from edge_runtime.services.inference import ModelRun
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.fake_machines import FakeMachines
from edge_runtime.types import Activation, Backend, Event, Priority, TriggerKind

from ..task_bundles import bundle

EVENT = Event("e1", 5.0, "mta", "Home", click_id="item", props={"sku": 7})
ACTIVATION = Activation("r1", "Rank", TriggerKind.EVENT, 5.0, EVENT)


class Lease:
    """The right of a run to have effects, for 100 ms; calls answer with what they got."""

    priority, since_ms, number = Priority.CORE, 0.0, 1
    budget_ms, lane_ms = 100.0, 2.5
    asker: int | str | None = 7

    def __init__(self) -> None:
        self.has_ended = False
        self.granted_ms = 0.0

    def check(self) -> None:
        if self.has_ended:
            raise RefusedError("run-ended", "the run has ended")

    def grant(self, more_ms: float) -> None:
        self.granted_ms += more_ms

    def waited_in_lane(self, wait_ms: float) -> None: ...

    async def call(self, task_name: str, ext_data: Mapping[str, Any]) -> Any:
        return [task_name, ext_data]


class Models:
    """Answers with what it was fed, in 1.5 ms."""

    async def run(self, model: str, feeds: Mapping[str, Any], rider: Lease) -> ModelRun:
        return ModelRun({"y": feeds["x"]}, 1.5, Backend("wasm"))


class Data:
    """Keys in a dict; a query answers with what it was asked."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}

    def query(
        self, sql: str, params: Mapping[str, Any] | None = None, *, deadline_ms: float
    ) -> list[dict[str, Any]]:
        return [{"sql": sql, "params": params, "deadline": deadline_ms}]

    def get(self, key: str) -> Any:
        return self.values.get(key)

    async def put(self, key: str, value: Any, encrypted: bool | None = True) -> None:
        self.values[key] = (value, encrypted)

    async def delete(self, key: str) -> None:
        self.values.pop(key, None)


DEVICE = {"deviceMemoryGb": 4}


class Stage:
    """A container on the fake host."""

    def __init__(
        self,
        vms: int | None = 0,
        *,
        is_profiled: bool = False,
        is_shared: bool = True,
        **config: Any,
    ) -> None:
        fake = create_fake_host()
        fake.interpreter.is_shared = is_shared
        self.machines = FakeMachines(fake.interpreter)
        self.host = replace(fake, machines=self.machines, description=DEVICE)
        self.data = Data()
        self.budget_ms = 100.0
        host = self.host
        self.around = Surroundings(
            host.clock, host.images, host.page, Models(), self.data, host.network
        )
        self.tripped: list[str] = []
        plan = ContainerConfig(vms=vms, **config)
        self.container = Container(
            self.around, self.host, plan, self.tripped.append, is_profiled=is_profiled
        )

    async def load(self, source: str | Mapping[str, str], **manifest: Any) -> LoadedTask:
        return await self.container.load(open_bundle(bundle("Rank", source, **manifest)))

    async def value(self, body: str, **manifest: Any) -> Any:
        """Return what a task of this body returns."""
        indented = "".join(f"    {line}\n" for line in body.strip().splitlines())
        task = await self.load(f"async def run(ctx, activation):\n{indented}", **manifest)
        return (await self.run(task)).value

    async def run(
        self, task: LoadedTask, run_id: str = "r1", budget_ms: float | None = None
    ) -> Completion:
        """Run a task once."""
        lease = Lease()
        lease.budget_ms = self.budget_ms if budget_ms is None else budget_ms
        return await self.container.run(task, replace(ACTIVATION, run_id=run_id), lease)

    async def error(self, body: str, **manifest: Any) -> EdgeError:
        with pytest.raises(EdgeError) as raised:
            await self.value(body, **manifest)
        return raised.value


def task_modules() -> set[str]:
    return {name for name in sys.modules if name.startswith("edge_tasks.")}


Play = Callable[[Stage], Awaitable[None]]


def play_on(stage_of: Callable[[], Stage], play: Play) -> None:
    """Play on one stage, and see that nothing of it stays behind."""

    async def played() -> None:
        before = task_modules()
        stage = stage_of()
        try:
            await play(stage)
        finally:
            await stage.container.stop()
        assert task_modules() == before

    asyncio.run(played())


def in_both(play: Play) -> None:
    """Play with tasks beside the core, and with tasks in a VM."""
    for vms in (0, 1):
        play_on(lambda vms=vms: Stage(vms), play)  # type: ignore[misc]


def on_stage(test: Play) -> Callable[[int], None]:
    """Make a test of a play; where tasks run is a parameter."""

    @pytest.mark.parametrize("vms", [0, 1], ids=["inline", "vm"])
    def run(vms: int) -> None:
        play_on(lambda: Stage(vms), test)

    run.__name__ = test.__name__
    return run
