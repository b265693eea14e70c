"""The time of a trace: waiting is left out, time never goes back."""

import asyncio

from edge_runtime.testing.manual_clock import ManualClock

from web_runtime.authoring.trace_clock import TraceClock


def test_time_goes_on_by_itself_and_by_leaps() -> None:
    async def story() -> None:
        real = ManualClock()
        clock = TraceClock(real, 5_000.0)
        await real.advance(10)
        assert (clock.monotonic_ms(), clock.now_ms()) == (10, 5_010)

        clock.go_to(100)
        assert (clock.monotonic_ms(), clock.now_ms()) == (100, 5_100)
        clock.go_to(50)
        assert clock.monotonic_ms() == 100

        clock.set_now(9_000)
        await real.advance(1)
        assert (clock.monotonic_ms(), clock.now_ms()) == (101, 9_001)

    asyncio.run(story())


def test_sleeping_takes_real_time() -> None:
    async def story() -> None:
        real = ManualClock()
        sleep = asyncio.create_task(TraceClock(real, 0).sleep_ms(20))
        await real.advance(19)
        assert not sleep.done()
        await real.advance(1)
        assert sleep.done()

    asyncio.run(story())
