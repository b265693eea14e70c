"""Where tasks live: in VMs or beside the core; whatever leaves their code is data or an error."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from ..config import ContainerConfig
from ..errors import EdgeError, HostError
from ..host.ports import Host
from ..host.ports.machines import Wheel
from ..pure.manifest import OpenedBundle
from ..pure.statistics import VmStatistics
from ..pure.vm_plan import plan_vms
from ..types import Activation, Backend, JsonValue
from .container_context import Lease, RunContext, Surroundings
from .container_counts import VmCounts
from .container_going import VmLostError, crashed, lost_again
from .container_inline import InlineRoom
from .container_packages import Packages
from .container_pool import Pool
from .container_profile import ProfiledContext
from .container_task import LoadedTask

__all__ = ["Completion", "Container", "LoadedTask"]

STRIKES: Final = 3
VM_START_MS: Final = 30_000
"""How long a run may wait for a VM to start before its own time counts."""


@dataclass(frozen=True, slots=True)
class Completion:
    """What a run returned, and what its inference cost and where it ran.

    ``profile`` says where its time went, where that was asked for.
    """

    value: JsonValue
    infer_ms: float
    backends: Mapping[str, Backend]
    profile: Mapping[str, JsonValue] | None = None


class Container:
    """Holds the loaded tasks' code; a task's failure stays inside.

    Args:
        around: What runs reach outside.
        host: Starts VMs, and is the interpreter of tasks that run beside the core.
        config: How many VMs there are, and what they may use.
        trip: Opens the breaker of a task that has cost :data:`STRIKES` VMs, or as many more.
        is_profiled: Whether runs say where their time went.
    """

    def __init__(
        self,
        around: Surroundings,
        host: Host,
        config: ContainerConfig,
        trip: Callable[[str], None] = lambda _: None,
        *,
        is_profiled: bool = False,
    ) -> None:
        self._trip = trip
        self._around = around
        self._context_of = ProfiledContext if is_profiled else RunContext
        self._host = host
        available = host.machines.is_available
        plan = self._plan = plan_vms(config, host.description, available=available)
        self._reason: str | None = None
        self._tasks: set[LoadedTask] = set()
        self._inline: InlineRoom | None = None
        self._pool: Pool | None = None
        if plan.count:
            self._pool = Pool(host.clock, host.machines, plan, self._wheels, self._say)
        else:
            self._inline = InlineRoom(host, self._say)
        self._packages = Packages(around.network)

    async def load(self, bundle: OpenedBundle, url: str = "", is_tried: bool = False) -> LoadedTask:
        """Make a task runnable. Beside the core its code is imported now, in a VM when it runs.

        Args:
            bundle: The task.
            url: Where it came from, absolute: its packages lie beside it.
            is_tried: Import it now wherever it will run.

        Raises:
            ConfigError: ``config-invalid``: beside the core another version of a package is there.
            EdgeError: What importing it failed with, where it is imported now.
        """
        task = LoadedTask(bundle, url, struck=self._struck)
        # Whoever unloads another task meanwhile leaves its wheels alone.
        self._tasks.add(task)
        try:
            await self._make_ready(task, is_tried)
        except BaseException:
            self.unload(task)
            raise
        return task

    async def _make_ready(self, task: LoadedTask, is_tried: bool) -> None:
        if self._inline is not None:
            return await self._inline.open(task, await self._wheels(task))
        self._packages.prefetch(task.manifest, task.url)
        if is_tried:
            await self._try(task)

    def warm(self) -> None:
        """Start a VM before it is needed, where the device has the memory."""
        if self._pool is not None:
            self._pool.warm()

    def _struck(self, task: LoadedTask) -> None:
        if task.strikes % STRIKES == 0:
            self._trip(task.manifest.name)

    async def _try(self, task: LoadedTask) -> None:
        """Import a task in a VM, as its first run would; again where another's code ended that."""
        assert self._pool is not None
        for is_last in (False, True):
            try:
                return await self._pool.try_out(task)
            except VmLostError as lost:
                if lost.is_culprit or is_last:
                    raise lost_again(task, lost) from lost

    def unload(self, task: LoadedTask) -> None:
        """Forget a task's code."""
        self._tasks.discard(task)
        self._packages.keep(each.manifest for each in self._tasks)
        if self._pool is not None:
            self._pool.close(task)
        if self._inline is not None:
            self._inline.close(task)

    async def run(self, task: LoadedTask, activation: Activation, lease: Lease) -> Completion:
        """Run ``task`` once; the caller cancels it when the lease's budget is used up.

        A run whose VM is lost through no fault of its own is run again, once.

        Raises:
            TaskError: What :meth:`Room.run` raises; ``task-crashed``: its VM ended with it.
            HostError: ``worker-lost``: that happened twice; or no VM starts.
            EdgeError: What the runtime refused the task and the task did not catch.
        """
        if self._pool is not None and not self._pool.is_prepared(task):
            await self._prepare(self._pool, task, lease)
        context = self._context_of(task.bundle, activation, self._around, lease)
        task.runs += 1
        try:
            value = await self._value(task, activation, context)
        finally:
            context.end()
        return Completion(value, context.infer_ms, context.backends, context.profile)

    async def stop(self) -> None:
        """End all VMs and forget all tasks' code."""
        self._packages.keep(())
        if self._pool is not None:
            await self._pool.stop()
        if self._inline is not None:
            self._inline.stop()

    def statistics(self) -> VmStatistics:
        """Return where tasks run."""
        if self._pool is not None:
            return self._pool.statistics()
        return VmCounts().statistics(self._reason)

    async def _prepare(self, pool: Pool, task: LoadedTask, lease: Lease) -> None:
        """Let a run wait for the first VM, and for packages, in a time that is not its own."""
        began_ms = self._host.clock.monotonic_ms()
        lease.grant(VM_START_MS)
        try:
            await pool.wait()
        except HostError as error:
            await self._fall_back(error)
        else:
            if task.manifest.packages:
                # How it failed the run will hear by itself.
                with suppress(EdgeError, VmLostError):
                    await pool.try_out(task)
        lease.grant(self._host.clock.monotonic_ms() - began_ms - VM_START_MS)

    async def _value(
        self, task: LoadedTask, activation: Activation, context: RunContext
    ) -> JsonValue:
        try:
            return await self._attempt(task, activation, context)
        except VmLostError as lost:
            if lost.is_culprit:
                raise crashed(task, lost) from lost
        context.check()
        try:
            return await self._attempt(task, activation, context)
        except VmLostError as lost:
            raise lost_again(task, lost) from lost

    async def _attempt(
        self, task: LoadedTask, activation: Activation, context: RunContext
    ) -> JsonValue:
        if self._pool is not None:
            try:
                vm = await self._pool.take(task)
            except HostError as error:
                await self._fall_back(error)
            else:
                try:
                    return await vm.run(task, activation, context)
                finally:
                    if self._pool is not None:
                        self._pool.release(vm)
        assert self._inline is not None
        if task.tenant is None:
            await self._inline.open(task, await self._wheels(task))
        return await self._inline.run(task, activation, context)

    async def _fall_back(self, error: HostError) -> None:
        """Run tasks beside the core from now on, where that was the device's choice."""
        if not self._plan.is_choice:
            raise error
        if self._inline is None:
            self._reason = error.message
            told = {"level": "warning", "message": f"VMs do not start: {error.message}"}
            self._around.page.notify("log", told)
            self._inline = InlineRoom(self._host, self._say)
        if self._pool is not None:
            pool, self._pool = self._pool, None
            await pool.stop()

    async def _wheels(self, task: LoadedTask) -> list[tuple[str, Wheel | None]]:
        """Bring a task's packages, in the order in which they are to be installed."""
        wheels: list[tuple[str, Wheel | None]] = []
        for name, wheel in await self._packages.wheels(task.manifest, task.url):
            # A VM has no network: what is served beside the interpreter is brought to it.
            if wheel is None and self._pool is not None:
                shipped = await self._host.machines.shipped(name)
                wheels += [(each.file.partition("-")[0], each) for each in shipped]
            else:
                wheels.append((name, wheel))
        return wheels

    def _say(self, level: str, message: str, task_name: str) -> None:
        body = {"level": level, "message": message, "taskName": task_name}
        self._around.page.notify("log", body)
