"""The way to the inference workers: one request at a time each, the most urgent run's first.

An engine cannot abort a request. So a lane is free again when the engine has answered, whatever
became of the run that asked; who gives up waiting leaves, and nobody else moves. Whoever knows
how to end an engine is told of requests that nobody waits for any more.
"""

import asyncio
import itertools
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..host.ports import Clock
from ..pure.rider import Rider
from ..pure.rolling_window import RollingWindow
from ..pure.statistics import LaneStatistics, Percentiles
from ..pure.waiting_lines import Place, WaitingLines
from ..types import Priority

T = TypeVar("T")


@dataclass(eq=False, slots=True)
class _Turn:
    """A request that waits; it stands by its run's class, age and number."""

    priority: Priority
    since_ms: float
    place: Place
    comes: "asyncio.Future[None]"


@dataclass(slots=True)
class _Lane:
    waiting: WaitingLines[_Turn]
    is_busy: bool = False
    finished: int = 0
    wait_ms: RollingWindow = field(default_factory=RollingWindow)


class Lanes:
    """Lanes by name, made when first used.

    Args:
        clock: Measures waiting.
        ageing_ms: As in the queues: waiting that promotes a run by one class.
    """

    def __init__(self, clock: Clock, ageing_ms: float) -> None:
        self._clock = clock
        self._ageing_ms = ageing_ms
        self._lanes: dict[str, _Lane] = {}
        self._numbers = itertools.count()
        self._asking: set[asyncio.Task[None] | None] = set()

    async def ask(
        self,
        name: str,
        rider: Rider,
        request: Callable[[], Coroutine[Any, Any, T]],
        abandoned: Callable[["asyncio.Task[None]"], None] | None = None,
    ) -> T:
        """Make ``request`` when the lane is free and it is the turn of ``rider``'s run.

        Returns and raises what the request does.

        Args:
            name: The lane's.
            rider: The run.
            request: What to ask the engine.
            abandoned: Hears that nobody waits for the request any more; the task is done when
                the engine has answered.

        Raises:
            RefusedError: ``run-ended``: the run has, before or while it waited.
        """
        lane = self._lanes.get(name)
        if lane is None:
            lane = self._lanes[name] = _Lane(WaitingLines(self._ageing_ms))
        await self._turn(lane, rider)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        asking = asyncio.create_task(self._ask(lane, request, answer))
        self._asking.add(asking)
        try:
            return await answer
        except asyncio.CancelledError:
            if abandoned is not None and not asking.done():
                abandoned(asking)
            raise

    def load(self, name: str) -> int:
        """Return how many requests wait or run in a lane."""
        lane = self._lanes.get(name)
        return 0 if lane is None else len(lane.waiting) + lane.is_busy

    def set_ageing(self, ageing_ms: float) -> None:
        """Promote by one class per ``ageing_ms`` from now on."""
        self._ageing_ms = ageing_ms
        for lane in self._lanes.values():
            lane.waiting.ageing_ms = ageing_ms

    async def stop(self) -> None:
        """Wait for no engine any more."""
        asking = [task for task in self._asking if task is not None]
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)

    def statistics(self) -> dict[str, LaneStatistics]:
        """Return the figures of each lane, by its name."""
        return {
            name: LaneStatistics(
                waiting=len(lane.waiting),
                running=int(lane.is_busy),
                finished=lane.finished,
                waitMs=Percentiles(
                    p50=lane.wait_ms.percentile(50), p99=lane.wait_ms.percentile(99)
                ),
            )
            for name, lane in self._lanes.items()
        }

    async def _turn(self, lane: _Lane, rider: Rider) -> None:
        rider.check()  # It may have ended while its model was loaded.
        if not lane.is_busy:
            lane.is_busy = True
            lane.wait_ms.add(0.0)
            return
        began_ms = self._clock.monotonic_ms()
        comes: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (rider.number, next(self._numbers))
        turn = _Turn(rider.priority, rider.since_ms, place, comes)
        lane.waiting.push(turn)
        try:
            await comes
            wait_ms = self._clock.monotonic_ms() - began_ms
            lane.wait_ms.add(wait_ms)
            rider.waited_in_lane(wait_ms)
            rider.check()
        except BaseException:
            # Whose turn had come already passes it on.
            if not lane.waiting.remove(turn):
                self._next(lane)
            raise

    async def _ask(
        self,
        lane: _Lane,
        request: Callable[[], Coroutine[Any, Any, T]],
        answer: "asyncio.Future[T]",
    ) -> None:
        try:
            reply = await request()
            if not answer.done():
                answer.set_result(reply)
        except asyncio.CancelledError:
            answer.cancel()
            raise
        except Exception as error:
            if not answer.done():
                answer.set_exception(error)
        finally:
            lane.finished += 1
            # By itself, as a callback would cost a turn of the loop.
            self._asking.discard(asyncio.current_task())
            self._next(lane)

    def _next(self, lane: _Lane) -> None:
        turn = lane.waiting.first(self._clock.monotonic_ms())
        lane.is_busy = turn is not None
        if turn is not None:
            lane.waiting.remove(turn)
            turn.comes.set_result(None)
