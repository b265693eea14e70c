"""Runs tasks' coroutines step by step: who is at it, until when, how long it computed.

The interpreter watches a deadline in its memory (:meth:`..host.ports.machines.Interpreter.watch`)
and raises SIGINT in code that passes it. The deadline is there only while a task's own code
runs: the runtime's code, called by a task or not, is never interrupted.
"""

import asyncio
import signal
import time
from array import array
from collections.abc import Callable, Coroutine, Generator, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import partial
from types import FrameType
from typing import Any, Final, TypeVar

from ..host.ports.machines import Interpreter
from ..pure.log_lines import Lines

T = TypeVar("T")

_WATCHED: "Final[list[array[float]]]" = []
_STRAY_MS: Final = 1_000
_GRACE_S: Final = 0.3


class Overdue(asyncio.CancelledError):
    """Raised in a task's code that goes on behind its deadline."""


@dataclass(eq=False, slots=True)
class Budget:
    """What one run may use, and what it has used.

    Attributes:
        run_id: The run's.
        task_name: Its task.
        deadline_ms: On the pace's clock; inf for none.
        heap_bytes: Size of the heap that it may not pass; 0 for none.
        cpu_ms: Time its code has computed so far.
        say: Gets level and text of what it logs.
        lines: What it has printed and logged.
        started: Tasks that it has started and that go on.
        is_over: They take no step of their own any more.
    """

    run_id: str
    task_name: str
    deadline_ms: float
    heap_bytes: int = 0
    cpu_ms: float = 0.0
    say: Callable[[str, str], None] | None = None
    lines: Lines = field(default_factory=Lines)
    started: set[asyncio.Task[Any]] = field(default_factory=set)
    is_over: bool = False


CURRENT: Final[ContextVar[Budget | None]] = ContextVar("edge_run", default=None)
"""The run whose code this is; None in the runtime's own."""


class Pace:
    """Steps of all runs in one interpreter.

    Args:
        interpreter: Watches deadlines; None: nobody does.
        on_step: Told the run whose code begins a step, where several runs go on.
    """

    def __init__(
        self,
        interpreter: Interpreter | None = None,
        on_step: Callable[[Budget], None] | None = None,
    ) -> None:
        self._cell = array("d", [0.0, 0.0])
        self._on_step = on_step
        self._last: Budget | None = None
        self._at: Budget | None = None
        self._going = 0
        self._stray_ms = 0.0
        self._interpreter = interpreter
        self._handler_before: Any = None
        self._followed: tuple[Any, Any] | None = None
        if interpreter is not None:
            # Whoever watches reads this memory at any time, also when the pace is gone.
            _WATCHED.append(self._cell)
            # Only the main thread hears signals; a runtime in another one goes without.
            with suppress(ValueError):
                self._handler_before = signal.signal(signal.SIGINT, self._interrupt)
                interpreter.watch(self._cell.buffer_info()[0], self.now_ms())

    def close(self) -> None:
        """Have nobody interrupted any more."""
        if self._handler_before is not None:
            signal.signal(signal.SIGINT, self._handler_before)
            self._handler_before = None
        if self._followed is not None:
            self._followed[0].create_task = self._followed[1]
            self._followed = None

    def follow(self, loop: Any) -> None:
        """Step what runs start as tasks of this loop, too, and end it with them."""
        if self._followed is not None:
            return
        self._followed = loop, loop.create_task
        # A task factory would do, but for Pyodide's loop, which cannot have one.
        loop.create_task = partial(self._create, loop.create_task)

    @staticmethod
    def now_ms() -> float:
        """Return the clock that deadlines are on."""
        return time.monotonic() * 1_000

    async def run(self, work: Coroutine[Any, Any, T], budget: Budget) -> T:
        """Return or raise what ``work`` does within its budget, when all it started has ended."""
        token = CURRENT.set(budget)
        self._going += 1
        try:
            returned: T = await _Steps(work, self, budget)
            return returned
        finally:
            try:
                await _end_started(budget)
            finally:
                budget.is_over = True
                self._going -= 1
                self._last = None if self._last is budget else self._last
                with suppress(ValueError):  # Its loop has ended: it is closed elsewhere.
                    CURRENT.reset(token)

    def _create(self, create: Any, work: Any, **given: Any) -> Any:
        budget = CURRENT.get()
        if budget is None or not asyncio.iscoroutine(work):
            return create(work, **given)
        task = create(_Started(work, self, budget), **given)
        budget.started.add(task)
        task.add_done_callback(budget.started.discard)
        return task

    @contextmanager
    def masked(self) -> Iterator[None]:
        """Let the runtime's own code work in peace on behalf of a run; it may wait in between."""
        token = CURRENT.set(None)
        self._cell[0] = 0.0
        try:
            yield
        finally:
            CURRENT.reset(token)
            self._watch()

    def step(self, budget: Budget, action: Callable[..., T], *given: Any) -> T:
        """Take one step of a run; behind a wait of the runtime's own it begins masked."""
        if self._on_step is not None and self._going > 1 and self._last is not budget:
            self._on_step(budget)
        self._last = budget
        began_s = time.perf_counter()
        # One step may begin within another, in the runtime's code that it calls.
        before, self._at = self._at, budget
        watched_ms, heap_bytes = self._cell
        self._cell[1] = float(budget.heap_bytes)
        self._watch()
        try:
            return action(*given)
        finally:
            self._at = before
            self._cell[0], self._cell[1] = watched_ms, heap_bytes
            if budget.deadline_ms <= self.now_ms():
                # A signal for this step may be on its way still.
                self._stray_ms = self.now_ms() + _STRAY_MS
            budget.cpu_ms += (time.perf_counter() - began_s) * 1_000

    def _watch(self) -> None:
        # A callback of a task's is no step: nobody would take its deadline away behind it.
        at = self._at
        self._cell[0] = 0.0 if at is None or CURRENT.get() is None else at.deadline_ms

    def _interrupt(self, _signal: int, _frame: FrameType | None) -> None:
        deadline_ms = self._cell[0]
        if deadline_ms == 0.0:
            # The signal may have been on its way when the runtime's own code began.
            is_stray = self._at is not None and self._at.deadline_ms <= self.now_ms()
            if not is_stray and self.now_ms() > self._stray_ms:
                raise KeyboardInterrupt  # Somebody pressed Ctrl-C.
        elif deadline_ms <= self.now_ms():
            raise Overdue("the run's deadline has passed")


class _Steps(Coroutine[Any, Any, Any]):
    """A coroutine whose every step is taken by a pace."""

    def __init__(self, work: Coroutine[Any, Any, Any], pace: Pace, budget: Budget) -> None:
        self._work = work
        self._pace = pace
        self._budget = budget

    def __await__(self) -> Generator[Any, Any, Any]:
        return self

    def __iter__(self) -> "_Steps":
        return self

    def __next__(self) -> Any:
        return self.send(None)

    def send(self, value: Any) -> Any:
        try:
            return self._take(self._work.send, value)
        except GeneratorExit as error:  # Only a task raises it here: who is closed gets no value.
            raise _contained(error) from error

    def throw(self, *raised: Any) -> Any:
        return self._take(self._work.throw, *raised)

    def close(self) -> None:
        self._work.close()

    def _take(self, action: Callable[..., Any], *given: Any) -> Any:
        return self._pace.step(self._budget, action, *given)


class _Started(_Steps):
    """Those of a task that a run has started: what would leave the loop ends the task alone."""

    def _take(self, action: Callable[..., Any], *given: Any) -> Any:
        try:
            if not self._budget.is_over:
                return super()._take(action, *given)
            with suppress(RuntimeError):  # It may ignore that, too.
                super()._take(self._work.close)
            raise asyncio.CancelledError
        except (SystemExit, KeyboardInterrupt) as error:
            raise _contained(error) from error


async def _end_started(budget: Budget) -> None:
    """Cancel what a run has started; what goes on regardless gets no step any more."""
    for budget.is_over in (False, True):
        for each in [*budget.started]:
            each.cancel()
        if budget.started:
            if budget.is_over and budget.say is not None:
                budget.say("warning", "a task that it had started ignored its end and was closed")
            await asyncio.wait(budget.started, timeout=_GRACE_S)


def _contained(error: BaseException) -> RuntimeError:
    return RuntimeError(f"{type(error).__name__} in a task that a run has started")
