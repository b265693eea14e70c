"""Notes what becomes of every run: asked for, refused, begun, calling, returned, settled."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from ..errors import EdgeError
from ..host.ports import Clock
from ..pure.trace import Journal
from ..types import Activation, JsonValue, Priority

CallT = TypeVar("CallT")
Told = Callable[[Any], None]


@dataclass(slots=True)
class _Timeline:
    """A run whose code has begun: since when, and how much of that it waited for its calls."""

    began_ms: float
    pending: int = 0
    waits_since_ms: float = 0.0
    waited_ms: float = 0.0

    def asks(self, now_ms: float) -> None:
        """Take in that it made a call."""
        if not self.pending:
            self.waits_since_ms = now_ms
        self.pending += 1

    def answered(self, now_ms: float) -> None:
        """Take in that a call of it is over."""
        self.pending -= 1
        if not self.pending:
            self.waited_ms += now_ms - self.waits_since_ms

    def own_ms(self, now_ms: float) -> float:
        """Return the time it did not wait for calls."""
        waits_ms = now_ms - self.waits_since_ms if self.pending else 0.0
        return now_ms - self.began_ms - self.waited_ms - waits_ms


class RunJournal:
    """Stands between what starts runs, the scheduler and the container.

    Args:
        journal: Gets the lines.
        clock: Measures.
        run: Takes a task, its activation and what else a container needs.
        call: Takes a run, the name of the task that its code calls, and data.
    """

    def __init__(
        self,
        journal: Journal,
        clock: Clock,
        run: Callable[..., Awaitable[Any]],
        call: Callable[..., Awaitable[Any]],
    ) -> None:
        self._journal = journal
        self._clock = clock
        self._run = run
        self._call = call
        self._going: dict[tuple[str, str], _Timeline] = {}

    def submit(
        self,
        activation: Activation,
        queue: Priority,
        submit: Callable[[Told], CallT],
        told: Told | None,
    ) -> CallT:
        """Submit a run; returns and raises what ``submit`` does.

        Args:
            activation: The run's request.
            queue: The line it waits in.
            submit: Takes what is to be told the outcome, a value or an error.
            told: Who else is to be told.
        """
        whose = _whose(activation)
        trigger = activation.trigger.value
        self._journal.note("activation", **whose, queue=queue.value, trigger=trigger)
        try:
            return submit(partial(self._settled, activation, told))
        except EdgeError as error:
            self._journal.note("refusal", **whose, ended=error.code)
            raise

    async def run(self, task: object, activation: Activation, *rest: object) -> Any:
        """Run ``task`` once; returns and raises what the container does."""
        self._journal.note("begin", **_whose(activation))
        began = _Timeline(self._clock.monotonic_ms())
        self._going[activation.task_name, activation.run_id] = began
        try:
            completion = await self._run(task, activation, *rest)
        except EdgeError as error:
            self._returned(activation, began, error.code)
            raise
        except asyncio.CancelledError:
            self._returned(activation, began, "cancelled")
            raise
        self._returned(activation, began, "ok")
        return completion

    async def call(self, caller: Any, task_name: str, ext_data: Mapping[str, JsonValue]) -> Any:
        """Run a task for the code of the run ``caller``; returns and raises what ``call`` does.

        A line says when that was, by the caller's own time, which stands still while it waits.
        """
        timeline = self._going[caller.task, caller.job.run_id]
        now_ms = self._clock.monotonic_ms()
        beside = {"beside": True} if timeline.pending else {}
        timeline.asks(now_ms)
        offset_ms = round(timeline.own_ms(now_ms), 3)
        whose = {"task": caller.task, "runId": caller.job.run_id}
        # Text, whatever the code passed: it is refused behind this.
        self._journal.note("call", **whose, callee=str(task_name), offsetMs=offset_ms, **beside)
        try:
            return await self._call(caller, task_name, ext_data)
        finally:
            timeline.answered(self._clock.monotonic_ms())

    def _returned(self, activation: Activation, began: _Timeline, ended: str) -> None:
        self._going.pop((activation.task_name, activation.run_id), None)
        now_ms = self._clock.monotonic_ms()
        run_ms, own_ms = round(now_ms - began.began_ms, 3), round(began.own_ms(now_ms), 3)
        more: dict[str, JsonValue] = {} if own_ms == run_ms else {"ownMs": own_ms}
        if ended != "cancelled" and _is_cancelled():
            more["deaf"] = True
        self._journal.note("run", **_whose(activation), runMs=run_ms, ended=ended, **more)

    def _settled(self, activation: Activation, told: Told | None, outcome: object) -> None:
        ended = outcome.code if isinstance(outcome, EdgeError) else "ok"
        if isinstance(outcome, BaseException) and ended == "ok":
            ended = "cancelled"
        self._journal.note("settled", **_whose(activation), ended=ended)
        if told is not None:
            told(outcome)


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _whose(activation: Activation) -> dict[str, str]:
    return {"task": activation.task_name, "runId": activation.run_id}
