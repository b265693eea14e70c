"""Steps of runs: the deadline is there while a task's own code runs, and at no other time."""

import asyncio
import ctypes
import signal
from collections.abc import Iterator

import pytest
from edge_runtime.guest.pace import CURRENT, Budget, Pace


class Watcher:
    """An interpreter that lets tests see what is watched."""

    def watch(self, address: int, now_ms: float) -> None:
        self._cell = (ctypes.c_double * 2).from_address(address)

    def heap_bytes(self) -> int:
        return 0

    async def install(self, name: str, wheel: object) -> None: ...

    @property
    def watched(self) -> tuple[float, float]:
        return self._cell[0], self._cell[1]


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def pace(watcher: Watcher) -> Iterator[Pace]:
    pace = Pace(watcher)
    yield pace
    pace.close()


def budget(name: str = "r", ahead_ms: float = 60_000, heap_bytes: int = 0) -> Budget:
    return Budget(name, "Rank", Pace.now_ms() + ahead_ms, heap_bytes)


def test_a_callback_that_prints_leaves_no_deadline_behind(pace: Pace, watcher: Watcher) -> None:
    async def play() -> None:
        async def work() -> None:
            asyncio.get_running_loop().call_soon(callback)

        def callback() -> None:
            assert CURRENT.get() is not None
            with pace.masked():
                pass

        await pace.run(work(), budget())
        await asyncio.sleep(0)
        assert watcher.watched == (0.0, 0.0)

    asyncio.run(play())


def test_a_step_within_another_gives_its_limits_back(pace: Pace, watcher: Watcher) -> None:
    outer, inner = budget("outer", heap_bytes=7), budget("inner", heap_bytes=5)
    seen = []

    async def nothing() -> None:
        seen.append(watcher.watched)

    async def work() -> None:
        with pace.masked(), pytest.raises(StopIteration):
            pace.run(nothing(), inner).send(None)
        seen.append(watcher.watched)

    asyncio.run(pace.run(work(), outer))

    assert seen == [(inner.deadline_ms, 5.0), (outer.deadline_ms, 7.0)]


def test_a_signal_that_comes_when_the_runtimes_code_has_begun_is_dropped(pace: Pace) -> None:
    async def work() -> str:
        with pace.masked():
            signal.raise_signal(signal.SIGINT)
        return "whole"

    assert asyncio.run(pace.run(work(), budget(ahead_ms=-1))) == "whole"


def test_what_a_run_starts_is_stepped_and_ends_with_it(pace: Pace, watcher: Watcher) -> None:
    own, seen = budget(), []

    async def child() -> None:
        seen.append(watcher.watched[0])
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    async def work() -> None:
        asyncio.create_task(child())
        await asyncio.sleep(0)

    async def play() -> None:
        pace.follow(asyncio.get_running_loop())
        await pace.run(work(), own)
        for _ in range(3):
            await asyncio.sleep(0)
        assert seen == [own.deadline_ms, "ended"] and not own.started

    asyncio.run(play())


@pytest.mark.parametrize("raised", [SystemExit, KeyboardInterrupt])
def test_what_would_end_the_loop_ends_the_task_that_raised_it(
    pace: Pace, raised: type[BaseException]
) -> None:
    async def child() -> None:
        raise raised

    async def work() -> None:
        await asyncio.create_task(child())

    async def play() -> None:
        pace.follow(asyncio.get_running_loop())
        with pytest.raises(RuntimeError, match=raised.__name__):
            await pace.run(work(), budget())

    asyncio.run(play())
