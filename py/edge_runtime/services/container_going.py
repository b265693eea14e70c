"""One run in a VM, as the core sees it: its asks are answered, its outcome is taken once."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, Final

from ..errors import EdgeError, HostError, TaskError
from ..host.ports import Clock
from ..pure.vm_messages import error_of
from ..types import Activation, JsonValue
from .container_asks import answer_of
from .container_context import RunContext
from .container_task import LoadedTask

ASKS_AT_ONCE: Final = 1_000
"""A run that asks more than this before it hears an answer has lost its mind."""


class VmLostError(Exception):
    """The VM ended; ``is_culprit`` says whether this run was the cause, as far as can be told."""

    def __init__(self, reason: str, *, is_culprit: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.is_culprit = is_culprit


class Going:
    """A run that goes on.

    Args:
        task: Its task.
        activation: Why it runs.
        context: What it may ask for.
        post: Sends a message to its VM.
        flooded: Called when it asks more than anybody could answer.

    Attributes:
        done: What it returned; a VmLostError when the VM ended first.
        has_heard: It knows that it is cancelled.
    """

    def __init__(
        self,
        task: LoadedTask,
        activation: Activation,
        context: RunContext,
        post: Callable[[Mapping[str, JsonValue]], None],
        flooded: Callable[[], None],
    ) -> None:
        self.task = task
        self.activation = activation
        self.context = context
        self.done: asyncio.Future[JsonValue] = asyncio.get_running_loop().create_future()
        self.has_heard = False
        self._post = post
        self._flooded = flooded
        self._asks: set[asyncio.Task[None]] = set()

    @property
    def is_over(self) -> bool:
        """Whether its outcome is known."""
        return self.done.done()

    def is_at_fault(self, now_ms: float) -> bool:
        """Say whether it should have ended; who is merely busy when somebody cancels it is not."""
        return self.has_heard or self.context.deadline_ms <= now_ms

    def take(self, message: Mapping[str, Any]) -> None:
        """Take a message of its VM about it.

        Raises:
            KeyError, TypeError, ValueError: It is none that a VM sends.
        """
        match message["do"]:
            case "done":
                self._finish(message)
            case "ask":
                self._ask(message)
            case "heard":
                self.has_heard = True
            case "log":
                with suppress(EdgeError):  # Of a run that has ended nobody hears any more.
                    self.context.log(message["message"], message["level"])

    def lose(self, reason: str, *, is_culprit: bool) -> None:
        """Take in that its VM has ended."""
        if not self.is_over:
            self.done.set_exception(VmLostError(reason, is_culprit=is_culprit))
            self.done.exception()  # Whoever was cancelled does not look.

    def stop_answering(self) -> None:
        """End what it asked for."""
        for ask in self._asks:
            ask.cancel()

    def _finish(self, message: Mapping[str, Any]) -> None:
        name = self.task.manifest.name
        context = self.context
        # As whole microseconds: what is no number of them is refused.
        context.cpu_ms = int(message["cpuMs"] * 1_000) / 1_000
        context.heap_bytes = int(message["heapBytes"])
        if "value" in message:
            self.done.set_result(message["value"])
            return
        error: EdgeError = error_of(name, message.get("error"))
        if message.get("cancelled"):
            text = f"run of {name}: expected to end by itself, got cancelled inside its VM."
            error = TaskError("task-raised", text)
        self.done.set_exception(error)
        self.done.exception()

    def _ask(self, message: Mapping[str, Any]) -> None:
        if len(self._asks) >= ASKS_AT_ONCE:
            self._flooded()
            return
        asking = asyncio.create_task(self._answer(message["ask"], message))
        self._asks.add(asking)
        asking.add_done_callback(self._asks.discard)

    async def _answer(self, number: Any, message: Mapping[str, Any]) -> None:
        answer = {"do": "answer", "ask": number}
        method = message.get("method")
        try:
            value = await answer_of(self.context, method, message["given"])
            self._post({**answer, "value": value})
        except EdgeError as error:
            self._post({**answer, "error": error.to_dict()})
        except Exception as error:  # What a task passes is not to end anything but its own run.
            text = f"ctx.{method}: expected other arguments, got {error!r}."
            self._post({**answer, "error": TaskError("task-raised", text).to_dict()})


async def patiently(clock: Clock, done: "asyncio.Future[Any]", patience_ms: float) -> None:
    """Return when something is done, or after a while.

    A thread that was held up finds the time over and the message that it is done at once; it reads
    the message first.
    """
    patience = asyncio.create_task(clock.sleep_ms(patience_ms))
    waiting: list[asyncio.Future[Any]] = [done, patience]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        patience.cancel()
    if not done.done():
        await clock.sleep_ms(0)


def crashed(task: LoadedTask, lost: VmLostError) -> TaskError:
    """Say that the VM ended because of the run."""
    name = task.manifest.name
    return TaskError(
        "task-crashed",
        f"run of {name}: expected its VM to live, got its end ({lost.reason}). Another VM serves "
        "the next runs: look at what the task does to the interpreter.",
        {"taskName": name, "reason": lost.reason},
    )


def lost_again(task: LoadedTask, lost: VmLostError) -> EdgeError:
    """Say that the second VM of a run ended, too."""
    if lost.is_culprit:
        return crashed(task, lost)
    return HostError(
        "worker-lost",
        f"run of {task.manifest.name}: expected a VM to live as long as it, got the end of two "
        f"({lost.reason}). It may have had effects: try again.",
        {"reason": lost.reason},
    )
