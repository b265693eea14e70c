"""Notes what becomes of every run: asked for, refused, begun, returned, settled."""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

from ..errors import EdgeError
from ..host.ports import Clock
from ..pure.trace import Journal
from ..types import Activation, Priority

CallT = TypeVar("CallT")
Told = Callable[[Any], None]


class RunJournal:
    """Stands between what starts runs, the scheduler and the container.

    Args:
        journal: Gets the lines.
        clock: Measures.
        run: Takes a task, its activation and what else a container needs.
    """

    def __init__(self, journal: Journal, clock: Clock, run: Callable[..., Awaitable[Any]]) -> None:
        self._journal = journal
        self._clock = clock
        self._run = run

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
        began_ms = self._clock.monotonic_ms()
        try:
            completion = await self._run(task, activation, *rest)
        except EdgeError as error:
            self._returned(activation, began_ms, error.code)
            raise
        except asyncio.CancelledError:
            self._returned(activation, began_ms, "cancelled")
            raise
        self._returned(activation, began_ms, "ok")
        return completion

    def _returned(self, activation: Activation, began_ms: float, ended: str) -> None:
        run_ms = round(self._clock.monotonic_ms() - began_ms, 3)
        deaf = {"deaf": True} if ended != "cancelled" and _is_cancelled() else {}
        self._journal.note("run", **_whose(activation), runMs=run_ms, ended=ended, **deaf)

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
