"""The lines before the inference workers: one request at a time, by class and age of the run."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from edge_runtime.errors import HostError, RefusedError
from edge_runtime.services.lanes import Lanes
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import Priority


class Rider:
    """A run as a lane sees it."""

    def __init__(self, number: int, priority: Priority = Priority.REGULAR, since_ms: float = 0):
        self.number, self.priority, self.since_ms = number, priority, since_ms
        self.waits_ms: list[float] = []
        self.has_ended = False

    def check(self) -> None:
        if self.has_ended:
            raise RefusedError("run-ended", "the run has ended")

    def waited_in_lane(self, wait_ms: float) -> None:
        self.waits_ms.append(wait_ms)


class Stage:
    """Lanes before an engine that answers when the test says so."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.lanes = Lanes(self.clock, ageing_ms=100)
        self.asked: list[str] = []
        self.answers: dict[str, asyncio.Future[str]] = {}

    def ask(self, name: str, rider: Rider, lane: str = "wasm") -> "asyncio.Task[str]":
        async def request() -> str:
            self.asked.append(name)
            self.answers[name] = asyncio.get_running_loop().create_future()
            return await self.answers[name]

        return asyncio.create_task(self.lanes.ask(lane, rider, request))

    async def answer(self, name: str) -> None:
        self.answers[name].set_result(name.upper())
        await settle()


def on_stage(test: Callable[[Stage], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    async def play() -> None:
        stage = Stage()
        await test(stage)
        await stage.lanes.stop()
        await settle()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    def run() -> None:
        asyncio.run(play())

    run.__name__ = test.__name__
    return run


@on_stage
async def test_a_lane_serves_one_request_at_a_time_and_lanes_overlap(stage: Stage) -> None:
    rider = Rider(2)
    tasks = [stage.ask("a", Rider(1)), stage.ask("b", rider), stage.ask("c", Rider(3), "gpu")]
    await stage.clock.advance(30)
    assert stage.asked == ["a", "c"]
    assert stage.lanes.statistics()["wasm"] | {"waitMs": None} == {
        "waiting": 1,
        "running": 1,
        "finished": 0,
        "waitMs": None,
    }

    for name in "abc":
        await stage.answer(name)

    assert [await task for task in tasks] == ["A", "B", "C"]
    assert rider.waits_ms == [30]
    assert stage.lanes.statistics()["wasm"] == {
        "waiting": 0,
        "running": 0,
        "finished": 2,
        "waitMs": {"p50": 0, "p99": 30},
    }


@on_stage
async def test_the_most_urgent_goes_next_then_the_oldest_run(stage: Stage) -> None:
    stage.ask("now", Rider(9))
    stage.ask("low", Rider(1, Priority.LOW))
    stage.ask("younger", Rider(4))
    stage.ask("older", Rider(3))
    stage.ask("core", Rider(5, Priority.CORE))
    await settle()

    for _ in range(5):
        await stage.answer(stage.asked[-1])

    assert stage.asked == ["now", "core", "older", "younger", "low"]


@on_stage
async def test_waiting_promotes_a_run_here_too(stage: Stage) -> None:
    stage.ask("now", Rider(1))
    stage.ask("low", Rider(2, Priority.LOW, since_ms=0))
    await stage.clock.advance(200)
    stage.ask("core", Rider(3, Priority.CORE, since_ms=200))
    await settle()

    for _ in range(3):
        await stage.answer(stage.asked[-1])

    assert stage.asked == ["now", "low", "core"]


@on_stage
async def test_another_ageing_step_holds_for_those_who_wait(stage: Stage) -> None:
    stage.ask("now", Rider(1))
    stage.ask("low", Rider(2, Priority.LOW, since_ms=0))
    await stage.clock.advance(200)
    stage.ask("core", Rider(3, Priority.CORE, since_ms=200))
    await settle()

    stage.lanes.set_ageing(1_000)
    for _ in range(3):
        await stage.answer(stage.asked[-1])

    assert stage.asked == ["now", "core", "low"]


@on_stage
async def test_a_run_that_gives_up_waiting_leaves_and_nobody_else_moves(stage: Stage) -> None:
    stage.ask("now", Rider(1))
    first, gone, third = (stage.ask(f"r{n}", Rider(n)) for n in (2, 3, 4))
    await settle()
    gone.cancel()
    await settle()
    assert stage.lanes.statistics()["wasm"]["waiting"] == 2
    assert stage.asked == ["now"]

    for name in ("now", "r2", "r4"):
        await stage.answer(name)

    assert (await first, await third) == ("R2", "R4")


@on_stage
async def test_a_lane_is_free_only_when_the_engine_has_answered(stage: Stage) -> None:
    gone = stage.ask("gone", Rider(1))
    waiting = stage.ask("next", Rider(2))
    await settle()
    gone.cancel()
    await settle()
    assert gone.cancelled()
    assert stage.asked == ["gone"]

    await stage.answer("gone")

    assert stage.asked == ["gone", "next"]
    await stage.answer("next")
    assert await waiting == "NEXT"


@on_stage
async def test_a_turn_that_came_as_its_run_gave_up_is_passed_on(stage: Stage) -> None:
    stage.ask("now", Rider(1))
    gone, after = stage.ask("gone", Rider(2)), stage.ask("after", Rider(3))
    await settle()
    stage.answers["now"].set_result("")
    await asyncio.sleep(0)
    assert stage.lanes.statistics()["wasm"]["finished"] == 1

    gone.cancel()
    await settle()

    assert stage.asked == ["now", "after"]
    await stage.answer("after")
    assert await after == "AFTER"


@on_stage
async def test_a_run_that_ended_while_it_waited_asks_for_nothing(stage: Stage) -> None:
    rider = Rider(2)
    stage.ask("now", Rider(1))
    ended, after = stage.ask("ended", rider), stage.ask("after", Rider(3))
    await settle()
    rider.has_ended = True
    await stage.answer("now")

    with pytest.raises(RefusedError, match="has ended"):
        await ended
    assert stage.asked == ["now", "after"]
    await stage.answer("after")
    assert await after == "AFTER"


@on_stage
async def test_a_failure_reaches_its_run_and_frees_the_lane(stage: Stage) -> None:
    failing, after = stage.ask("failing", Rider(1)), stage.ask("after", Rider(2))
    await settle()
    stage.answers["failing"].set_exception(HostError("worker-lost", "gone"))
    await settle()

    with pytest.raises(HostError, match="gone"):
        await failing
    await stage.answer("after")
    assert await after == "AFTER"


@on_stage
async def test_stopping_waits_for_no_engine(stage: Stage) -> None:
    asking = stage.ask("never answered", Rider(1))
    await settle()

    await stage.lanes.stop()

    with pytest.raises(asyncio.CancelledError):
        await asking
