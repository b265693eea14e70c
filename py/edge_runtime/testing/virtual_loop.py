"""An event loop on virtual time: hours pass as fast as their callbacks run.

::

    loop = create_virtual_loop(seed=7)
    loop.run_until_complete(main(VirtualClock(loop)))

Nothing here looks at the real time, at a selector or at threads, so the same coroutines take the
same steps in CPython and, run from synchronous code, in Pyodide.
"""

import asyncio
import heapq
import itertools
import random
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context
from typing import Any, TypeVar, TypeVarTuple

T = TypeVar("T")
_Ts = TypeVarTuple("_Ts")


class VirtualLoop(asyncio.AbstractEventLoop):
    """Ready callbacks first; when there are none, time jumps to the next timer.

    Timers of one instant become ready together, in the order in which they were set.

    Args:
        seed: Takes ready callbacks in a random order that repeats with it; None: as they came.
        now_ms: Where time begins, milliseconds.

    Attributes:
        now_ms: Virtual time, milliseconds.
        unhandled: What nobody handled: contexts as asyncio's exception handlers get them.
    """

    def __init__(self, seed: int | None = None, now_ms: float = 0.0) -> None:
        self.now_ms = now_ms
        self.unhandled: list[dict[str, Any]] = []
        self._ready: deque[asyncio.Handle] = deque()
        self._timers: list[tuple[float, int, asyncio.TimerHandle]] = []
        self._order = itertools.count()
        self._random = None if seed is None else random.Random(seed)
        self._handler: Callable[..., object] | None = None
        self._debug = self._is_closed = self._is_stopping = self._is_running = False

    def time(self) -> float:
        """Return virtual seconds, as asyncio wants them."""
        return self.now_ms / 1000

    def call_soon(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Make ``callback`` ready."""
        self._check_open()
        handle = asyncio.Handle(callback, args, self, context)
        self._ready.append(handle)
        return handle

    def call_soon_threadsafe(
        self, callback: Callable[[*_Ts], object], *args: *_Ts, context: Context | None = None
    ) -> asyncio.Handle:
        """Make ``callback`` ready; there are no other threads."""
        return self.call_soon(callback, *args, context=context)

    def call_later(
        self,
        delay: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Make ``callback`` ready ``delay`` seconds from now."""
        return self.call_at_ms(self.now_ms + delay * 1000, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Make ``callback`` ready at ``when``, seconds of :meth:`time`."""
        return self.call_at_ms(when * 1000, callback, *args, context=context)

    def call_at_ms(
        self,
        at_ms: float,
        callback: Callable[[*_Ts], object],
        *args: *_Ts,
        context: Context | None = None,
    ) -> asyncio.TimerHandle:
        """Make ``callback`` ready at ``at_ms``; milliseconds, so that no digit is lost."""
        self._check_open()
        timer = asyncio.TimerHandle(at_ms / 1000, callback, args, self, context)
        heapq.heappush(self._timers, (at_ms, next(self._order), timer))
        return timer

    def create_future(self) -> "asyncio.Future[Any]":
        """Return a future of this loop."""
        return asyncio.Future(loop=self)

    def create_task(
        self, coro: Coroutine[Any, Any, T] | Generator[Any, None, T], **options: Any
    ) -> "asyncio.Task[T]":
        """Return a task that takes its first step soon."""
        self._check_open()
        return asyncio.Task(coro, loop=self, **options)

    def run_until_complete(self, future: Any) -> Any:
        """Run until ``future`` is done; return its result.

        Raises:
            RuntimeError: Nothing can go on any more, yet it is not done: a deadlock.
        """
        task = asyncio.ensure_future(future, loop=self)
        task.add_done_callback(self._stop_with)
        try:
            is_stopped = self._run(float("inf"))
        finally:
            task.remove_done_callback(self._stop_with)
        if not is_stopped:
            text = f"virtual time {self.now_ms:g} ms: expected {task!r} to end, got a deadlock: "
            raise RuntimeError(text + "nothing is ready and nobody waits for a time.")
        return task.result()

    def run_until_idle(self, at_ms: float) -> None:
        """Do all that is due up to ``at_ms`` and all that follows from it; it is ``at_ms`` then."""
        self._run(at_ms)
        self.now_ms = max(self.now_ms, at_ms)

    def run_forever(self) -> None:
        """Run until :meth:`stop`, or until nothing can go on."""
        self._run(float("inf"))

    def stop(self) -> None:
        """Return from running after the callback that runs now."""
        self._is_stopping = True

    def is_running(self) -> bool:
        """Say whether callbacks are being run."""
        return self._is_running

    def is_closed(self) -> bool:
        """Say whether :meth:`close` was called."""
        return self._is_closed

    def close(self) -> None:
        """Forget all that is ready or waits for a time."""
        self._is_closed = True
        self._ready.clear()
        self._timers.clear()

    async def shutdown_asyncgens(self) -> None:
        """Do nothing: asynchronous generators are left to the garbage collector."""

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:
        """Do nothing: there is none."""

    def get_debug(self) -> bool:
        """Say whether asyncio checks more."""
        return self._debug

    def set_debug(self, enabled: bool) -> None:
        """Have asyncio check more."""
        self._debug = enabled

    def set_exception_handler(self, handler: Callable[..., object] | None) -> None:
        """Hand what nobody handled to ``handler`` instead of keeping it."""
        self._handler = handler

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Keep what nobody handled."""
        if self._handler is not None:
            self._handler(self, context)
        else:
            self.unhandled.append(context)

    def _timer_handle_cancelled(self, handle: asyncio.TimerHandle) -> None:
        """Leave it where it is: it is skipped, and time does not stop for it."""

    def _stop_with(self, _future: object) -> None:
        self.stop()

    def _run(self, until_ms: float) -> bool:
        """Run until stopped or nothing is due at ``until_ms``; say whether it was stopped."""
        if self._is_running:
            raise RuntimeError("virtual loop: expected one at rest, got one that runs already.")
        # In Pyodide the browser's loop counts as running all the time.
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(self)
        self._is_running, self._is_stopping = True, False
        try:
            while not self._is_stopping and (self._ready or self._take_timers(until_ms)):
                self._run_next()
            return self._is_stopping
        finally:
            self._is_running = False
            asyncio._set_running_loop(outer)

    def _run_next(self) -> None:
        if self._random is not None and len(self._ready) > 1:
            self._ready.rotate(self._random.randrange(len(self._ready)))
        handle = self._ready.popleft()
        if not handle.cancelled():
            handle._run()

    def _take_timers(self, until_ms: float) -> bool:
        """Move to the next timer and make all of its instant ready; say whether there is one."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers or self._timers[0][0] > until_ms:
            return False
        self.now_ms = max(self.now_ms, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self.now_ms:
            self._ready.append(heapq.heappop(self._timers)[2])
        return True

    def _check_open(self) -> None:
        if self._is_closed:
            raise RuntimeError("virtual loop: expected an open one, got a closed one.")


def create_virtual_loop(seed: int | None = None, now_ms: float = 0.0) -> VirtualLoop:
    """Return a loop; see :class:`VirtualLoop`."""
    # Sockets, pipes, processes and signals are the abstract class's: they raise.
    return VirtualLoop(seed, now_ms)  # type: ignore[abstract]
