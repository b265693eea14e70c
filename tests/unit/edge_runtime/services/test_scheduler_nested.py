"""Runs that call runs: no slot is held while waiting, nothing hangs, cycles are refused."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import pytest
from edge_runtime.config import SchedulerConfig
from edge_runtime.errors import EdgeError
from edge_runtime.services.scheduler_run import Call, Job, Run
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import Priority, Supersede
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples

from ..pure.findings import Findings
from .audited import audited_scheduler

Code = Callable[[Run[Any]], Awaitable[Any]]


class Stage:
    """A scheduler and tasks by name, each a function of its lease."""

    def __init__(self, slots: int = 1, waiting: int = 100) -> None:
        self.clock = ManualClock()
        limits = dict.fromkeys(Priority, waiting)
        self.findings = Findings(self.clock.monotonic_ms)
        config = SchedulerConfig(slots, limits)
        self.scheduler = audited_scheduler(self.findings, self.clock, config)
        self.tasks: dict[str, Code] = {}
        self.most_running = 0
        self.priorities: list[Priority] = []
        self.supersede = Supersede.NONE

    def submit(self, name: str, **job: Any) -> Call[Any]:
        call = self.scheduler.submit(self.job(name, **job))
        call.outcome.add_done_callback(lambda outcome: outcome.cancelled() or outcome.exception())
        return call

    def job(self, name: str, **job: Any) -> Job[Any]:
        async def run(lease: Run[Any]) -> Any:
            self.priorities.append(lease.priority)
            self.most_running = max(self.most_running, self.running())
            return await self.tasks[name](lease)

        return Job(name, run, **{"priority": Priority.LOW, "timeout_ms": 1_000, **job})

    async def call(self, lease: Run[Any], name: str) -> Any:
        job = self.job(
            name,
            priority=lease.priority,
            caller_timeout_ms=lease.budget_ms,
            supersede=self.supersede,
        )
        chain = (*lease.chain, lease.task)
        submit = lambda: self.scheduler.submit(job, chain=chain)  # noqa: E731
        return (await self.scheduler.call(lease, name, submit)).value

    def calls(self, name: str, *others: str) -> None:
        """Make ``name`` a task that calls the others at once and returns their values."""

        async def run(lease: Run[Any]) -> Any:
            return [name, *await asyncio.gather(*(self.call(lease, other) for other in others))]

        self.tasks[name] = run

    def running(self) -> int:
        return sum(queue["running"] for queue in self.scheduler.statistics().values())

    def parked(self) -> int:
        return sum(queue["parked"] for queue in self.scheduler.statistics().values())


def on_stage(test: Callable[[Stage], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    async def play() -> None:
        stage = Stage()
        await test(stage)
        await stage.scheduler.stop()
        stage.findings.raise_first()
        assert stage.running() == stage.parked() == 0
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def run() -> None:
        asyncio.run(play())

    run.__name__ = test.__name__
    return run


async def code_of(call: Call[Any]) -> str:
    with pytest.raises(EdgeError) as raised:
        await call.outcome
    return raised.value.code


@on_stage
async def test_one_slot_is_enough_for_runs_that_call_runs(stage: Stage) -> None:
    stage.calls("a", "b", "c")
    stage.calls("b", "d")
    stage.calls("c")
    stage.calls("d")

    assert (await stage.submit("a").outcome).value == ["a", ["b", ["d"]], ["c"]]
    assert stage.most_running == 1


@on_stage
async def test_a_nested_run_inherits_the_priority(stage: Stage) -> None:
    stage.calls("a", "b")
    stage.calls("b")

    await stage.submit("a", priority=Priority.CORE).outcome

    assert stage.priorities == [Priority.CORE] * 2


@on_stage
async def test_a_nested_run_has_what_is_left_of_its_callers_time(stage: Stage) -> None:
    left: list[float] = []

    async def note(lease: Run[Any]) -> None:
        left.append(lease.budget_ms)

    async def outer(lease: Run[Any]) -> Any:
        await stage.clock.sleep_ms(30)
        return await stage.call(lease, "note")

    stage.tasks = {"outer": outer, "note": note}
    call = stage.submit("outer", timeout_ms=100)
    await stage.clock.advance(30)
    await call.outcome

    assert left == [70]


@on_stage
async def test_while_a_run_waits_for_another_its_slot_serves_others(stage: Stage) -> None:
    gate = asyncio.Event()

    async def blocked(lease: Run[Any]) -> None:
        await gate.wait()

    async def quick(lease: Run[Any]) -> str:
        return "quick"

    stage.tasks["blocked"], stage.tasks["quick"] = blocked, quick
    stage.calls("outer", "blocked")
    outer = stage.submit("outer")
    first = stage.submit("quick")
    assert (await first.outcome).value == "quick"
    await settle()
    assert (stage.parked(), stage.running()) == (1, 1)

    gate.set()

    assert (await outer.outcome).value == ["outer", None]


@on_stage
async def test_a_caller_goes_on_ahead_of_runs_that_came_after_it(stage: Stage) -> None:
    order: list[str] = []

    async def outer(lease: Run[Any]) -> None:
        await stage.call(lease, "inner")
        order.append("outer goes on")

    async def late(lease: Run[Any]) -> None:
        order.append("late")

    async def inner(lease: Run[Any]) -> None:
        order.append("inner")

    stage.tasks = {"outer": outer, "inner": inner, "late": late}
    calls = [stage.submit("outer")]
    await asyncio.sleep(0)
    calls += [stage.submit("late"), stage.submit("late")]
    await asyncio.gather(*(call.outcome for call in calls))

    assert order == ["inner", "outer goes on", "late", "late"]


@pytest.mark.parametrize(
    ("links", "path"),
    [
        ({"a": "a"}, ["a", "a"]),
        ({"a": "b", "b": "c", "c": "a"}, ["a", "b", "c", "a"]),
    ],
)
def test_a_cycle_is_refused_with_its_path(links: dict[str, str], path: list[str]) -> None:
    @on_stage
    async def play(stage: Stage) -> None:
        for name, other in links.items():
            stage.calls(name, other)
        call = stage.submit("a")
        with pytest.raises(EdgeError) as refused:
            await call.outcome
        assert (refused.value.code, refused.value.details) == ("call-cycle", {"path": path})
        assert " → ".join(path) in refused.value.message

    play()


@pytest.mark.parametrize(("depth", "ends"), [(8, "ok"), (9, "call-cycle")])
def test_calls_are_at_most_eight_deep(depth: int, ends: str) -> None:
    @on_stage
    async def play(stage: Stage) -> None:
        for level in range(depth):
            stage.calls(str(level), str(level + 1))
        stage.calls(str(depth))
        call = stage.submit("0")
        assert ends == ("ok" if (await ended(call)) is None else await code_of(call))

    play()


async def ended(call: Call[Any]) -> BaseException | None:
    await asyncio.wait([call.outcome])
    return call.outcome.exception()


@on_stage
async def test_the_failure_of_a_nested_run_can_be_caught(stage: Stage) -> None:
    async def fail(lease: Run[Any]) -> None:
        raise EdgeError.__subclasses__()[3]("task-raised", "it failed")

    async def outer(lease: Run[Any]) -> str:
        try:
            await stage.call(lease, "fail")
        except EdgeError as error:
            return error.code
        return "?"

    stage.tasks = {"outer": outer, "fail": fail}

    assert (await stage.submit("outer").outcome).value == "task-raised"


def test_a_call_that_is_refused_gives_the_slot_back() -> None:
    async def play() -> None:
        stage, seen = Stage(slots=1, waiting=2), list[str]()

        async def outer(lease: Run[Any]) -> None:
            try:
                await stage.call(lease, "inner")
            except EdgeError as error:
                seen.append(f"{error.code} {lease.phase.name} {stage.running()}")

        async def other(lease: Run[Any]) -> None:
            # It has the slot that the caller gave away, so the refused one waits for it.
            seen.append("other")

        stage.tasks = {"outer": outer, "other": other}
        call = stage.submit("outer")
        for _ in range(2):
            stage.submit("other")
        stage.scheduler.reconfigure(SchedulerConfig(1, {Priority.LOW: 0}))
        await call.outcome
        assert seen == ["other", "queue-full RUNNING 1"]
        await stage.scheduler.stop()

    asyncio.run(play())


@on_stage
async def test_cancelling_a_caller_cancels_what_it_called(stage: Stage) -> None:
    cancelled: list[str] = []

    async def slow(lease: Run[Any]) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append("slow")
            raise

    stage.tasks["slow"] = slow
    stage.calls("outer", "slow")
    call = stage.submit("outer")
    await settle()

    stage.scheduler.cancel(call)

    assert await code_of(call) == "run-cancelled"
    await settle()
    assert cancelled == ["slow"]
    assert stage.scheduler.statistics()["low"]["cancelled"] == 2


@on_stage
async def test_a_call_that_nobody_awaits_ends_with_its_caller(stage: Stage) -> None:
    tasks: list[asyncio.Task[Any]] = []

    async def outer(lease: Run[Any]) -> str:
        tasks.append(asyncio.create_task(stage.call(lease, "slow")))
        await asyncio.sleep(0)
        return "returned"

    async def slow(lease: Run[Any]) -> None:
        await asyncio.Event().wait()

    stage.tasks = {"outer": outer, "slow": slow}

    assert (await stage.submit("outer").outcome).value == "returned"
    await settle()
    assert tasks[0].done()
    assert isinstance(tasks[0].exception(), EdgeError)


@on_stage
async def test_an_ended_run_calls_nothing_more(stage: Stage) -> None:
    refused: list[str] = []

    async def stubborn(lease: Run[Any]) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            try:
                await stage.call(lease, "inner")
            except EdgeError as error:
                refused.append(error.code)

    stage.tasks["stubborn"] = stubborn
    stage.calls("inner")
    call = stage.submit("stubborn")
    await settle()
    stage.scheduler.cancel(call)
    await settle()

    assert refused == ["run-ended"]


@on_stage
async def test_giving_up_a_call_gives_the_slot_back(stage: Stage) -> None:
    async def slow(lease: Run[Any]) -> None:
        await asyncio.Event().wait()

    async def impatient(lease: Run[Any]) -> str:
        calling = asyncio.create_task(stage.call(lease, "slow"))
        await asyncio.wait([calling], timeout=0)
        await asyncio.sleep(0)
        calling.cancel()
        await asyncio.wait([calling])
        return f"{lease.phase.name} {stage.running()}"

    stage.tasks = {"slow": slow, "impatient": impatient}

    assert (await stage.submit("impatient").outcome).value == "RUNNING 1"


@on_stage
async def test_code_that_ignores_its_end_while_it_waits_for_a_run_takes_a_slot(
    stage: Stage,
) -> None:
    released = asyncio.Event()

    async def slow(lease: Run[Any]) -> None:
        await asyncio.Event().wait()

    async def stubborn(lease: Run[Any]) -> None:
        try:
            await stage.call(lease, "slow")
        except asyncio.CancelledError:
            await released.wait()

    stage.tasks = {"slow": slow, "stubborn": stubborn}
    stage.calls("next")
    call = stage.submit("stubborn", timeout_ms=50)
    await stage.clock.advance(50)
    assert await code_of(call) == "task-timeout"
    waiting = stage.submit("next")
    await settle()
    assert (stage.running(), stage.parked()) == (1, 0)
    assert not waiting.outcome.done()

    released.set()

    assert (await waiting.outcome).value == ["next"]


@on_stage
async def test_a_pause_holds_the_nested_run_and_not_the_one_that_goes_on(stage: Stage) -> None:
    gate = asyncio.Event()

    async def blocked(lease: Run[Any]) -> None:
        await gate.wait()

    stage.tasks["blocked"] = blocked
    stage.calls("outer", "blocked")
    call = stage.submit("outer")
    await settle()
    stage.scheduler.pause()
    gate.set()

    assert (await call.outcome).value == ["outer", None]
    stage.scheduler.resume()


plans = st.lists(st.lists(st.integers(1, 5), max_size=3), min_size=6, max_size=6)


@settings(max_examples=examples(60))
@given(
    plans,
    st.lists(st.tuples(st.integers(0, 5), st.sampled_from(Priority)), max_size=8),
    st.integers(1, 3),
    st.sampled_from(Supersede),
    st.sampled_from([2, 100]),
)
def test_every_run_ends_whatever_calls_whatever(
    plan: list[list[int]],
    submits: list[tuple[int, Priority]],
    slots: int,
    supersede: Supersede,
    waiting: int,
) -> None:
    async def play() -> None:
        stage = Stage(slots, waiting)
        stage.supersede = supersede
        for number, steps in enumerate(plan):
            # Only those behind it, most of the time; a step of 5 often leads around.
            stage.calls(str(number), *(str((number + step) % 6) for step in steps))
        calls = []
        for number, priority in submits:
            try:
                calls.append(stage.submit(str(number), priority=priority, timeout_ms=10_000))
            except EdgeError as error:
                assert error.code == "queue-full"
        await settle()
        await settle()
        assert all(call.outcome.done() for call in calls)
        assert stage.running() == stage.parked() == 0
        if not any(call.outcome.exception() for call in calls):
            assert stage.most_running <= slots
        await stage.scheduler.stop()
        stage.findings.raise_first()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(play())
