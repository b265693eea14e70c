"""The VMs of a runtime: started when first needed, shared by runs, replaced when worn."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Final

from ..errors import EdgeError, HostError
from ..host.ports import Clock
from ..host.ports.machines import Machines
from ..pure.statistics import VmStatistics
from ..pure.vm_plan import VmPlan
from .container_counts import VmCounts
from .container_openings import Wheels
from .container_remote import RemoteVm
from .container_task import LoadedTask

SPARE_AFTER_MS: Final = 2_000
"""The spare VM starts when the page has had this long to itself since the first one was there."""


class Pool:
    """At most ``plan.count`` VMs, and perhaps a spare one.

    Args:
        clock: Measures idleness and starts.
        machines: Starts VMs.
        plan: How many there are, and when they are replaced.
        wheels, say: As for :class:`Openings`.
    """

    def __init__(
        self,
        clock: Clock,
        machines: Machines,
        plan: VmPlan,
        wheels: Wheels,
        say: Callable[[str, str, str], None],
    ) -> None:
        self._clock = clock
        self._machines = machines
        self._plan = plan
        self._wheels = wheels
        self._say = say
        self._ready: list[RemoteVm] = []
        self._retired: set[RemoteVm] = set()
        self._spare: RemoteVm | None = None
        self._has_spare = plan.has_spare
        self._starting: set[asyncio.Task[None]] = set()
        self._homes: dict[int, RemoteVm] = {}
        self._keeping: asyncio.Task[None] | None = None
        self._used_ms = 0.0
        self._counts = VmCounts()
        self._is_stopped = False

    def is_prepared(self, task: LoadedTask) -> bool:
        """Say whether a run of the task can begin at once: in a VM that has its packages."""
        if not self._ready:
            return False
        vm = self._best(task)
        return not task.manifest.packages or (vm.knows(task) and not vm.refuses(task))

    def warm(self) -> None:
        """Start the first VM before it is needed, when the page has had some time to itself."""
        if self._has_spare and self._keeping is None:
            self._keeping = asyncio.create_task(self._keep())

    async def wait(self) -> None:
        """Return when there is a VM.

        Raises:
            HostError: None starts.
        """
        while not self._ready:
            soonest = next(iter(self._starting), None) or self._begin()
            await asyncio.wait([soonest])
            if self._is_stopped:
                raise HostError("worker-lost", "VM: expected to start, got the runtime's end.")
            soonest.result()

    async def take(self, task: LoadedTask) -> RemoteVm:
        """Return the VM for a run: a stateful task's own, else the least loaded one.

        Raises:
            HostError: No VM starts.
        """
        self._used_ms = self._clock.monotonic_ms()
        await self.wait()
        best = self._best(task)
        if best.refuses(task):
            # A version of the task before this one needed other packages.
            self._retire(best)
            return await self.take(task)
        if best.load and self._homes.get(task.number) is not best and self._has_room():
            self._begin()
        if task.manifest.stateful:
            self._homes[task.number] = best
        return best

    async def try_out(self, task: LoadedTask) -> None:
        """Have a task's code imported where it would run; see :meth:`RemoteVm.try_out`."""
        vm = await self.take(task)
        try:
            await vm.try_out(task)
        finally:
            self.release(vm)

    def release(self, vm: RemoteVm) -> None:
        """Look at a VM behind a run: one that is worn is replaced, idle or not."""
        self._used_ms = self._clock.monotonic_ms()
        if vm.is_over or self._is_stopped:
            return
        is_worn = self._plan.is_worn(vm.runs, vm.heap_bytes)
        if vm in self._retired or (is_worn and not vm.load):
            self._retire(vm)
        is_wanted = vm in self._ready or not self._ready
        if is_worn and is_wanted and not self._use_spare() and not self._starting:
            self._begin()

    def close(self, task: LoadedTask) -> None:
        """Forget a task's code everywhere."""
        self._homes.pop(task.number, None)
        for vm in self._all():
            vm.close(task)

    async def stop(self) -> None:
        """End every VM."""
        self._is_stopped = True
        for vm in [*self._all()]:
            vm.end("the runtime has stopped")
        waiting = [*self._starting, *filter(None, [self._keeping])]
        for each in waiting:
            each.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)

    def statistics(self) -> VmStatistics:
        """Return what there is and what there was."""
        return self._counts.statistics(
            mode="workers",
            spare=int(self._spare is not None),
            running=sum(vm.load for vm in self._all()),
            heap_bytes=[vm.heap_bytes for vm in self._ready],
        )

    def _all(self) -> Iterator[RemoteVm]:
        yield from self._ready
        yield from self._retired
        if self._spare is not None:
            yield self._spare

    def _best(self, task: LoadedTask) -> RemoteVm:
        home = self._homes.get(task.number)
        if home in self._ready:
            return home
        return min(self._ready, key=lambda vm: (vm.refuses(task), vm.load, not vm.knows(task)))

    def _has_room(self) -> bool:
        return len(self._ready) + len(self._starting) < self._plan.count

    def _begin(self) -> "asyncio.Task[None]":
        """Start one that will serve."""
        starting = asyncio.create_task(self._start_serving())
        self._starting.add(starting)
        # Who waits for it hears of its failure; of one that nobody waits for there is no need.
        starting.add_done_callback(lambda done: done.cancelled() or done.exception())
        return starting

    async def _start_serving(self) -> None:
        try:
            vm = await self._start()
        finally:
            self._starting = {each for each in self._starting if each is not asyncio.current_task()}
        if vm.is_over:
            return
        self._serve(vm)
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep())

    def _use_spare(self) -> bool:
        spare, self._spare = self._spare, None
        if spare is not None:
            self._serve(spare)
        return spare is not None

    def _serve(self, vm: RemoteVm) -> None:
        """Give runs to a VM that is there; worn ones take no more."""
        for worn in [one for one in self._ready if self._plan.is_worn(one.runs, one.heap_bytes)]:
            self._retire(worn)
        self._ready.append(vm)

    def _retire(self, vm: RemoteVm) -> None:
        """Give a VM no more runs, and end it when it has none."""
        if vm in self._ready:
            self._ready.remove(vm)
            self._retired.add(vm)
            self._counts.recycled += 1
        if not vm.load:
            vm.end("it was replaced")

    async def _start(self) -> RemoteVm:
        began_ms = self._clock.monotonic_ms()
        vm = RemoteVm(self._clock, self._wheels, self._say, self._ended)
        await vm.start(self._machines, self._plan.memory_bytes)
        self._counts.started += 1
        self._counts.start_ms = self._clock.monotonic_ms() - began_ms
        if self._is_stopped:
            vm.end("the runtime has stopped")
        return vm

    def _ended(self, vm: RemoteVm) -> None:
        self._counts.killed += vm.is_lost
        self._retired.discard(vm)
        if self._spare is vm:
            self._spare = None
        if vm not in self._ready:
            return
        self._ready.remove(vm)
        if self._is_stopped:
            return
        if not self._use_spare() and vm.load:
            # Runs go on elsewhere, and others will come: not when they ask, but now.
            self._begin()

    async def _keep(self) -> None:
        """Start the spare one, and end all when nothing has run for a while."""
        idle_ms = self._plan.idle_ms
        await self._clock.sleep_ms(SPARE_AFTER_MS)
        while True:
            if self._has_spare and self._spare is None:
                await self._start_spare()
            await self._clock.sleep_ms(min(idle_ms, SPARE_AFTER_MS))
            left_ms = self._used_ms + idle_ms - self._clock.monotonic_ms()
            if left_ms <= 0 and not any(vm.load for vm in self._all()) and not self._starting:
                for vm in [*self._all()]:
                    vm.end("nothing has run for a while")
                self._keeping = None
                return

    async def _start_spare(self) -> None:
        try:
            spare = await self._start()
        except EdgeError:
            # A device that cannot have one more is not asked again.
            self._has_spare = False
            return
        if spare.is_over:
            return
        if self._ready:
            self._spare = spare
        else:
            self._ready.append(spare)
