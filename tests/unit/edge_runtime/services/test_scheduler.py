"""Runs: order, slots, deadlines, cancellation, pause and stop, on a clock the test moves."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from edge_runtime.config import SchedulerConfig
from edge_runtime.errors import EdgeError, RefusedError, TaskError
from edge_runtime.services.scheduler import STOP_GRACE_MS, Scheduler
from edge_runtime.services.scheduler_run import Job, Run
from edge_runtime.testing.manual_clock import ManualClock
from edge_runtime.types import Priority
from hypothesis import given
from hypothesis import strategies as st

LIMITS = {Priority.CORE: 2, Priority.REGULAR: 3, Priority.LOW: 2}


class Work:
    """Jobs by name that start when the scheduler says so and end when the test says so."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    def job(self, name: str, priority: Priority = Priority.REGULAR, **limits: Any) -> Job[str]:
        self.gates[name] = asyncio.Event()

        async def run(budget_ms: float) -> str:
            self.started.append(name)
            await self.gates[name].wait()
            return name

        return Job(name, run, priority, **{"timeout_ms": 1_000, **limits})

    def finish(self, name: str) -> None:
        self.gates[name].set()


class Stage:
    """A scheduler with its clock and its work."""

    def __init__(self, max_running: int = 1) -> None:
        self.clock = ManualClock()
        self.work = Work()
        self.scheduler = Scheduler(self.clock, SchedulerConfig(max_running, LIMITS))

    def submit(self, name: str, priority: Priority = Priority.REGULAR, **limits: Any) -> Run[str]:
        run = self.scheduler.submit(self.work.job(name, priority, **limits))
        # Most tests look at some outcomes only; asyncio would complain about the others.
        run.outcome.add_done_callback(lambda outcome: outcome.cancelled() or outcome.exception())
        return run

    def count(self, priority: Priority = Priority.REGULAR) -> dict[str, int]:
        counts = self.scheduler.statistics()[priority.value]
        return {name: number for name, number in counts.items() if number}  # type: ignore[misc]


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def on_stage(
    test: Callable[[Stage], Coroutine[Any, Any, None]],
) -> Callable[[], None]:
    async def play() -> None:
        stage = Stage()
        await test(stage)
        await stage.scheduler.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def run() -> None:
        asyncio.run(play())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def error_of(outcome: Awaitable[Any]) -> EdgeError:
    with pytest.raises(EdgeError) as raised:
        await outcome
    return raised.value


@on_stage
async def test_a_run_reports_its_value_and_where_its_time_went(stage: Stage) -> None:
    stage.submit("first")
    run = stage.submit("second")
    await stage.clock.advance(30)
    stage.work.finish("first")
    await settled()
    await stage.clock.advance(12)
    stage.work.finish("second")

    outcome = await run.outcome

    assert (outcome.value, outcome.queued_ms, outcome.run_ms) == ("second", 30, 12)
    assert outcome.total_ms == 42


@on_stage
async def test_the_most_urgent_starts_next_and_equals_in_order_of_arrival(stage: Stage) -> None:
    arrivals = [
        ("now", Priority.LOW),
        ("l1", Priority.LOW),
        ("r1", Priority.REGULAR),
        ("c1", Priority.CORE),
        ("r2", Priority.REGULAR),
        ("c2", Priority.CORE),
    ]
    for name, priority in arrivals:
        stage.submit(name, priority)
        stage.work.finish(name)

    for _ in range(10):
        await settled()

    assert stage.work.started == ["now", "c1", "c2", "r1", "r2", "l1"]


def test_as_many_runs_start_as_there_are_slots() -> None:
    async def play() -> None:
        stage = Stage(max_running=2)
        for name in "abc":
            stage.submit(name)
        await settled()
        assert stage.work.started == ["a", "b"]
        assert stage.count() == {"waiting": 1, "running": 2}
        await stage.scheduler.stop()

    asyncio.run(play())


@on_stage
async def test_a_full_queue_refuses_and_loses_nobody(stage: Stage) -> None:
    for name in "abcd":
        stage.submit(name)

    with pytest.raises(RefusedError) as refused:
        stage.submit("e")

    assert refused.value.details == {"queue": "regular", "limit": 3}
    await settled()
    assert stage.count() == {"waiting": 3, "running": 1, "refused": 1}


@on_stage
async def test_a_deadline_that_has_passed_is_refused_on_submission(stage: Stage) -> None:
    with pytest.raises(RefusedError, match="expected to start within 0 ms"):
        stage.submit("late", caller_timeout_ms=0)

    assert stage.count() == {"refused": 1}


@on_stage
async def test_a_waiting_run_is_refused_the_moment_its_deadline_passes(stage: Stage) -> None:
    stage.submit("busy")
    patient = stage.submit("patient", caller_timeout_ms=500)
    hasty = stage.submit("hasty", caller_timeout_ms=50)
    await stage.clock.advance(49)
    assert not hasty.outcome.done()
    await stage.clock.advance(1)

    error = await error_of(hasty.outcome)

    assert (error.code, error.details) == ("deadline-passed", {"timeoutMs": 50})
    assert not patient.outcome.done()
    stage.work.finish("busy")
    await settled()
    assert stage.work.started == ["busy", "patient"]


@on_stage
async def test_a_run_that_is_too_late_is_not_started(stage: Stage) -> None:
    stage.submit("busy", timeout_ms=10)
    late = stage.submit("late", caller_timeout_ms=10)
    after = stage.submit("after")

    await stage.clock.advance(10)

    assert (await error_of(late.outcome)).code == "deadline-passed"
    assert stage.work.started == ["busy", "after"]
    assert not after.outcome.done()


@pytest.mark.parametrize(
    ("limits", "limit_ms", "whose"),
    [
        ({"timeout_ms": 80}, 80, "the task's timeout"),
        ({"timeout_ms": 80, "caller_timeout_ms": 200}, 80, "the task's timeout"),
        ({"timeout_ms": 80, "caller_timeout_ms": 20}, 20, "what was left of the caller's timeout"),
    ],
)
def test_a_run_beyond_its_deadline_is_cancelled(
    limits: dict[str, float], limit_ms: float, whose: str
) -> None:
    async def play() -> None:
        stage = Stage()
        run = stage.submit("slow", **limits)
        await stage.clock.advance(limit_ms)
        error = await error_of(run.outcome)
        assert isinstance(error, TaskError) and error.code == "task-timeout"
        assert f"within {limit_ms} ms ({whose})" in error.message
        await settled()
        assert stage.count() == {"timedOut": 1}
        await stage.scheduler.stop()

    asyncio.run(play())


@on_stage
async def test_the_run_learns_how_long_it_has(stage: Stage) -> None:
    budgets: list[float] = []

    async def note(budget_ms: float) -> None:
        budgets.append(budget_ms)

    stage.submit("busy")
    first = stage.scheduler.submit(Job("first", note, Priority.CORE, 1_000, 70))
    second = stage.scheduler.submit(Job("second", note, Priority.CORE, 20, 1_000))
    await stage.clock.advance(30)
    stage.work.finish("busy")
    await asyncio.gather(first.outcome, second.outcome)

    assert budgets == [40, 20]


@on_stage
async def test_a_slot_is_free_only_when_the_code_has_returned(stage: Stage) -> None:
    released = asyncio.Event()

    async def stubborn(budget_ms: float) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await released.wait()
        return "too late"

    run = stage.scheduler.submit(Job("stubborn", stubborn, Priority.REGULAR, 50))
    stage.submit("next")
    await stage.clock.advance(50)
    assert (await error_of(run.outcome)).code == "task-timeout"
    assert stage.work.started == []
    assert stage.count() == {"waiting": 1, "running": 1, "timedOut": 1}

    released.set()
    await settled()

    assert stage.work.started == ["next"]


@on_stage
async def test_cancelling_a_waiting_run_removes_that_one_only(stage: Stage) -> None:
    stage.submit("busy")
    job = stage.work.job("twin")
    first, second = stage.scheduler.submit(job), stage.scheduler.submit(job)

    stage.scheduler.cancel(first)

    assert (await error_of(first.outcome)).code == "run-cancelled"
    assert stage.count() == {"waiting": 1, "running": 1, "cancelled": 1}
    assert not second.outcome.done()
    stage.scheduler.cancel(second)
    assert (await error_of(second.outcome)).code == "run-cancelled"


@on_stage
async def test_cancelling_a_running_run_ends_it(stage: Stage) -> None:
    run = stage.submit("running")
    await settled()

    stage.scheduler.cancel(run)
    stage.scheduler.cancel(run)

    assert (await error_of(run.outcome)).code == "run-cancelled"
    await settled()
    assert stage.count() == {"cancelled": 1}


@on_stage
async def test_a_run_cancelled_before_its_first_step_gives_its_slot_back(stage: Stage) -> None:
    run = stage.submit("never")
    next_run = stage.submit("next")

    stage.scheduler.cancel(run)
    await error_of(run.outcome)
    stage.work.finish("next")

    assert (await next_run.outcome).value == "next"
    assert stage.work.started == ["next"]


@on_stage
async def test_cancelling_a_finished_run_changes_nothing(stage: Stage) -> None:
    run = stage.submit("done")
    stage.work.finish("done")
    await run.outcome

    stage.scheduler.cancel(run)
    await settled()

    assert stage.count() == {"finished": 1}


@pytest.mark.parametrize("position", ["running", "waiting"])
def test_cancelling_the_caller_cancels_its_run(position: str) -> None:
    async def play() -> None:
        stage = Stage()
        if position == "waiting":
            stage.submit("busy")
        caller = asyncio.create_task(stage.scheduler.wait(stage.submit("mine")))
        await settled()

        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await settled()

        assert stage.count()["cancelled"] == 1
        assert stage.scheduler.statistics()["regular"]["waiting"] == 0
        await stage.scheduler.stop()

    asyncio.run(play())


@pytest.mark.parametrize("error", [TaskError("task-raised", "task: raised"), RuntimeError("a bug")])
def test_an_error_of_the_run_reaches_its_caller_and_frees_the_slot(error: Exception) -> None:
    async def play() -> None:
        stage = Stage()

        async def fail(budget_ms: float) -> None:
            raise error

        with pytest.raises(type(error), match=str(error)):
            await stage.scheduler.submit(Job("bad", fail, Priority.CORE, 100)).outcome
        await settled()
        assert stage.count(Priority.CORE) == {"finished": 1}
        await stage.scheduler.stop()

    asyncio.run(play())


@on_stage
async def test_pausing_holds_what_waits_and_resuming_starts_it(stage: Stage) -> None:
    stage.scheduler.pause()
    run = stage.submit("held")
    await settled()
    assert stage.scheduler.paused
    assert stage.count() == {"waiting": 1}

    stage.scheduler.resume()
    stage.work.finish("held")

    assert (await run.outcome).value == "held"


@on_stage
async def test_stopping_ends_what_waits_and_waits_for_what_runs(stage: Stage) -> None:
    undone: list[str] = []

    async def tidy(budget_ms: float) -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            undone.append("tidied")

    running = stage.scheduler.submit(Job("tidy", tidy, Priority.REGULAR, 1_000))
    waiting = stage.submit("waiting", caller_timeout_ms=500)
    await settled()

    await stage.scheduler.stop()

    assert undone == ["tidied"]
    for run in (running, waiting):
        assert (await error_of(run.outcome)).code == "runtime-stopped"
    with pytest.raises(RefusedError, match="expected a started runtime"):
        stage.submit("after")


def test_stopping_leaves_a_run_behind_that_ignores_its_cancellation() -> None:
    async def play() -> None:
        stage = Stage()
        released = asyncio.Event()

        async def stubborn(budget_ms: float) -> None:
            while not released.is_set():
                try:
                    await released.wait()
                except asyncio.CancelledError:
                    continue

        run = stage.scheduler.submit(Job("stubborn", stubborn, Priority.REGULAR, 5_000))
        await settled()
        stopping = asyncio.create_task(stage.scheduler.stop())
        await stage.clock.advance(STOP_GRACE_MS - 1)
        assert not stopping.done()
        await stage.clock.advance(1)
        await stopping
        assert (await error_of(run.outcome)).code == "runtime-stopped"
        released.set()
        await settled()

    asyncio.run(play())


def test_a_run_costs_one_asyncio_task_and_its_deadline_none() -> None:
    async def play() -> int:
        created = 0

        def count(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
            nonlocal created
            created += 1
            return asyncio.Task(coroutine, loop=loop, **options)

        stage = Stage()
        asyncio.get_running_loop().set_task_factory(count)
        for number in range(50):
            run = stage.submit(f"run {number}", caller_timeout_ms=5_000)
            stage.work.finish(f"run {number}")
            await run.outcome
            await stage.clock.advance(1)
        asyncio.get_running_loop().set_task_factory(None)
        await stage.scheduler.stop()
        return created

    assert asyncio.run(play()) == 50 + 1


steps = st.lists(
    st.one_of(
        st.tuples(st.just("submit"), st.sampled_from(Priority)),
        st.tuples(st.sampled_from(["finish", "cancel"]), st.integers(0, 5)),
        st.tuples(st.just("advance"), st.integers(1, 60)),
        st.tuples(st.sampled_from(["pause", "resume"]), st.none()),
    ),
    max_size=30,
)


@given(steps, st.integers(1, 3))
def test_no_slot_idles_while_runs_wait_and_everything_ends(steps: Any, slots: int) -> None:
    async def play() -> None:
        stage = Stage(max_running=slots)
        runs: list[Run[str]] = []
        for action, argument in steps:
            await perform(stage, runs, action, argument)
            await settled()
            check(stage, slots)
        await stage.scheduler.stop()
        assert all(run.outcome.done() for run in runs)
        outcomes = await asyncio.gather(*(run.outcome for run in runs), return_exceptions=True)
        assert len(runs) == ended(stage) + sum(map(too_late, outcomes))

    asyncio.run(play())


async def perform(stage: Stage, runs: list[Run[str]], action: str, argument: Any) -> None:
    if action == "submit":
        try:
            runs.append(stage.submit(f"run {len(runs)}", argument, caller_timeout_ms=100))
        except RefusedError:
            pass
    elif action == "finish" and argument < len(runs):
        stage.work.finish(f"run {argument}")
    elif action == "cancel" and argument < len(runs):
        stage.scheduler.cancel(runs[argument])
    elif action == "advance":
        await stage.clock.advance(argument)
    elif action in ("pause", "resume"):
        getattr(stage.scheduler, action)()


def check(stage: Stage, slots: int) -> None:
    counts = stage.scheduler.statistics().values()
    waiting, running = (sum(count[name] for count in counts) for name in ("waiting", "running"))  # type: ignore[literal-required]
    assert running <= slots
    assert stage.scheduler.paused or running == slots or waiting == 0


def ended(stage: Stage) -> int:
    counts = stage.scheduler.statistics().values()
    return sum(count["finished"] + count["cancelled"] + count["timedOut"] for count in counts)


def too_late(outcome: object) -> bool:
    return isinstance(outcome, RefusedError) and outcome.code == "deadline-passed"
