"""Carries out what the dispatcher decides: starts code, ends it, and tells who waits for it.

A run costs one asyncio task; its deadline costs none, and an outcome that is told to a function
costs no turn of the loop.
"""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

from ..errors import EdgeError, TaskError
from ..host.ports import Clock
from ..pure.tickets import Phase
from ..pure.urgency import context_of
from ..types import Priority
from .scheduler_run import Call, Outcome, Run, own_copy

# A browser's Python can, so a core run overtakes what the loop has ready.
_CAN_BEGIN_AT_ONCE: Final = sys.version_info >= (3, 12)


class Hands:
    """Implements the dispatcher's ``Listener``.

    Args:
        clock: Measures runs.
        alarm: Called with the time at which the dispatcher must look again.
        ended: Told that code returned, or what it raised; says whether that is the outcome.
        fill: Lets others have the slot, when the callers know.
        cancel: Ends the calls of a run that ended before they did.
        overdue: Told of a run whose code goes on long after its deadline.
        stuck: Told that such code holds the slots.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        alarm: Callable[[float], None],
        ended: Callable[[Run[Any], BaseException | None], bool],
        fill: Callable[[], None],
        cancel: Callable[[Call[Any]], None],
        overdue: Callable[[Run[Any]], None] | None,
        stuck: Callable[[], None] | None,
    ) -> None:
        self._clock = clock
        self._alarm = alarm
        self._ended = ended
        self._fill = fill
        self._cancel = cancel
        self._overdue = overdue
        self._stuck = stuck
        self._submitted: Run[Any] | None = None

    @contextmanager
    def submitting(self, run: Run[Any] | None) -> Iterator[None]:
        """Begin the code of ``run`` behind this block, if it is urgent and has a slot by then.

        Within the dispatcher's decision it could not: code that returns at once would call it back.
        """
        before, self._submitted = self._submitted, run
        try:
            yield
        finally:
            self._submitted = before
        if run is not None and run.phase is Phase.RUNNING and run.code is None:
            self._begin(run, at_once=True)

    def start(self, run: Run[Any]) -> None:
        """Begin the code in one of the loop's next turns."""
        self._alarm(run.deadline_ms)
        if run is not self._submitted or run.priority is not Priority.CORE:
            self._begin(run)

    def _begin(self, run: Run[Any], *, at_once: bool = False) -> None:
        # Its own mark, whosever turn this is: a core run that ends may start a low one.
        context = context_of(is_urgent=run.priority is Priority.CORE)
        loop, code = asyncio.get_running_loop(), self._perform(run)
        if at_once and _CAN_BEGIN_AT_ONCE:
            run.code = asyncio.Task(code, loop=loop, context=context, eager_start=True)  # type: ignore[call-arg]
        else:
            run.code = loop.create_task(code, context=context)

    def settle(self, run: Run[Any], error: EdgeError) -> None:
        """Tell every caller; cancel the code if it has not returned."""
        if run.phase is Phase.ENDING:
            self._alarm(run.due_ms)
            # Code that has not begun looks first, and returns: no task ends without its end.
            if run.has_begun and run.code is not None:
                run.code.cancel()
        if isinstance(error, TaskError):
            run.job.failed()
        copies = _copies(error)
        self._tell(run, lambda _: next(copies))

    def resume(self, run: Run[Any]) -> None:
        """Let parked code go on."""
        run.wake()

    def overdue(self, run: Run[Any]) -> None:
        """Pass it on."""
        if self._overdue is not None:
            self._overdue(run)

    def stuck(self) -> None:
        """Pass it on."""
        if self._stuck is not None:
            self._stuck()

    async def _perform(self, run: Run[Any]) -> None:
        value: Any = None
        error: BaseException | None = None
        if not run.is_settled:
            run.has_begun = True
            try:
                value = await run.job.run(run)
            except asyncio.CancelledError as cancellation:
                for call in list(run.calls):  # There are some if nobody of ours cancelled it.
                    self._cancel(call)
                self._end(run, None, cancellation)
                raise
            except Exception as raised:
                error = raised
        self._end(run, value, error)

    def _end(self, run: Run[Any], value: Any, error: BaseException | None) -> None:
        now_ms = self._clock.monotonic_ms()
        if self._ended(run, error):
            if error is not None:
                run.job.failed()
            copies = None if error is None else _copies(error)
            self._tell(
                run, lambda call: next(copies) if copies else run.outcome_for(call, value, now_ms)
            )
        self._fill()

    def _tell(
        self, run: Run[Any], result: Callable[[Call[Any]], Outcome[Any] | BaseException]
    ) -> None:
        run.wake()
        for child in list(run.children.values()):
            self._cancel(child)
        for call in run.take_calls():
            try:
                call.settle(result(call))
            except Exception as error:
                # What a caller does with its outcome is not to end the others.
                context = {"message": f"told the outcome of {run.task}", "exception": error}
                asyncio.get_running_loop().call_exception_handler(context)


def _copies(error: BaseException) -> Iterator[BaseException]:
    yield error
    while True:
        yield own_copy(error)
