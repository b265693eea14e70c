"""The clock that moves when told."""

import asyncio

from edge_runtime.testing.manual_clock import START_MS, ManualClock


def test_sleepers_wake_in_order_and_see_their_own_time() -> None:
    async def scenario() -> None:
        clock = ManualClock()
        seen: list[tuple[str, float]] = []

        async def sleep(name: str, duration_ms: float) -> None:
            await clock.sleep_ms(duration_ms)
            seen.append((name, clock.monotonic_ms()))

        sleeping = asyncio.gather(
            sleep("late", 30), sleep("a", 10), sleep("b", 10), sleep("now", 0)
        )
        await clock.advance(29)
        assert seen == [("now", 0), ("a", 10), ("b", 10)]
        assert clock.now_ms() == START_MS + 29

        await clock.advance(1)
        await sleeping
        assert seen[-1] == ("late", 30)

    asyncio.run(scenario())


def test_a_sleeper_woken_on_the_way_may_sleep_again_within_the_same_advance() -> None:
    async def scenario() -> None:
        clock = ManualClock()
        ticks: list[float] = []

        async def tick() -> None:
            for _ in range(3):
                await clock.sleep_ms(10)
                ticks.append(clock.monotonic_ms())

        ticking = asyncio.create_task(tick())
        await clock.advance(100)
        await ticking
        assert ticks == [10, 20, 30]

    asyncio.run(scenario())


def test_setting_the_time_wakes_nobody_and_cancelled_sleepers_are_forgotten() -> None:
    async def scenario() -> None:
        clock = ManualClock()
        sleeping = asyncio.create_task(clock.sleep_ms(10))
        await clock.advance(0)
        clock.set_now(START_MS + 1_000_000)
        assert (clock.sleepers, clock.monotonic_ms()) == (1, 0)

        sleeping.cancel()
        await clock.advance(50)
        assert (clock.sleepers, clock.now_ms()) == (0, START_MS + 1_000_050)

    asyncio.run(scenario())
