"""Tasks in one interpreter: what their ends are called."""

import asyncio
import signal
from typing import Any

import pytest
from edge_runtime.errors import TaskError
from edge_runtime.guest.pace import Budget, Pace
from edge_runtime.guest.room import Brief, Room
from edge_runtime.types import Activation, TriggerKind

from .test_pace import Watcher

ACTIVATION = Activation("r1", "Rank", TriggerKind.EVENT, 5.0, None)


async def error_of(source: str, context: Any = None, ahead_ms: float = 60_000) -> TaskError:
    room = Room(Watcher(), lambda *_: None)
    room.pace.follow(asyncio.get_running_loop())
    try:
        tenant = await room.open(Brief("Rank", "main:run"), {"main.py": source.encode()})
        budget = Budget("r1", "Rank", Pace.now_ms() + ahead_ms)
        with pytest.raises(TaskError) as raised:
            await room.run(tenant, ACTIVATION, context, budget)
        return raised.value
    finally:
        room.pace.close()


def test_a_task_that_a_run_awaits_and_that_is_interrupted_makes_the_run_late() -> None:
    source = (
        "import asyncio\n"
        "async def child(ctx):\n    ctx()\n"
        "async def run(ctx, activation):\n    await asyncio.gather(child(ctx))\n"
    )
    interrupt = lambda: signal.raise_signal(signal.SIGINT)  # noqa: E731 - as the watcher would
    error = asyncio.run(error_of(source, interrupt, ahead_ms=-1))
    assert error.code == "task-timeout"


@pytest.mark.parametrize(
    "spoilt",
    [
        "error.code = 'odd'",
        "error.code = []",
        "error.message = object()",
        "error.to_dict = None",
        "error.details = None",
        "for number in range(3_000):\n"
        "        outer = ValueError(number)\n"
        "        outer.__context__, error = error, outer",
        "for number in range(3_000): error = ExceptionGroup('deep', [error])",
    ],
)
def test_whatever_is_raised_becomes_an_error_that_can_be_sent(spoilt: str) -> None:
    source = (
        "from edge_runtime.task import TaskError\n"
        "async def run(ctx, activation):\n"
        f"    error = TaskError('task-raised', 'odd')\n    {spoilt}\n    raise error\n"
    )
    error = asyncio.run(error_of(source))
    assert (error.code, type(error.message)) == ("task-raised", str)
    assert error.details["taskName"] == "Rank"
