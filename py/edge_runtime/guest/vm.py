"""The inside of a VM worker: takes the core's messages, runs tasks, tells how they ended."""

import asyncio
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from ..errors import EdgeError, HostError, TaskError
from ..host.ports.machines import Interpreter, Wheel
from ..pure.plain import join, split
from ..pure.vm_messages import activation_of, error_of
from ..types import JsonValue
from .asking import AskingContext
from .pace import Budget
from .pristine import clear_folder, pristine_of
from .room import Brief, Room, Tenant

Post = Callable[[str, Sequence[Any]], None]


class Vm:
    """Tasks in this interpreter, for a core elsewhere.

    Args:
        interpreter: Watches deadlines, knows the heap, installs packages.
        post: Sends a message: JSON text and buffers.
        folder: Where tasks keep files; emptied for a run that has the VM to itself. None: nothing
            is emptied.
    """

    def __init__(self, interpreter: Interpreter, post: Post, folder: str | None = None) -> None:
        self._interpreter = interpreter
        self._post = post
        self._folder = folder
        self._pristine = pristine_of(interpreter, AskingContext)
        self._room = Room(interpreter, self._tell_log, self._tell_step, self._pristine.learn)
        self._tenants: dict[int, asyncio.Task[Tenant]] = {}
        self._messages: dict[int, Mapping[str, Any]] = {}
        self._runs: dict[str, asyncio.Task[None]] = {}
        self._asks: dict[int, asyncio.Future[Any]] = {}
        self._numbers = itertools.count(1)
        self._latest = 0

    def take_over(self) -> None:
        """Make the whole interpreter this VM's: streams, logging, and tasks that runs start."""
        self._room.output.install()
        self._room.pace.follow(asyncio.get_running_loop())

    def abandon(self) -> None:
        """Let every run end; nobody is told."""
        self._post = _unheard
        for run in [*self._runs.values(), *self._tenants.values()]:
            run.cancel()

    def take(self, text: str, buffers: Sequence[Any]) -> None:
        """Take a message of the core."""
        message = self._read(text, buffers)
        match message["do"]:
            case "run":
                self._start(message)
            case "answer":
                self._answered(message)
            case "cancel":
                self._cancel(message["run"])
            case "open":
                self._open(message)
            case "close":
                self._close(message["task"])

    def _read(self, text: str, buffers: Sequence[Any]) -> Any:
        try:
            message: Any = join(text, buffers)
            message["do"]
        # A task has changed what this goes by: the next one is not to suffer.
        except Exception:
            self._restore()
            message = join(text, buffers)
        return message

    def _open(self, message: Mapping[str, Any]) -> None:
        number = message["task"]
        brief = Brief(**message["brief"])
        self._messages[number] = message
        opening = self._opened(number, brief, message["files"], message["packages"])
        self._tenants[number] = asyncio.create_task(opening)
        # Each run that needs it hears of its failure by itself.
        self._tenants[number].add_done_callback(lambda done: self._tell_opened(number, done))

    async def _opened(
        self, number: int, brief: Brief, files: Mapping[str, bytes], packages: list[Any]
    ) -> Tenant:
        while packages:
            self._restore()
            name, file, data = packages[0]
            await self._interpreter.install(name, None if file is None else Wheel(file, data))
            del packages[0]
        # What its import takes from the library a task keeps.
        self._turn_to(number)
        return await self._room.open(brief, files)

    def _close(self, number: int) -> None:
        self._messages.pop(number, None)
        opening = self._tenants.pop(number, None)
        if opening is not None and opening.done() and not opening.exception():
            self._room.close(opening.result())

    def _start(self, message: Mapping[str, Any]) -> None:
        run_id = message["activation"]["runId"]
        self._runs[run_id] = asyncio.create_task(self._run(message))

    def _cancel(self, run_id: str) -> None:
        run = self._runs.get(run_id)
        if run is not None:
            run.cancel()
            # Whoever is blocked by another run's code does not say this.
            self._tell({"do": "heard", "run": run_id})

    async def _run(self, message: Mapping[str, Any]) -> None:
        activation, number = activation_of(message["activation"]), message["task"]
        run_id, pace = activation.run_id, self._room.pace
        budget = Budget(run_id, activation.task_name, pace.now_ms() + message["budgetMs"])
        context = AskingContext(
            activation,
            self._messages[number]["files"],
            self._ask,
            lambda level, text: self._tell_log(level, text, activation.task_name, run_id),
            pace,
            budget,
            message["deadlineMs"],
        )
        outcome: dict[str, JsonValue] = {"error": None}
        try:
            tenant = await self._tenant(number)
            self._tidy(number)
            value = await self._room.run(tenant, activation, context, budget)
            outcome = {"value": value}
        except asyncio.CancelledError:
            outcome = {"cancelled": True}
        except EdgeError as error:
            outcome = {"error": error.to_dict()}
        finally:
            context.end()
            self._runs.pop(run_id, None)
            self._tell_done(activation.task_name, run_id, outcome, budget)

    async def _tenant(self, number: int) -> Tenant:
        if number not in self._tenants:
            self._open(self._messages[number])
        opening = self._tenants[number]
        try:
            return await asyncio.shield(opening)
        except EdgeError:
            # What it failed for may have passed by the next run: too little time, or memory.
            if self._tenants.get(number) is opening:
                del self._tenants[number]
            raise

    def _tidy(self, number: int) -> None:
        """Take away what the task before has left behind."""
        self._turn_to(number)
        if self._folder is not None and len(self._runs) == 1:
            with self._vital():
                clear_folder(self._folder)

    def _turn_to(self, number: int) -> None:
        if number != self._latest:
            self._restore()
            self._latest = number

    def _restore(self) -> None:
        with self._vital():
            self._pristine.restore()

    @contextmanager
    def _vital(self) -> Iterator[None]:
        """Have this VM ended where that fails: what a task has left is not to be another's."""
        try:
            yield
        except Exception as error:
            text = f"VM: expected to put back what tasks changed, got {error!r}. It is replaced."
            name = self._messages.get(self._latest, {"brief": {"name": ""}})["brief"]["name"]
            try:
                self._tell_log("warning", text, name, "")
                self._tell({"do": "spoilt", "run": "", "task": name})
            except Exception:
                # What is no message ends a VM, too.
                self._post("", [])
            raise HostError("worker-lost", text) from error

    def _tell_opened(self, number: int, opening: "asyncio.Task[Tenant]") -> None:
        if opening.cancelled():
            return
        error = opening.exception()
        told = error.to_dict() if isinstance(error, EdgeError) else {} if error else None
        self._tell({"do": "opened", "run": "", "task": number, "error": told})

    def _tell_done(
        self, task_name: str, run_id: str, outcome: dict[str, JsonValue], budget: Budget
    ) -> None:
        used = {"cpuMs": round(budget.cpu_ms, 3), "heapBytes": self._interpreter.heap_bytes()}
        message = {"do": "done", "run": run_id, **outcome, **used}
        try:
            self._tell(message)
        except (TypeError, ValueError, RecursionError) as error:
            text = f"run of {task_name}: expected plain data in its error, got {error}."
            plain = TaskError("task-raised", text).to_dict()
            self._tell({"do": "done", "run": run_id, "error": plain, **used})

    async def _ask(self, run_id: str, method: str, given: JsonValue) -> Any:
        number = next(self._numbers)
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._asks[number] = answer
        try:
            message = {"do": "ask", "run": run_id, "ask": number, "method": method, "given": given}
            self._tell(message)
            return await answer
        finally:
            self._asks.pop(number, None)

    def _answered(self, message: Mapping[str, Any]) -> None:
        answer = self._asks.get(message["ask"])
        if answer is None or answer.done():
            return
        if "error" in message:
            answer.set_exception(error_of("", message["error"]))
        else:
            answer.set_result(message["value"])

    def _tell_log(self, level: str, message: str, task_name: str, run_id: str) -> None:
        about = {"task": task_name, "run": run_id}
        self._tell({"do": "log", "level": level, "message": message, **about})

    def _tell_step(self, budget: Budget) -> None:
        self._tell({"do": "step", "run": budget.run_id, "task": budget.task_name})

    def _tell(self, message: Mapping[str, JsonValue]) -> None:
        self._post(*split(message))


def _unheard(_text: str, _buffers: Sequence[Any]) -> None:
    """Drop what an ended VM says."""
