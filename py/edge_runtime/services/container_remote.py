"""One VM worker as the core sees it: tasks opened in it, runs going on, what they ask."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Final

from ..errors import EdgeError, HostError, TaskError
from ..host.ports import Clock
from ..host.ports.machines import Buffer, Machine, Machines, Wheel
from ..pure.plain import join, split
from ..pure.vm_messages import error_of, plain_activation
from ..types import Activation, JsonValue
from .container_asks import answer_of
from .container_context import RunContext
from .container_task import LoadedTask, plain_brief

GRACE_MS: Final = 300
"""How long code may go on behind its deadline before its VM is ended."""

ASKS_AT_ONCE: Final = 1_000
"""A run that asks more than this before it hears an answer has lost its mind."""

Wheels = Callable[[LoadedTask], Awaitable[Sequence[tuple[str, Wheel | None]]]]
"""Brings the packages of a task: names, and the files of those that have one."""


class VmLostError(Exception):
    """The VM ended; ``is_culprit`` says whether this run was the cause, as far as can be told."""

    def __init__(self, reason: str, *, is_culprit: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_culprit = is_culprit


@dataclass(frozen=True, slots=True)
class Done:
    """What a run returned, what it computed, ms, and its VM's heap behind it."""

    value: JsonValue
    cpu_ms: float
    heap_bytes: int


@dataclass(eq=False, slots=True)
class _Going:
    task: LoadedTask
    activation: Activation
    context: RunContext
    done: "asyncio.Future[Done]"
    asks: "set[asyncio.Task[None]]" = field(default_factory=set)
    has_heard: bool = False


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
        self._runs: dict[str, _Going] = {}
        self._opened: dict[int, asyncio.Future[None]] = {}
        self._stepping: str | None = None
        self.is_over = False
        self.is_lost = False
        self.runs = 0
        self.heap_bytes = 0

    @property
    def load(self) -> int:
        """Return how many runs go on."""
        return len(self._runs)

    def knows(self, task: LoadedTask) -> bool:
        """Say whether the task's code is here already."""
        return task.number in self._opened

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

    async def run(self, task: LoadedTask, activation: Activation, context: RunContext) -> Done:
        """Run a task once. Cancelled, it returns when the code has ended, or the VM was.

        Raises:
            VmLostError: The VM ended before the run did.
            EdgeError: What the run ended with.
        """
        done: asyncio.Future[Done] = asyncio.get_running_loop().create_future()
        going = self._runs[activation.run_id] = _Going(task, activation, context, done)
        self.runs += 1
        try:
            await self._open(task)
            if self.is_over:
                raise VmLostError("it ended before the run began", is_culprit=False)
            budget_ms = context.deadline_ms - self._clock.now_ms()
            self._post(
                {
                    "do": "run",
                    "task": task.number,
                    "activation": plain_activation(activation),
                    "budgetMs": budget_ms,
                    "deadlineMs": context.deadline_ms,
                }
            )
            return await asyncio.shield(done)
        except asyncio.CancelledError:
            await self._let_go(going)
            raise
        finally:
            del self._runs[activation.run_id]
            if self._stepping == activation.run_id:
                self._stepping = None
            for ask in going.asks:
                ask.cancel()

    async def _open(self, task: LoadedTask) -> None:
        """Send the task's code, once; how its import ends the runs will tell."""
        opening = self._opened.get(task.number)
        if opening is None:
            opening = self._opened[task.number] = asyncio.ensure_future(self._send(task))
        try:
            await asyncio.shield(opening)
        except EdgeError:
            # A package that did not come may come next time.
            self._opened.pop(task.number, None)
            raise

    async def _send(self, task: LoadedTask) -> None:
        packages = [
            [name, wheel and wheel.file, wheel and wheel.data]
            for name, wheel in await self._wheels(task)
        ]
        message = {"do": "open", "task": task.number, "packages": packages}
        brief, files = plain_brief(task.brief()), dict(task.bundle.files)
        self._post({**message, "brief": brief, "files": files})

    def close(self, task: LoadedTask) -> None:
        """Forget a task's code."""
        if self._opened.pop(task.number, None) is not None:
            self._post({"do": "close", "task": task.number})

    def end(self, reason: str, culprit: str | None = None) -> None:
        """End it at once; runs that go on are told, ``culprit`` that it was the cause."""
        if self.is_over:
            return
        self.is_over = True
        self.is_lost |= culprit is not None
        if self._machine is not None:
            self._machine.kill()
        for run_id, going in self._runs.items():
            if not going.done.done():
                going.done.set_exception(VmLostError(reason, is_culprit=run_id == culprit))
                going.done.exception()  # Whoever was cancelled does not look.
        self._on_end(self)

    async def _let_go(self, going: _Going) -> None:
        """Have the run cancelled; one that does not end takes its VM with it."""
        run_id = going.activation.run_id
        self._post({"do": "cancel", "run": run_id})
        while not going.done.done() and not self.is_over:
            patience = asyncio.create_task(self._clock.sleep_ms(GRACE_MS))
            waiting: list[asyncio.Future[Any]] = [going.done, patience]
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            patience.cancel()
            if not going.done.done() and (going.has_heard or self._is_blamed(run_id)):
                going.task.strikes += 1
                self.end(f"a run of {going.task.manifest.name} did not end", run_id)

    def _is_blamed(self, run_id: str) -> bool:
        """Say whether it is this run whose code is at it; another one has its own deadline."""
        other = self._runs.get(self._stepping) if self._stepping not in (None, run_id) else None
        return other is None or other.done.done()

    def _ended_by_itself(self, reason: str) -> None:
        running = [run_id for run_id, going in self._runs.items() if not going.done.done()]
        culprit = running[0] if len(running) == 1 else self._stepping
        if culprit in self._runs:
            self._runs[culprit].task.strikes += 1
        self.is_lost = True
        self.end(reason, culprit)

    def _receive(self, text: str, buffers: Sequence[Buffer]) -> None:
        # A task that got hold of the port may send anything.
        try:
            message: Any = join(text, buffers)
            going = self._runs.get(message["run"])
            if message["do"] == "log" and message["run"] == "":
                self._say(str(message["level"]), str(message["message"]), str(message["task"]))
            elif going is not None and not going.done.done():
                self._take(going, message)
        except (KeyError, TypeError, ValueError) as error:
            self.end(f"it sent what is no message ({error})")

    def _take(self, going: _Going, message: Mapping[str, Any]) -> None:
        match message["do"]:
            case "done":
                self._finish(going, message)
            case "ask":
                self._ask(going, message)
            case "heard":
                going.has_heard = True
            case "step":
                self._stepping = going.activation.run_id
            case "log":
                with suppress(EdgeError):  # Of a run that has ended nobody hears any more.
                    going.context.log(message["message"], message["level"])

    def _finish(self, going: _Going, message: Mapping[str, Any]) -> None:
        self.heap_bytes = int(message.get("heapBytes", 0))
        name = going.task.manifest.name
        if "value" in message:
            cpu_ms = float(message.get("cpuMs", 0.0))
            going.done.set_result(Done(message["value"], cpu_ms, self.heap_bytes))
        elif message.get("cancelled"):
            text = f"run of {name}: expected to end by itself, got cancelled inside its VM."
            going.done.set_exception(TaskError("task-raised", text))
        else:
            going.done.set_exception(error_of(name, message.get("error")))
        going.done.exception()  # Whoever was cancelled does not look.

    def _ask(self, going: _Going, message: Mapping[str, Any]) -> None:
        run_id = going.activation.run_id
        if len(going.asks) >= ASKS_AT_ONCE:
            going.task.strikes += 1
            self.end(f"a run asked {ASKS_AT_ONCE} times without an answer", run_id)
            return
        asking = asyncio.create_task(self._answer(going.context, message))
        going.asks.add(asking)
        asking.add_done_callback(going.asks.discard)

    async def _answer(self, context: RunContext, message: Mapping[str, Any]) -> None:
        answer = {"do": "answer", "ask": message["ask"]}
        try:
            value = await answer_of(context, message["method"], message["given"])
            self._post({**answer, "value": value})
        except EdgeError as error:
            self._post({**answer, "error": error.to_dict()})
        except Exception as error:  # What a task passes is not to end anything but its own run.
            text = f"ctx.{message['method']}: expected other arguments, got {error!r}."
            self._post({**answer, "error": TaskError("task-raised", text).to_dict()})

    def _post(self, message: Mapping[str, JsonValue]) -> None:
        if self._machine is not None and not self.is_over:
            self._machine.post(*split(message))
