"""Tasks in the core's own interpreter: where a device has no memory for VMs, or is told so."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from ..errors import HostError
from ..guest.output import hear_logging
from ..guest.pace import Budget, Pace
from ..guest.pristine import pristine_of
from ..guest.room import Room
from ..host.ports import Host
from ..host.ports.machines import Wheel
from ..pure.package_claims import PackageClaims
from ..pure.vm_messages import ASKABLE
from ..types import Activation, JsonValue
from .container_context import RunContext
from .container_task import LoadedTask


class InlineRoom:
    """The same room as in a VM, with the core's own context.

    What it cannot do is end code that neither returns nor lets itself be interrupted: so the page
    is told whose code runs and until when, and replaces the worker.

    Args:
        host: Its interpreter watches deadlines and installs packages.
        say: Gets what tasks print while they are imported: level, text, task name.
    """

    def __init__(self, host: Host, say: Callable[[str, str, str], None]) -> None:
        self._host = host
        self._say = say
        self._contexts: dict[str, RunContext] = {}
        self._pristine = pristine_of(host.interpreter)
        self._room = Room(host.interpreter, self._told, self._watch, self._pristine.learn)
        hear_logging()
        self._tenants: set[LoadedTask] = set()
        self._claims = PackageClaims()
        self._latest: LoadedTask | None = None

    async def open(self, task: LoadedTask, packages: Sequence[tuple[str, Wheel | None]]) -> None:
        """Import a task's code, as :meth:`Room.open`, after its packages."""
        self._room.pace.follow(asyncio.get_running_loop())
        fresh = self._claims.fresh(task.manifest)
        for name, wheel in packages:
            if name in fresh:
                self._restore()
                await self._host.interpreter.install(name, wheel)
        self._claims.add(task.manifest)
        # What its import takes from the library a task keeps.
        self._turn_to(task)
        task.tenant = await self._room.open(task.brief(), task.bundle.files)
        self._tenants.add(task)

    def close(self, task: LoadedTask) -> None:
        """Forget a task's code."""
        if task.tenant is not None:
            self._room.close(task.tenant)
            task.tenant = None
        self._tenants.discard(task)

    async def run(self, task: LoadedTask, activation: Activation, context: RunContext) -> JsonValue:
        """Run a task once, as :meth:`Room.run`."""
        assert task.tenant is not None
        self._turn_to(task)
        left_ms = context.deadline_ms - self._host.clock.now_ms()
        budget = Budget(activation.run_id, task.manifest.name, self._room.pace.now_ms() + left_ms)
        self._contexts[activation.run_id] = context
        # Beside others its first step says so.
        if len(self._contexts) == 1:
            self._watch(budget)
        try:
            masked: Any = MaskedContext(context, self._room.pace)
            value = await self._room.run(task.tenant, activation, masked, budget)
        finally:
            self._host.page.watch_run(activation.run_id, activation.task_name, None, None)
            del self._contexts[activation.run_id]
            context.cpu_ms = budget.cpu_ms
            context.heap_bytes = self._host.interpreter.heap_bytes()
        return value

    def stop(self) -> None:
        """Forget all tasks' code."""
        for task in list(self._tenants):
            self.close(task)
        self._room.pace.close()

    def _turn_to(self, task: LoadedTask) -> None:
        if task is not self._latest:
            self._restore()
            self._latest = task

    def _restore(self) -> None:
        """Take away what tasks have left behind.

        Raises:
            HostError: ``worker-lost``: something stays. The page replaces the worker.
        """
        try:
            self._pristine.restore()
        except Exception as error:
            text = f"runtime: expected to put back what tasks changed, got {error!r}."
            self._host.page.replace_worker(text)
            raise HostError("worker-lost", f"{text} Its worker is replaced: try again.") from error

    def _watch(self, budget: Budget) -> None:
        """Tell the page whose code goes on now; of an import it knows no run."""
        context = self._contexts.get(budget.run_id)
        if context is not None:
            left_ms = budget.deadline_ms - self._room.pace.now_ms()
            whose = (budget.run_id, budget.task_name, context.asker)
            self._host.page.watch_run(*whose, left_ms)

    def _told(self, level: str, message: str, task_name: str, run_id: str) -> None:
        context = self._contexts.get(run_id)
        if context is None:
            self._say(level, message, task_name)
        elif context.is_alive:
            context.log(message, level)


class MaskedContext:
    """The context of a run, whose calls are the runtime's own code: nothing interrupts them."""

    def __init__(self, context: RunContext, pace: Pace) -> None:
        self.deadline_ms = context.deadline_ms
        self.resource = context.resource
        for name in ASKABLE:
            setattr(self, name, _masked(getattr(context, name), pace))

        def log(message: str, level: str = "info") -> None:
            with pace.masked():
                context.log(message, level)

        self.log = log


def _masked(method: Callable[..., Awaitable[Any]], pace: Pace) -> Callable[..., Awaitable[Any]]:
    async def call(*given: Any, **named: Any) -> Any:
        with pace.masked():
            return await method(*given, **named)

    return call
