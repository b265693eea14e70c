"""What is left to do when code that will not end holds the slots: another worker."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

from ..host.ports import Clock, Page
from ..pure.tickets import STUCK_MS

FLUSH_MS: Final = 2_000
"""How long it waits for what was tracked to become durable; pages send the rest again."""


class Replacement:
    """Asks for it once.

    Args:
        clock: Measures.
        page: Is asked.
        flush: Makes durable what the next worker is to go on with.
    """

    def __init__(self, clock: Clock, page: Page, flush: Callable[[], Awaitable[None]]) -> None:
        self._clock = clock
        self._page = page
        self._flush = flush
        self._asking: asyncio.Task[None] | None = None

    def ask(self) -> None:
        """Have the worker replaced soon."""
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())

    async def _ask(self) -> None:
        flush = asyncio.ensure_future(self._flush())
        patience = asyncio.create_task(self._clock.sleep_ms(FLUSH_MS))
        await asyncio.wait([flush, patience], return_when=asyncio.FIRST_COMPLETED)
        for each in (flush, patience):
            each.cancel()
        # Whatever the flush says: without another worker nothing would run any more.
        await asyncio.gather(flush, patience, return_exceptions=True)
        self._page.replace_worker(
            "tasks were expected to return when they were cancelled, got none that did within "
            f"{STUCK_MS / 1_000:g} s in any slot but the one kept for core"
        )
