"""Tests that wait, each in a loop of its own."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any


def running(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test in a loop of its own."""

    def run() -> None:
        asyncio.run(test())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run
