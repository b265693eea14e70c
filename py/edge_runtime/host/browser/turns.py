"""Shorter turns of the event loop than Pyodide's own.

Pyodide schedules every callback with a timer of its own: an awaited coroutine costs 0.35 ms in
Chromium and 9 ms in WebKit. One message per burst of callbacks halves the first and divides the
second by twelve.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from contextvars import Context, copy_context
from typing import Any, Final

import js
from pyodide.ffi import create_proxy

from ...pure.urgency import is_urgent

# Messages of the page wait while a turn goes on: it ends after so many callbacks, and so long.
_CALLBACKS_PER_TURN: Final = 100
_TURN_S: Final = 0.004
# Then one that is not urgent, which would else never run while urgent ones fill the loop.
_URGENT_IN_A_ROW: Final = 8


class Turns:
    """Ready callbacks, run from one message to ourselves: urgent ones first, each kind in order.

    Args:
        loop: What they belong to.
        clock_s: A time that never goes back, in seconds.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._loop = loop
        self._clock_s = clock_s
        self._urgent: deque[asyncio.Handle] = deque()
        self._ready: deque[asyncio.Handle] = deque()
        self._in_a_row = 0
        self._is_posted = False
        self._was_long = False
        channel = js.MessageChannel.new()
        # Kept for ever, like the loop: the port must be able to call it at any time.
        channel.port1.onmessage = create_proxy(self._take_turn)
        self._channel = channel
        self._post = channel.port2.postMessage

    def call_soon(
        self, callback: Callable[..., Any], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        """Run ``callback`` in one of the next turns; replaces the loop's method of this name."""
        # An empty context is falsy.
        context = copy_context() if context is None else context
        handle = asyncio.Handle(callback, args, self._loop, context)
        (self._urgent if is_urgent(context) else self._ready).append(handle)
        self._ensure_posted()
        return handle

    def _take_turn(self, _message: Any) -> None:
        if self._was_long and not self._urgent:
            # What came for the worker during that turn, or while it served that, goes first.
            self._was_long = False
            self._post(None)
            return
        self._is_posted = False
        end_s = self._clock_s() + _TURN_S
        try:
            for _ in range(_CALLBACKS_PER_TURN):
                if not self._urgent and not self._ready:
                    return
                handle = self._next()
                if not handle.cancelled():
                    handle._run()
                if self._clock_s() >= end_s:
                    self._was_long = True
                    return
        finally:
            if self._urgent or self._ready:
                self._ensure_posted()

    def _next(self) -> asyncio.Handle:
        if self._urgent and (not self._ready or self._in_a_row < _URGENT_IN_A_ROW):
            self._in_a_row += 1
            return self._urgent.popleft()
        self._in_a_row = 0
        return self._ready.popleft()

    def _ensure_posted(self) -> None:
        if not self._is_posted:
            self._is_posted = True
            self._post(None)


def install_turns(loop: asyncio.AbstractEventLoop) -> Turns:
    """Make ``loop`` schedule ready callbacks by messages; timers stay the browser's."""
    turns = Turns(loop)
    loop.call_soon = turns.call_soon  # type: ignore[method-assign, assignment]
    return turns
