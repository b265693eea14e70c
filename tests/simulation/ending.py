"""The end of a loop that came to no good end: nothing is left for the garbage collector."""

import asyncio
from contextlib import suppress
from typing import Any

from edge_runtime.testing.virtual_loop import VirtualLoop


def close_tasks(loop: VirtualLoop) -> None:
    """Close all that is under way on ``loop``, and what that begins in its turn."""
    closed: set[asyncio.Task[Any]] = set()
    is_done = False

    def close() -> None:
        nonlocal is_done
        while tasks := asyncio.all_tasks() - closed:
            for task in tasks:
                with suppress(Exception, asyncio.CancelledError):
                    task.get_coro().close()  # type: ignore[union-attr]
            closed.update(tasks)
        is_done = True
        loop.stop()

    loop.call_soon(close)
    # Others come first, and may stop the loop.
    while not is_done:
        loop.run_forever()
