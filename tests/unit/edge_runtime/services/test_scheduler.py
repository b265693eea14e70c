"""Runs: order, slots, deadlines, cancellation, pause and stop, on a clock the test moves."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextvars import copy_context
from typing import Any

import pytest
from edge_runtime.config import SchedulerConfig
from edge_runtime.errors import EdgeError, RefusedError, TaskError
from edge_runtime.pure.urgency import is_urgent
from edge_runtime.services.scheduler import STOP_GRACE_MS
from edge_runtime.services.scheduler_run import Call, Job, Outcome, Run
from edge_runtime.testing.manual_clock import ManualClock
from edge_runtime.types import Priority, Supersede
from hypothesis import given
from hypothesis import strategies as st

from ..pure.findings import Findings
from .audited import audited_scheduler

LIMITS = {Priority.CORE: 2, Priority.REGULAR: 3, Priority.LOW: 2}


class Work:
    """Jobs by name that start when the scheduler says so and end when the test says so."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    def job(self, name: str, priority: Priority = Priority.REGULAR, **limits: Any) -> Job[str]:
        self.gates[name] = asyncio.Event()

        async def run(lease: Run[str]) -> str:
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
        self.overdue: list[str] = []
        config = SchedulerConfig(max_running, LIMITS)
        report = lambda run: self.overdue.append(run.task)  # noqa: E731
        self.findings = Findings(self.clock.monotonic_ms)
        self.scheduler = audited_scheduler(self.findings, self.clock, config, overdue=report)

    def submit(self, name: str, priority: Priority = Priority.REGULAR, **limits: Any) -> Call[str]:
        run = self.scheduler.submit(self.work.job(name, priority, **limits))
        # Most tests look at some outcomes only; asyncio would complain about the others.
        run.outcome.add_done_callback(lambda outcome: outcome.cancelled() or outcome.exception())
        return run

    def count(self, priority: Priority = Priority.REGULAR) -> dict[str, int]:
        counts = self.scheduler.statistics()[priority.value]
        del counts["waitMs"]  # type: ignore[misc]
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
        stage.findings.raise_first()
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


def test_as_many_runs_start_as_there_are_slots_and_one_is_kept_for_core() -> None:
    async def play() -> None:
        stage = Stage(max_running=3)
        for name in "abc":
            stage.submit(name)
        stage.submit("urgent", Priority.CORE)
        await settled()
        assert stage.work.started == ["a", "b", "urgent"]
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

    async def note(lease: Run[Any]) -> None:
        budgets.append(lease.budget_ms)

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

    async def stubborn(lease: Run[Any]) -> str:
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

        async def fail(lease: Run[Any]) -> None:
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

    async def tidy(lease: Run[Any]) -> None:
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

        async def stubborn(lease: Run[Any]) -> None:
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


@on_stage
async def test_an_outcome_told_to_a_function_costs_no_future(stage: Stage) -> None:
    told: list[Any] = []
    call = stage.scheduler.submit(stage.work.job("told"), told.append)
    stage.work.finish("told")
    await settled()

    (outcome,) = told

    assert isinstance(outcome, Outcome) and outcome.value == "told"
    assert call._outcome is None
    assert (await call.outcome) is outcome


@on_stage
async def test_what_a_caller_does_with_its_outcome_does_not_end_the_others(stage: Stage) -> None:
    defects: list[str] = []
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(lambda _, context: defects.append(context["message"]))

    def fail(outcome: object) -> None:
        raise RuntimeError("a defect")

    stage.scheduler.submit(stage.work.job("first"), fail)
    second = stage.submit("second")
    stage.work.finish("first")
    stage.work.finish("second")

    assert (await second.outcome).value == "second"
    assert defects == ["told the outcome of first"]


@on_stage
async def test_a_run_tells_what_it_waited_for_first(stage: Stage) -> None:
    calls = [stage.submit("busy"), stage.submit("slots")]
    stage.scheduler.pause()
    calls.append(stage.submit("paused"))
    for name in ("busy", "slots", "paused"):
        stage.work.finish(name)
    stage.scheduler.resume()

    outcomes = [await call.outcome for call in calls]

    assert [outcome.waited_for for outcome in outcomes] == [None, "slots", "paused"]


@on_stage
async def test_a_value_that_comes_at_the_deadline_is_too_late(stage: Stage) -> None:
    late = stage.submit("late", timeout_ms=50)
    await settled()
    # Code and deadline in one turn: which is heard first must not matter.
    stage.clock._move(stage.clock.monotonic_ms() + 50)
    stage.work.finish("late")

    assert (await error_of(late.outcome)).code == "task-timeout"
    assert stage.count() == {"timedOut": 1}


@on_stage
async def test_code_that_goes_on_after_its_end_has_no_effects_and_is_reported_once(
    stage: Stage,
) -> None:
    effects: list[str] = []
    released = asyncio.Event()

    async def stubborn(lease: Run[Any]) -> str:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await released.wait()
        lease.check()
        effects.append("done")
        return "too late"

    run = stage.scheduler.submit(Job("stubborn", stubborn, Priority.REGULAR, 50))
    await stage.clock.advance(1_049)
    assert (await error_of(run.outcome)).code == "task-timeout"
    assert stage.overdue == []
    await stage.clock.advance(5_000)
    assert stage.overdue == ["stubborn"]
    assert stage.count() == {"running": 1, "timedOut": 1, "overdue": 1}

    released.set()
    await settled()

    assert effects == []
    assert stage.count() == {"timedOut": 1, "overdue": 1}


@on_stage
async def test_a_run_that_returns_in_time_is_not_reported(stage: Stage) -> None:
    run = stage.submit("slow", timeout_ms=50)
    await stage.clock.advance(5_000)

    assert (await error_of(run.outcome)).code == "task-timeout"
    assert stage.overdue == []


@on_stage
async def test_a_lease_ends_with_its_deadline_even_if_no_alarm_rang(stage: Stage) -> None:
    refused: list[str] = []

    async def hog(lease: Run[Any]) -> None:
        stage.clock._move(stage.clock.monotonic_ms() + 60)
        try:
            lease.check()
        except RefusedError as error:
            refused.append(error.code)

    run = stage.scheduler.submit(Job("hog", hog, Priority.REGULAR, 50))

    assert (await error_of(run.outcome)).code == "task-timeout"
    assert refused == ["run-ended"]


LATEST: dict[str, Any] = {"supersede": Supersede.LATEST}
JOIN: dict[str, Any] = {"supersede": Supersede.JOIN}


@on_stage
async def test_the_latest_run_takes_the_place_of_the_one_that_waits(stage: Stage) -> None:
    stage.submit("busy")
    old = stage.submit("search", **LATEST)
    other = stage.submit("search", supersede_key="another", **LATEST)
    stage.submit("later")
    new = stage.submit("search", **LATEST)

    assert (await error_of(old.outcome)).code == "run-superseded"
    for name in ("busy", "search", "later"):
        stage.work.finish(name)
    await asyncio.gather(new.outcome, other.outcome)
    await settled()
    assert stage.work.started == ["busy", "search", "search", "later"]
    assert stage.count() == {"finished": 4, "superseded": 1}


@on_stage
async def test_a_running_run_is_not_superseded(stage: Stage) -> None:
    running = stage.submit("search", **LATEST)
    stage.submit("search", **LATEST)
    stage.work.finish("search")

    assert not isinstance((await running.outcome).value, Exception)


@on_stage
async def test_a_joined_run_runs_once_for_all_its_callers(stage: Stage) -> None:
    stage.submit("busy")
    first = stage.submit("rank", **JOIN)
    await stage.clock.advance(10)
    second = stage.submit("rank", **JOIN)
    await stage.clock.advance(10)
    for name in ("busy", "rank"):
        stage.work.finish(name)

    outcomes = await asyncio.gather(first.outcome, second.outcome)

    assert [outcome.queued_ms for outcome in outcomes] == [20, 10]
    assert stage.work.started == ["busy", "rank"]
    assert stage.count() == {"finished": 2, "joined": 1}


@pytest.mark.parametrize("goes", [0, 1])
def test_a_joined_run_ends_only_when_all_its_callers_have_gone(goes: int) -> None:
    @on_stage
    async def play(stage: Stage) -> None:
        stage.submit("busy")
        calls = [stage.submit("rank", **JOIN) for _ in range(2)]
        stage.scheduler.cancel(calls[goes])
        assert (await error_of(calls[goes].outcome)).code == "run-cancelled"
        assert not calls[1 - goes].outcome.done()
        stage.work.finish("busy")
        await settled()
        assert stage.work.started == ["busy", "rank"]

        stage.scheduler.cancel(calls[1 - goes])

        assert (await error_of(calls[1 - goes].outcome)).code == "run-cancelled"
        await settled()
        assert stage.count() == {"finished": 1, "cancelled": 1, "joined": 1}

    play()


@on_stage
async def test_joined_callers_keep_their_own_deadlines(stage: Stage) -> None:
    stage.submit("busy")
    hasty = stage.submit("rank", caller_timeout_ms=50, **JOIN)
    patient = stage.submit("rank", caller_timeout_ms=500, **JOIN)
    halfway = stage.submit("rank", caller_timeout_ms=200, **JOIN)
    await stage.clock.advance(50)
    assert (await error_of(hasty.outcome)).details == {"timeoutMs": 50}
    stage.work.finish("busy")
    await stage.clock.advance(150)

    error = await error_of(halfway.outcome)

    assert (error.code, error.details) == ("task-timeout", {"timeoutMs": 150})
    stage.work.finish("rank")
    assert (await patient.outcome).value == "rank"


@on_stage
async def test_each_joined_caller_gets_an_error_of_its_own(stage: Stage) -> None:
    stage.submit("busy")
    calls = [stage.submit("rank", timeout_ms=10, **JOIN) for _ in range(2)]
    stage.work.finish("busy")
    await stage.clock.advance(10)

    first, second = [await error_of(call.outcome) for call in calls]

    assert first is not second
    assert first.to_dict() == second.to_dict()


@on_stage
async def test_an_urgent_caller_does_not_join_a_run_that_is_less_urgent(stage: Stage) -> None:
    stage.submit("busy")
    low = stage.submit("rank", Priority.LOW, **JOIN)
    core = stage.submit("rank", Priority.CORE, **JOIN)
    stage.submit("rank", Priority.LOW, **JOIN)
    for name in ("busy", "rank"):
        stage.work.finish(name)
    await asyncio.gather(low.outcome, core.outcome)

    assert stage.work.started == ["busy", "rank", "rank"]
    assert stage.count(Priority.CORE) == {"finished": 1}


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

    # The alarm's is the other one.
    assert asyncio.run(play()) == 50 + 1


@pytest.mark.parametrize(("awaited", "hops"), [(False, 1), (True, 2)])
def test_a_run_that_waits_for_nothing_costs_one_hop_and_its_answer_another(
    awaited: bool, hops: int
) -> None:
    async def play() -> int:
        stage, loop, counted = Stage(), asyncio.get_running_loop(), 0
        call_soon = loop.call_soon

        def count(*args: Any, **options: Any) -> asyncio.Handle:
            nonlocal counted
            counted += 1
            return call_soon(*args, **options)

        async def quick(lease: Run[Any]) -> str:
            return "quick"

        first = stage.submit("first")  # Its deadline sets the alarm.
        stage.work.finish("first")
        await first.outcome
        job = Job("quick", quick, Priority.REGULAR, 1_000)
        told: list[Any] = []
        loop.call_soon = count  # type: ignore[method-assign]
        call = stage.scheduler.submit(job, None if awaited else told.append)
        if awaited:
            await call.outcome
        else:
            while not told:
                await asyncio.sleep(0)
                counted -= 1
        del loop.call_soon
        await stage.scheduler.stop()
        return counted

    assert asyncio.run(play()) == hops


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
        runs: list[Call[str]] = []
        for action, argument in steps:
            await perform(stage, runs, action, argument)
            await settled()
            check(stage, slots)
        await stage.scheduler.stop()
        assert all(run.outcome.done() for run in runs)
        outcomes = await asyncio.gather(*(run.outcome for run in runs), return_exceptions=True)
        assert len(runs) == ended(stage) + sum(map(too_late, outcomes))

    asyncio.run(play())


async def perform(stage: Stage, runs: list[Call[str]], action: str, argument: Any) -> None:
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
    stage.findings.raise_first()
    counts = stage.scheduler.statistics().values()
    waiting, running = (sum(count[name] for count in counts) for name in ("waiting", "running"))  # type: ignore[literal-required]
    assert running <= slots
    # One slot is kept for core.
    assert stage.scheduler.paused or running >= max(1, slots - 1) or waiting == 0


def ended(stage: Stage) -> int:
    counts = stage.scheduler.statistics().values()
    return sum(count["finished"] + count["cancelled"] + count["timedOut"] for count in counts)


def too_late(outcome: object) -> bool:
    return isinstance(outcome, RefusedError) and outcome.code == "deadline-passed"


@on_stage
async def test_only_core_runs_are_urgent_whoever_makes_them_start(stage: Stage) -> None:
    marks: dict[str, bool] = {}

    def marking(name: str, priority: Priority) -> Job[None]:
        async def run(lease: Run[None]) -> None:
            marks[name] = is_urgent(copy_context())

        return Job(name, run, priority, timeout_ms=1_000)

    urgent = stage.scheduler.submit(marking("core", Priority.CORE))
    low = stage.scheduler.submit(marking("low", Priority.LOW))
    waiting = stage.scheduler.submit(marking("waiting core", Priority.CORE))
    await asyncio.gather(urgent.outcome, low.outcome, waiting.outcome)

    assert marks == {"core": True, "low": False, "waiting core": True}


@on_stage
async def test_time_that_is_granted_and_not_used_is_taken_back_under_a_callers_limit(
    stage: Stage,
) -> None:
    call = stage.submit("waits", caller_timeout_ms=5_000)
    await settled()

    call.run.grant(30_000)
    assert call.run.budget_ms == 5_000
    await stage.clock.advance(700)
    call.run.grant(700 - 30_000)

    assert call.run.budget_ms == 1_000
    await stage.clock.advance(999)
    assert call.result is None
    await stage.clock.advance(1)
    assert (await error_of(call.outcome)).code == "task-timeout"
