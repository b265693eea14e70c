"""One VM worker as the core sees it: tasks opened in it, runs going on, what they ask."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from ..errors import EdgeError, HostError
from ..host.ports import Clock
from ..host.ports.machines import Buffer, Machine, Machines, Wheel
from ..pure.package_claims import PackageClaims
from ..pure.plain import join, split
from ..pure.vm_messages import error_of, plain_activation
from ..types import Activation, JsonValue
from .container_context import RunContext
from .container_going import Going, VmLostError, patiently
from .container_task import LoadedTask, plain_brief

GRACE_MS: Final = 300
"""How long code may go on behind its deadline before its VM is ended."""

Wheels = Callable[[LoadedTask], Awaitable[Sequence[tuple[str, Wheel | None]]]]
"""Brings the packages of a task: names, and the files of those that have one."""


class RemoteVm:
    """One VM.

    Attributes:
        is_over: It has ended.
        is_lost: It did so by itself, or because of a run.
        runs: How many it has taken.
        heap_bytes: Its heap behind the latest one.

    Args:
        clock: Measures patience.
        wheels: Brings packages.
        say: Gets what tasks print while they are imported: level, text, task name.
        ended: Told when it is gone.
    """

    def __init__(
        self,
        clock: Clock,
        wheels: Wheels,
        say: Callable[[str, str, str], None],
        ended: Callable[["RemoteVm"], None],
    ) -> None:
        self._clock = clock
        self._wheels = wheels
        self._say = say
        self._on_end = ended
        self._machine: Machine | None = None
        self._runs: dict[str, Going] = {}
        self._tries: dict[int, asyncio.Future[None]] = {}
        self._opened: dict[int, asyncio.Future[None]] = {}
        self._stepping: str | None = None
        self._claims = PackageClaims()
        self.is_over = False
        self.is_lost = False
        self.runs = 0
        self.heap_bytes = 0

    @property
    def load(self) -> int:
        """Return how many runs go on, and imports that are tried."""
        return len(self._runs) + len(self._tries)

    def knows(self, task: LoadedTask) -> bool:
        """Say whether the task's code is here already."""
        return task.number in self._opened

    def refuses(self, task: LoadedTask) -> bool:
        """Say whether other versions of the task's packages are here already."""
        return self._claims.conflict(task.manifest) is not None

    async def start(self, machines: Machines, memory_bytes: int) -> None:
        """Start it.

        Raises:
            HostError: As :meth:`Machines.start`.
        """
        machine = await machines.start(
            memory_bytes=memory_bytes, receive=self._receive, ended=self._ended_by_itself
        )
        if self.is_over:
            machine.kill()
            raise HostError("worker-lost", "VM: expected to start, got its end meanwhile.")
        self._machine = machine

    async def try_out(self, task: LoadedTask, patience_ms: float) -> None:
        """Install a task's packages and import its code; raises what that failed with.

        Raises:
            VmLostError: The VM ended with it, by itself or because it took too long.
        """
        tried = self._tries.get(task.number) or asyncio.get_running_loop().create_future()
        self._tries[task.number] = tried
        try:
            await self._open(task)
            await patiently(self._clock, tried, patience_ms)
            if not tried.done():
                self.break_off(f"the import of {task.manifest.name} did not end")
            tried.result()
        finally:
            self._tries.pop(task.number, None)

    async def run(self, task: LoadedTask, activation: Activation, context: RunContext) -> JsonValue:
        """Run a task once. Cancelled, it returns when the code has ended, or the VM was.

        Raises:
            VmLostError: The VM ended before the run did.
            EdgeError: What the run ended with.
        """
        run_id = activation.run_id
        going = Going(task, activation, context, self._post, lambda: self._flooded(going))
        self._runs[run_id] = going
        self.runs += 1
        try:
            await self._open(task)
            if self.is_over:
                raise VmLostError("it ended before the run began", is_culprit=False)
            budget_ms = context.deadline_ms - self._clock.now_ms()
            when = {"budgetMs": budget_ms, "deadlineMs": context.deadline_ms}
            plain = plain_activation(activation)
            self._post({"do": "run", "task": task.number, "activation": plain, **when})
            await self._over(going)
            self.heap_bytes = context.heap_bytes
            return going.done.result()
        finally:
            del self._runs[run_id]
            if self._stepping == run_id:
                self._stepping = None
            going.stop_answering()

    async def _open(self, task: LoadedTask) -> None:
        """Send the task's code, once; how its import ends the runs will tell."""
        opening = self._opened.get(task.number)
        if opening is None:
            opening = self._opened[task.number] = asyncio.ensure_future(self._send(task))
        try:
            await asyncio.wait([opening])
            opening.result()
        except EdgeError:
            # A package that did not come may come next time.
            self._opened.pop(task.number, None)
            raise

    async def _send(self, task: LoadedTask) -> None:
        wheels = await self._wheels(task)
        there = self._claims.names - self._claims.fresh(task.manifest)
        self._claims.add(task.manifest)
        packages = [
            [name, wheel and wheel.file, wheel and wheel.data]
            for name, wheel in wheels
            if name not in there
        ]
        message = {"do": "open", "task": task.number, "packages": packages}
        brief, files = plain_brief(task.brief()), dict(task.bundle.files)
        self._post({**message, "brief": brief, "files": files})

    def close(self, task: LoadedTask) -> None:
        """Forget a task's code."""
        if self._opened.pop(task.number, None) is not None:
            self._post({"do": "close", "task": task.number})

    def break_off(self, reason: str, culprit: str | None = None) -> None:
        """End it as lost, see :meth:`end`."""
        self.is_lost = True
        self.end(reason, culprit)

    def end(self, reason: str, culprit: str | None = None) -> None:
        """End it at once; runs that go on are told, ``culprit`` that it was the cause."""
        if self.is_over:
            return
        self.is_over = True
        if self._machine is not None:
            self._machine.kill()
        for tried in self._tries.values():
            if not tried.done():
                tried.set_exception(VmLostError(reason, is_culprit=True))
        for run_id, going in self._runs.items():
            going.lose(reason, is_culprit=run_id == culprit)
        self._on_end(self)

    async def _over(self, going: Going) -> None:
        try:
            await asyncio.wait([going.done])
        except asyncio.CancelledError:
            await self._let_go(going)
            raise

    async def _let_go(self, going: Going) -> None:
        """Have the run cancelled; one that does not end takes its VM with it."""
        run_id = going.activation.run_id
        self._post({"do": "cancel", "run": run_id})
        while not going.is_over and not self.is_over:
            await patiently(self._clock, going.done, GRACE_MS)
            if not going.is_over and (going.has_heard or self._is_blamed(run_id)):
                if going.is_at_fault(self._clock.now_ms()):
                    going.task.strike()
                self.break_off(f"a run of {going.task.manifest.name} did not end", run_id)

    def _tried(self, message: Mapping[str, Any]) -> None:
        tried = self._tries.get(message["task"])
        if tried is None or tried.done():
            return
        if message["error"] is None:
            tried.set_result(None)
        else:
            tried.set_exception(error_of("", message["error"]))

    def _flooded(self, going: Going) -> None:
        going.task.strike()
        reason = "a run asked without end and waited for no answer"
        self.break_off(reason, going.activation.run_id)

    def _is_blamed(self, run_id: str) -> bool:
        """Say whether it is this run whose code is at it; another one has its own deadline."""
        # Where none has told of a step, only the first one was alone when it began.
        at = next(iter(self._runs)) if self._stepping is None else self._stepping
        other = self._runs.get(at)
        return at == run_id or other is None or other.is_over

    def _ended_by_itself(self, reason: str) -> None:
        running = [run_id for run_id, going in self._runs.items() if not going.is_over]
        culprit = running[0] if len(running) == 1 else self._stepping
        if culprit in self._runs:
            self._runs[culprit].task.strike()
        self.break_off(reason, culprit)

    def _receive(self, text: str, buffers: Sequence[Buffer]) -> None:
        # A task that got hold of the port may send anything.
        try:
            message: Any = join(text, buffers)
            going = self._runs.get(message["run"])
            if message["do"] == "step":
                self._stepping = message["run"]  # Of no run: an import.
            elif message["do"] == "opened":
                self._stepping = self._stepping or None
                self._tried(message)
            elif message["do"] == "log" and message["run"] == "":
                self._say(str(message["level"]), str(message["message"]), str(message["task"]))
            elif going is not None and not going.is_over:
                going.take(message)
        except (ArithmeticError, KeyError, TypeError, ValueError) as error:
            self.break_off(f"it sent what is no message ({error})")

    def _post(self, message: Mapping[str, JsonValue]) -> None:
        if self._machine is not None and not self.is_over:
            self._machine.post(*split(message))
