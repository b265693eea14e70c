"""What is noted of a run: asked for, refused, begun, returned, settled."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from edge_runtime.errors import RefusedError, TaskError
from edge_runtime.services.run_journal import RunJournal
from edge_runtime.services.scheduler_run import Job
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import Activation, Priority, TriggerKind

ACTIVATION = Activation("Rank-e1", "Rank", TriggerKind.EVENT, 5.0)


class Notes:
    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def note(self, kind: str, **fields: Any) -> None:
        assert (fields.pop("task"), fields.pop("runId")) == ("Rank", "Rank-e1")
        self.lines.append((kind, fields))


def returned(code: Callable[[ManualClock], Any], cancel_at_ms: float | None = None) -> Any:
    """Run ``code`` for 100 ms and return what is noted of its end."""

    async def play() -> Any:
        clock, notes = ManualClock(), Notes()

        async def run(_task: object, _activation: Activation, lease: str) -> str:
            assert lease == "lease"
            await code(clock)
            return "value"

        journal = RunJournal(notes, clock, run, _never)
        running = asyncio.create_task(journal.run(None, ACTIVATION, "lease"))
        if cancel_at_ms is not None:
            await clock.advance(cancel_at_ms)
            running.cancel()
        await clock.advance(100)
        await asyncio.gather(running, return_exceptions=True)
        (begin, end) = notes.lines
        assert begin == ("begin", {}) and end[0] == "run"
        return end[1]

    return asyncio.run(play())


def test_a_return_is_noted_with_what_the_code_took() -> None:
    assert returned(lambda clock: clock.sleep_ms(12)) == {"runMs": 12, "ended": "ok"}


def test_an_error_is_noted_by_its_code() -> None:
    async def fail(_clock: ManualClock) -> None:
        raise TaskError("task-raised", "as tested")

    assert returned(fail) == {"runMs": 0, "ended": "task-raised"}


def test_a_cancelled_run_and_one_deaf_to_it_are_told_apart() -> None:
    async def deaf(clock: ManualClock) -> None:
        try:
            await clock.sleep_ms(50)
        except asyncio.CancelledError:
            await clock.sleep_ms(20)

    obedient = returned(lambda clock: clock.sleep_ms(50), cancel_at_ms=10)
    assert obedient == {"runMs": 10, "ended": "cancelled"}
    assert returned(deaf, cancel_at_ms=10) == {"runMs": 30, "ended": "ok", "deaf": True}


class Caller:
    """A run that calls others."""

    task = "Rank"

    def __init__(self) -> None:
        self.job = Job("Rank", _never, Priority.CORE, 1_000, run_id="Rank-e1")


def test_calls_are_noted_by_the_callers_own_time_which_stands_still_while_it_waits() -> None:
    async def play() -> list[tuple[str, dict[str, Any]]]:
        clock, notes = ManualClock(), Notes()

        async def call(_caller: object, task_name: str, ext_data: Any) -> str:
            await clock.sleep_ms(ext_data["ms"])
            if task_name == "Fails":
                raise TaskError("task-raised", "as tested")
            return task_name

        async def run(_task: object, _activation: Activation) -> Any:
            await clock.sleep_ms(3)
            assert await journal.call(Caller(), "One", {"ms": 10}) == "One"
            await clock.sleep_ms(4)
            together = [journal.call(Caller(), "Two", {"ms": ms}) for ms in (5, 8)]
            await asyncio.gather(*together)
            with pytest.raises(TaskError):
                await journal.call(Caller(), "Fails", {"ms": 1})
            await journal.call(Caller(), ("no", "name"), {"ms": 0})  # type: ignore[arg-type]
            await clock.sleep_ms(2)

        journal = RunJournal(notes, clock, run, call)
        running = asyncio.create_task(journal.run(None, ACTIVATION))
        await clock.advance(100)
        await running
        return notes.lines[1:]

    *calls, (kind, ended) = asyncio.run(play())

    assert [fields for _, fields in calls] == [
        {"callee": "One", "offsetMs": 3},
        {"callee": "Two", "offsetMs": 7},
        {"callee": "Two", "offsetMs": 7, "beside": True},
        {"callee": "Fails", "offsetMs": 7},
        {"callee": "('no', 'name')", "offsetMs": 7},
    ]
    assert (kind, ended) == ("run", {"runMs": 28, "ended": "ok", "ownMs": 9})


@pytest.mark.parametrize(
    ("outcome", "ended"),
    [
        ("a value", "ok"),
        (RefusedError("queue-full", "as tested"), "queue-full"),
        (asyncio.CancelledError(), "cancelled"),
    ],
)
def test_who_asked_is_told_after_it_is_noted(outcome: object, ended: str) -> None:
    notes, told = Notes(), []
    journal = RunJournal(notes, ManualClock(), _never, _never)

    journal.submit(ACTIVATION, Priority.LOW, lambda tell: tell(outcome), told.append)

    assert notes.lines == [
        ("activation", {"queue": "low", "trigger": "event"}),
        ("settled", {"ended": ended}),
    ]
    assert told == [outcome]


def test_a_refusal_is_noted_and_raised() -> None:
    notes = Notes()
    journal = RunJournal(notes, ManualClock(), _never, _never)

    def refuse(_tell: object) -> None:
        raise RefusedError("queue-full", "as tested")

    with pytest.raises(RefusedError):
        journal.submit(ACTIVATION, Priority.CORE, refuse, None)
    assert notes.lines[1] == ("refusal", {"ended": "queue-full"})


async def _never(*_: object) -> None:
    await settle()
