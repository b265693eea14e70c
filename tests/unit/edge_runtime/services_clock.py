"""Time for what waits on a fake host's clock by itself."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from edge_runtime.testing.fake_host import FakeHost


async def moving(host: FakeHost, act: Coroutine[Any, Any, None]) -> None:
    """Await ``act`` while the clock moves on whenever somebody sleeps."""
    acting = asyncio.ensure_future(act)
    while not acting.done():
        await host.clock.advance(10)
    await acting
