"""What every Clock must do; a clock that moves when told is moved by ``run``."""

import asyncio

from edge_runtime.host.ports import Host

YEAR_2020_MS = 1_577_836_800_000


async def check_now_is_unix_time_in_milliseconds(host: Host) -> None:
    assert YEAR_2020_MS < host.clock.now_ms() < 10 * YEAR_2020_MS


async def check_monotonic_time_never_goes_back(host: Host) -> None:
    times = [host.clock.monotonic_ms() for _ in range(100)]
    assert times == sorted(times)


async def check_sleepers_wake_in_the_order_of_their_times(host: Host) -> None:
    woken: list[int] = []

    async def sleep(duration_ms: int) -> None:
        await host.clock.sleep_ms(duration_ms)
        woken.append(duration_ms)

    # Far apart: between two starts a busy machine may stand still for a while.
    started_ms = host.clock.monotonic_ms()
    await asyncio.gather(sleep(400), sleep(200), sleep(0))
    assert woken == [0, 200, 400]
    # A browser's clock is coarse, so a sleep may seem a little shorter than asked for.
    assert host.clock.monotonic_ms() - started_ms >= 399


async def check_a_sleep_can_be_cancelled(host: Host) -> None:
    sleeping = asyncio.ensure_future(host.clock.sleep_ms(3_600_000))
    await asyncio.sleep(0)
    sleeping.cancel()
    await asyncio.wait([sleeping])
    assert sleeping.cancelled()
