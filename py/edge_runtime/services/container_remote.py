"""One VM worker as the core sees it: tasks opened in it, runs going on, what they ask."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from ..errors import HostError
from ..host.ports import Clock
from ..host.ports.machines import Buffer, Machine, Machines
from ..pure.plain import join, split
from ..pure.vm_messages import plain_activation
from ..types import Activation, JsonValue
from .container_context import RunContext
from .container_going import Going, VmLostError, patiently
from .container_openings import Opening, Openings, Wheels
from .container_task import LoadedTask

GRACE_MS: Final = 300
"""How long code may go on behind its deadline before its VM is ended."""
PACKAGES_MS: Final = 30_000
"""How long a VM may take to install a task's packages."""


class RemoteVm:
    """One VM.

    Attributes:
        is_over: It has ended.
        is_lost: It did so by itself, or because of a run.
        runs: How many it has taken.
        heap_bytes: Its heap behind the latest one.

    Args:
        clock: Measures patience.
        wheels, say: As for :class:`Openings`.
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
        self._on_end = ended
        self._machine: Machine | None = None
        self._openings = Openings(wheels, self._post, say)
        self._watching: set[asyncio.Task[None]] = set()
        self._runs: dict[str, Going] = {}
        self._stepping: tuple[str, str] | None = None
        self._tries = 0
        self.knows, self.refuses = self._openings.knows, self._openings.refuses
        self.close = self._openings.close
        self.is_over = False
        self.is_lost = False
        self.runs = 0
        self.heap_bytes = 0

    @property
    def load(self) -> int:
        """Return how many runs go on, and imports that are tried."""
        return len(self._runs) + self._tries

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

    async def try_out(self, task: LoadedTask) -> None:
        """Install a task's packages and import its code; raises what that failed with.

        Raises:
            VmLostError: The VM ended first, by itself or because that took too long.
        """
        self._tries += 1
        try:
            opening = await self._open(task)
            await asyncio.wait([opening.imported])
            opening.imported.result()
        finally:
            self._tries -= 1

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
            budget_ms = context.deadline_ms - self._clock.now_ms()
            when = {"budgetMs": budget_ms, "deadlineMs": context.deadline_ms}
            plain = plain_activation(activation)
            self._post({"do": "run", "task": task.number, "activation": plain, **when})
            await self._over(going)
            self.heap_bytes = context.heap_bytes
            return going.done.result()
        finally:
            del self._runs[run_id]
            if self._stepping is not None and self._stepping[0] == run_id:
                self._stepping = None
            going.stop_answering()

    async def _open(self, task: LoadedTask) -> Opening:
        """Send the task's code, once; how its import ends the runs will tell."""
        opening, is_fresh = self._openings.of(task)
        if is_fresh:
            watching = asyncio.create_task(self._watch(opening))
            self._watching.add(watching)
            watching.add_done_callback(self._watching.discard)
        await asyncio.wait([opening.sent])
        opening.sent.result()
        if self.is_over:
            raise VmLostError("it ended before the code was there", is_culprit=False)
        return opening

    async def _watch(self, opening: Opening) -> None:
        """End the VM if an import does not, whoever waits for it still."""
        await asyncio.wait([opening.sent])
        if opening.sent.exception():
            return
        manifest = opening.task.manifest
        patience_ms = manifest.timeout_ms + (PACKAGES_MS if manifest.packages else 0)
        await patiently(self._clock, opening.imported, patience_ms)
        while not (opening.imported.done() or self.is_over):
            await patiently(self._clock, opening.imported, GRACE_MS)
            at = self._at_it()
            is_anothers = isinstance(at, Going) and not at.is_over
            if not opening.imported.done() and not is_anothers:
                opening.task.strike()
                self.break_off(f"the import of {manifest.name} did not end", opening)

    def break_off(self, reason: str, culprit: Going | Opening | None = None) -> None:
        """End it as lost, see :meth:`end`."""
        self.is_lost = True
        self.end(reason, culprit)

    def end(self, reason: str, culprit: Going | Opening | None = None) -> None:
        """End it at once; who waits for it is told, ``culprit`` that it was the cause."""
        if self.is_over:
            return
        self.is_over = True
        if self._machine is not None:
            self._machine.kill()
        for watching in self._watching:
            watching.cancel()
        for opening in self._openings:
            opening.fail(VmLostError(reason, is_culprit=opening is culprit))
        for going in self._runs.values():
            # A run needs its import, whatever another run of its task does.
            needs = isinstance(culprit, Opening) and culprit.task is going.task
            going.lose(reason, is_culprit=going is culprit or needs)
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
            if not going.is_over and (going.has_heard or self._is_blamed(going)):
                if going.is_at_fault(self._clock.now_ms()):
                    going.task.strike()
                self.break_off(f"a run of {going.task.manifest.name} did not end", going)

    def _flooded(self, going: Going) -> None:
        going.task.strike()
        reason = "a run asked without end and waited for no answer"
        self.break_off(reason, going)

    def _at_it(self) -> Going | Opening | None:
        """Return whose code is at it: a run's, or a task's that is imported."""
        if self._stepping is None:
            # Where none has told of a step, only the first one was alone when it began.
            return next(iter(self._runs.values()), None)
        run_id, task_name = self._stepping
        return self._runs.get(run_id) if run_id else self._openings.named(task_name)

    def _is_blamed(self, going: Going) -> bool:
        """Say whether it is this run whose code is at it; another one has its own deadline."""
        at = self._at_it()
        if isinstance(at, Opening):
            return at.task is going.task
        return at is None or at is going or at.is_over

    def _ended_by_itself(self, reason: str) -> None:
        running = [going for going in self._runs.values() if not going.is_over]
        at = self._at_it() if self._stepping or len(running) == 1 else None
        if isinstance(at, Going) and at.is_over:
            at = running[0] if len(running) == 1 else None
        if at is not None:
            at.task.strike()
        self.break_off(reason, at)

    def _receive(self, text: str, buffers: Sequence[Buffer]) -> None:
        # A task that got hold of the port may send anything.
        try:
            self._take(join(text, buffers))
        except (ArithmeticError, LookupError, MemoryError, TypeError, ValueError) as error:
            self._ended_by_itself(f"it sent what is no message ({error})")

    def _take(self, message: Any) -> None:
        run_id, going = message["run"], self._runs.get(message["run"])
        if message["do"] == "step":
            self._stepping = run_id, str(message["task"])
        elif message["do"] == "opened":
            # An import is over, and perhaps the step of a run that came behind it.
            if self._stepping is not None and not self._stepping[0]:
                self._stepping = None
            self._openings.told(message["task"], message["error"])
        elif message["do"] == "spoilt":
            self._spoilt(str(message["task"]))
        elif message["do"] == "log" and run_id == "":
            self._openings.said(message["task"], message["level"], message["message"])
        elif going is not None and not going.is_over:
            going.take(message)

    def _spoilt(self, task_name: str) -> None:
        opening = self._openings.named(task_name)
        if opening is not None:
            opening.task.strike()
        self.break_off(f"{task_name or 'a task'} left it unusable for others")

    def _post(self, message: Mapping[str, JsonValue]) -> None:
        if self._machine is not None and not self.is_over:
            self._machine.post(*split(message))
