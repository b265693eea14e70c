"""Steps of runs: the deadline is there while a task's own code runs, and at no other time."""

import asyncio
import ctypes
import gc
import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest
from edge_runtime.guest import pace as pace_module
from edge_runtime.guest.pace import CURRENT, Budget, Pace

# Steps of what ignores its end, which would go on for ever.
PATIENCE = 100_000


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
        assert seen == [own.deadline_ms, "ended"] and not own.started

    asyncio.run(play())


def test_what_a_run_starts_may_take_its_time_to_end(pace: Pace) -> None:
    own, seen = budget(), []

    async def child() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            for _ in range(50):
                await asyncio.sleep(0)
            seen.append("ended")

    async def work() -> str:
        asyncio.create_task(child())
        await asyncio.sleep(0)
        return "whole"

    async def play() -> None:
        pace.follow(asyncio.get_running_loop())
        own.say = lambda *said: seen.extend(said)
        assert await pace.run(work(), own) == "whole"
        assert seen == ["ended"]

    asyncio.run(play())


# What is closed and says no is closed again when its memory is freed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("is_cancelled", [False, True])
def test_what_a_run_starts_and_does_not_end_with_it_is_closed(
    pace: Pace, is_cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module, "_GRACE_S", 0.01)
    own, said, steps = budget(), [], []

    async def child() -> None:
        for _ in range(PATIENCE):
            try:
                steps.append(1)
                await asyncio.sleep(0)
            except asyncio.CancelledError:
                asyncio.create_task(child())
            except GeneratorExit:
                pass

    async def work() -> str:
        asyncio.create_task(child())
        await asyncio.sleep(0)
        if is_cancelled:
            await asyncio.Event().wait()
        return "whole"

    async def play() -> None:
        pace.follow(asyncio.get_running_loop())
        own.say = lambda *line: said.append(line)
        run = asyncio.create_task(pace.run(work(), own))
        if is_cancelled:
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            run.cancel()
        await asyncio.wait([run])
        assert run.cancelled() if is_cancelled else run.result() == "whole"
        before = len(steps)
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(steps) == before and not own.started
        assert [level for level, _ in said] == ["warning"]

    asyncio.run(play())
    gc.collect()


def test_a_run_that_is_cancelled_while_it_ends_leaves_nothing_behind(pace: Pace) -> None:
    steps = []

    async def child() -> None:
        for _ in range(PATIENCE):
            with suppress(asyncio.CancelledError):
                steps.append(1)
                await asyncio.sleep(0)

    async def work() -> None:
        asyncio.create_task(child())
        await asyncio.sleep(0)

    async def play() -> None:
        pace.follow(asyncio.get_running_loop())
        run = asyncio.create_task(pace.run(work(), budget()))
        for _ in range(5):
            await asyncio.sleep(0)
        run.cancel()
        await asyncio.wait([run])
        before = len(steps)
        for _ in range(20):
            await asyncio.sleep(0)
        assert run.cancelled() and len(steps) == before

    asyncio.run(play())


def test_what_a_run_leaves_to_start_behind_its_end_does_not_begin(pace: Pace) -> None:
    seen = []

    async def child() -> None:
        seen.append("begun")

    async def work() -> None:
        loop = asyncio.get_running_loop()
        loop.call_soon(lambda: loop.call_soon(lambda: asyncio.create_task(child())))

    async def play() -> None:
        pace.follow(asyncio.get_running_loop())
        await pace.run(work(), budget())
        for _ in range(5):
            await asyncio.sleep(0)
        assert seen == []

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
