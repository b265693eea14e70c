"""Virtual time: the order of callbacks, jumps to the next timer, deadlocks, repeatable disorder."""

import asyncio
import importlib
import unittest
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from edge_runtime.testing.virtual_clock import VirtualClock
from edge_runtime.testing.virtual_loop import VirtualLoop, create_virtual_loop
from hypothesis import given
from hypothesis import strategies as st

HOUR_S = 3_600


def run(main: Callable[[], Awaitable[Any]], seed: int | None = None) -> Any:
    loop = create_virtual_loop(seed)
    result = loop.run_until_complete(main())
    assert loop.unhandled == []
    return result


def test_an_hour_passes_as_fast_as_its_callbacks_run() -> None:
    loop = create_virtual_loop()

    loop.run_until_complete(asyncio.sleep(1_000 * HOUR_S))

    assert loop.time() == 1_000 * HOUR_S


def test_ready_callbacks_run_in_the_order_in_which_they_came() -> None:
    loop, seen = create_virtual_loop(), []
    for number in range(5):
        loop.call_soon(seen.append, number)

    loop.run_until_idle(0)

    assert seen == [0, 1, 2, 3, 4]


@given(st.lists(st.integers(0, 5)))
def test_timers_run_in_the_order_of_their_times_then_of_their_setting(delays: list[int]) -> None:
    loop, seen = create_virtual_loop(), []
    for number, delay in enumerate(delays):
        loop.call_later(delay, seen.append, (delay, number))

    loop.run_forever()

    assert seen == sorted(seen) and len(seen) == len(delays)


@pytest.mark.parametrize("seed", [None, 1, 2])
def test_time_stands_still_while_anything_is_ready(seed: int | None) -> None:
    loop, seen = create_virtual_loop(seed), []
    loop.call_at_ms(5, lambda: loop.call_soon(loop.call_soon, lambda: seen.append(loop.now_ms)))
    loop.call_at_ms(6, lambda: seen.append(loop.now_ms))

    loop.run_forever()

    assert seen == [5, 6]


def test_a_loop_at_rest_stands_exactly_where_it_was_told_to() -> None:
    loop, seen = create_virtual_loop(), []
    for at_ms in (10, 20, 20.5):
        loop.call_at_ms(at_ms, seen.append, at_ms)

    loop.run_until_idle(20)

    assert (seen, loop.now_ms) == ([10, 20], 20)


def test_a_cancelled_timer_neither_runs_nor_moves_time() -> None:
    loop, seen = create_virtual_loop(), []
    loop.call_later(HOUR_S, seen.append, "never").cancel()

    loop.run_forever()

    assert (seen, loop.now_ms) == ([], 0)


def test_a_cancelled_sleeper_wakes_at_once() -> None:
    async def main() -> float:
        sleeping = asyncio.create_task(asyncio.sleep(HOUR_S))
        await asyncio.sleep(1)
        sleeping.cancel()
        await asyncio.wait([sleeping])
        assert sleeping.cancelled()
        return asyncio.get_running_loop().time()

    assert run(main) == 1


def test_who_can_never_go_on_is_reported_as_a_deadlock() -> None:
    async def main() -> None:
        await asyncio.sleep(2)
        await asyncio.Event().wait()

    loop = create_virtual_loop()
    task = loop.create_task(main())
    with pytest.raises(RuntimeError, match=r"virtual time 2000 ms: expected .* got a deadlock"):
        loop.run_until_complete(task)
    task.cancel()
    loop.run_until_idle(2_000)


def test_an_exception_leaves_and_one_nobody_handled_is_kept() -> None:
    def fail() -> None:
        raise LookupError("told")

    loop = create_virtual_loop()
    loop.call_soon(fail)

    async def main() -> None:
        await asyncio.sleep(0)
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        loop.run_until_complete(main())
    (context,) = loop.unhandled
    assert isinstance(context["exception"], LookupError)


def test_it_runs_from_synchronous_code_while_another_loop_counts_as_running() -> None:
    async def inner() -> VirtualLoop:
        await asyncio.sleep(HOUR_S)
        return asyncio.get_running_loop()

    outer, loop = create_virtual_loop(), create_virtual_loop()
    outer.call_soon(lambda: loop.run_until_complete(inner()))
    outer.run_forever()

    assert (outer.now_ms, loop.now_ms, outer.unhandled) == (0, HOUR_S * 1000, [])


def test_a_closed_loop_takes_nothing_more() -> None:
    loop = create_virtual_loop()
    loop.close()

    with pytest.raises(RuntimeError, match="got a closed one"):
        loop.call_soon(print)


async def finished_order() -> list[int]:
    seen: list[int] = []

    async def step(number: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        seen.append(number)

    await asyncio.gather(*map(step, range(8)))
    return seen


def test_a_seed_changes_the_order_of_ready_callbacks_and_repeats_with_it() -> None:
    orders = {tuple(run(finished_order, seed)) for seed in range(20)}

    assert len(orders) > 10
    assert run(finished_order, 7) == run(finished_order, 7)
    assert run(finished_order) == list(range(8))


@pytest.mark.parametrize("seed", [None, *range(10)])
def test_what_asyncio_offers_holds_in_any_order(seed: int | None) -> None:
    async def main() -> list[str]:
        lock, told, seen = asyncio.Lock(), asyncio.Event(), []

        async def guarded(name: str) -> None:
            await told.wait()
            async with lock:
                seen.append(f"{name} in")
                await asyncio.sleep(1)
                seen.append(f"{name} out")

        async with asyncio.TaskGroup() as group:
            for name in "abc":
                group.create_task(guarded(name))
            await asyncio.sleep(1)
            told.set()
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1):
                await asyncio.Event().wait()
        sleeping = [asyncio.create_task(asyncio.sleep(delay, delay)) for delay in (3, 1, 2)]
        done, _ = await asyncio.wait(sleeping, return_when=asyncio.FIRST_COMPLETED)
        assert [task.result() for task in done] == [1]
        assert await asyncio.gather(*sleeping) == [3, 1, 2]
        return seen

    seen = run(main, seed)
    for entered, left in zip(seen[::2], seen[1::2], strict=True):
        assert (entered[2:], left[2:]) == ("in", "out") and entered[0] == left[0]


@pytest.mark.parametrize("name", ["locks", "queues", "taskgroups", "timeouts", "waitfor"])
def test_cpythons_own_tests_pass_on_it(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip(f"test.test_asyncio.test_{name}", reason="no test suite here")
    monkeypatch.setattr(asyncio.events, "new_event_loop", create_virtual_loop)
    outcome = unittest.TestResult()

    unittest.defaultTestLoader.loadTestsFromModule(importlib.reload(module)).run(outcome)

    assert outcome.testsRun > 5
    assert [str(test) + text for test, text in outcome.failures + outcome.errors] == []


def test_the_clock_tells_both_times_and_only_one_can_be_set() -> None:
    async def main() -> None:
        clock = VirtualClock(asyncio.get_running_loop(), now_ms=1_000_000)
        await clock.sleep_ms(0.1)
        await clock.sleep_ms(-5)
        assert (clock.now_ms(), clock.monotonic_ms()) == (1_000_000.1, 0.1)
        clock.set_now(500)
        await clock.sleep_ms(1_000)
        assert (clock.now_ms(), clock.monotonic_ms()) == (1_500, 1_000.1)

    run(main)
