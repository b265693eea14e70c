"""Waiting for code that was asked to end."""

import asyncio

from edge_runtime.services.container_going import patiently
from edge_runtime.testing.manual_clock import ManualClock

PATIENCE_MS = 300


class HeldUp(ManualClock):
    """A thread that was held up: the time is over first, and the message is read right after it."""

    def __init__(self, done: "asyncio.Future[None]") -> None:
        super().__init__()
        self._done = done

    async def sleep_ms(self, duration_ms: float) -> None:
        if duration_ms == 0:
            self._done.set_result(None)


def test_what_is_not_done_is_waited_for_as_long_as_said() -> None:
    async def play() -> None:
        clock, done = ManualClock(), asyncio.get_running_loop().create_future()
        waiting = asyncio.create_task(patiently(clock, done, PATIENCE_MS))

        await clock.advance(PATIENCE_MS - 1)
        assert not waiting.done()
        await clock.advance(1)
        assert waiting.done() and not done.done()

    asyncio.run(play())


def test_a_message_that_came_in_time_is_read_although_the_time_is_over() -> None:
    async def play() -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

        await patiently(HeldUp(done), done, PATIENCE_MS)

        assert done.done()

    asyncio.run(play())
