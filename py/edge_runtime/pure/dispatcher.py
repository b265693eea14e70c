"""Who runs when: admission, order, slots, deadlines, supersession, and runs that wait for others.

Bound: while not paused, a run of class index c (core 0, low 2) waits at most
``c · ageing_ms + ceil(4 · (Σ limits + max_running + p) / max(1, max_running − 1)) · s``, where s is
the longest time a run holds a slot in all and p counts parked runs that are ended, and each time
that an earlier one goes on. After c ageing steps only runs with an earlier place, and three of core
before each and itself, go first: at most Σ limits − 1 wait; max_running − 1 slots serve all those.
"""

import math
from collections.abc import Iterator

from ..config import SchedulerConfig
from ..errors import EdgeError, RefusedError
from ..types import Priority, Supersede, WaitedFor
from .dispatcher_ports import Gate, Listener, return_permit
from .queue_counts import QueueCounts
from .run_lines import RunLines
from .slots import Slots
from .statistics import QueueStatistics
from .tickets import OVERDUE_MS, Phase, Ticket, queue_full, superseded, too_late, too_long
from .waiting_lines import PRIORITIES


class Dispatcher:
    """Decides; never waits and reads no clock. ``now_ms`` is monotonic and never goes back."""

    def __init__(self, config: SchedulerConfig, listener: Listener, gate: Gate) -> None:
        self._limits = config.queue_limits
        self._slots = Slots(config.max_running)
        self._listener = listener
        self._gate = gate
        self._lines = RunLines(config.ageing_ms)
        self._started: dict[int, Ticket] = {}
        self._counts = {priority: QueueCounts() for priority in PRIORITIES}
        self._number = 0
        self._is_filling = False
        self.paused = False

    def __iter__(self) -> Iterator[Ticket]:
        """Iterate over what waits, and what has started and not returned."""
        yield from self._lines
        yield from self._started.values()

    def submit(self, ticket: Ticket, now_ms: float) -> Ticket:
        """Start ``ticket`` or let it wait; return it, or the waiting one that it joined.

        Raises:
            RefusedError: ``deadline-passed``, ``queue-full``, or what the gate says.
        """
        waiting = self._lines.by_key(ticket.key)
        try:
            self._check(ticket, waiting, now_ms)
        except RefusedError as error:
            self._counts[ticket.priority].cut_short(error)
            raise
        if waiting is not None and ticket.joins(waiting):
            self._counts[ticket.priority].joined += 1
            waiting.wait_as_long_as(ticket)
            return waiting
        self._admit(ticket, waiting, now_ms)
        return ticket

    def refuses(self, task: str, priority: Priority, now_ms: float) -> bool:
        """Refuse a run without a key where :meth:`submit` would, with ``queue-full``, for less."""
        is_refused = self._is_full(priority, now_ms) and self._gate.refusal(task) is None
        if is_refused:
            self._counts[priority].refused()
        return is_refused

    def ended(self, ticket: Ticket, now_ms: float, error: BaseException | None = None) -> bool:
        """Free the slot of a run whose code has really returned, or raised ``error``.

        :meth:`fill` is to follow, when the callers know: one of them may have been parked.

        Returns:
            Whether that is its outcome; False if it was settled before, or is too late now.
        """
        was_settled, is_late = ticket.is_settled, ticket.deadline_ms <= now_ms
        self._lines.remove(ticket)
        self._slots.free(ticket)
        del self._started[ticket.number]
        ticket.phase = Phase.ENDED
        if not was_settled and is_late:
            self._cut_short(ticket, too_long(ticket, ticket.deadline_ms), now_ms)
        elif not was_settled:
            self._counts[ticket.priority].finished()
            return_permit(self._gate, ticket, error, now_ms)
        return not was_settled and not is_late

    def abort(self, ticket: Ticket, error: EdgeError, now_ms: float) -> None:
        """End a run with ``error``; nobody else's place changes. A settled one stays as it is.

        Code that runs keeps its slot until :meth:`ended`; where it is parked it takes one at once,
        above the limit if need be: code that ignores its end must not multiply.
        """
        if ticket.is_settled:
            return
        self._lines.remove(ticket)
        if ticket.phase is Phase.WAITING:
            ticket.phase = Phase.ENDED
        else:
            self._slots.take(ticket)
            ticket.phase = Phase.ENDING
            # A late alarm must not count as its code's delay.
            ticket.deadline_ms = max(ticket.deadline_ms, now_ms)
        self._cut_short(ticket, error, now_ms)

    def park(self, ticket: Ticket, now_ms: float) -> None:
        """Give the slot of a running run to others while it waits for runs it called."""
        if ticket.phase in (Phase.RUNNING, Phase.RETURNING):
            self._lines.remove(ticket)
            ticket.phase = Phase.PARKED
            self._slots.free(ticket)
            self.fill(now_ms)

    def unpark(self, ticket: Ticket, now_ms: float) -> None:
        """Let a parked run wait for a slot at its old place; it may get one at once."""
        if ticket.phase is Phase.PARKED:
            ticket.phase = Phase.RETURNING
            self._lines.push_returning(ticket)
            self.fill(now_ms)

    def pause(self) -> None:
        """Start nothing more; what has started goes on, deadlines keep counting."""
        self.paused = True

    def resume(self, now_ms: float) -> None:
        """Start what waits."""
        self.paused = False
        self.fill(now_ms)

    def reconfigure(self, config: SchedulerConfig, now_ms: float) -> None:
        """Use other limits from now on; what waits beyond them stays."""
        self._limits, self._slots.max_running = config.queue_limits, config.max_running
        self._lines.set_ageing(config.ageing_ms)
        self.fill(now_ms)
        self._tell_if_stuck()

    def expire(self, now_ms: float) -> float:
        """End what is due and report what is overdue; return when to ask again, inf for never."""
        due = [ticket for ticket in self if ticket.due_ms <= now_ms]
        for ticket in sorted(due, key=lambda ticket: ticket.number):
            if ticket.due_ms > now_ms:
                continue  # One before it took this one along.
            if ticket.phase is Phase.ENDING:
                self._outlasted(ticket, now_ms)
            elif ticket.phase is Phase.WAITING:
                self.abort(ticket, too_late(ticket.task, ticket.caller_timeout_ms), now_ms)
            else:
                self.abort(ticket, too_long(ticket, ticket.deadline_ms), now_ms)
        return min((ticket.due_ms for ticket in self), default=math.inf)

    def _outlasted(self, ticket: Ticket, now_ms: float) -> None:
        if not ticket.is_overdue:
            ticket.is_overdue = True
            ticket.deadline_ms = max(ticket.deadline_ms, now_ms - OVERDUE_MS)  # As in `abort`.
            self._counts[ticket.priority].overdue += 1
            return self._listener.overdue(ticket)
        ticket.is_stuck = True
        self._tell_if_stuck()

    def _tell_if_stuck(self) -> None:
        if sum(each.is_stuck for each in self._started.values()) >= self._slots.shared:
            self._listener.stuck()

    def statistics(self) -> dict[str, QueueStatistics]:
        """Return the figures of each queue, by its name."""
        parked = [ticket.priority for ticket in self._started.values() if not ticket.holds_slot]
        waiting, running = self._lines.waiting, self._slots.held
        return {
            queue.value: counts.statistics(waiting(queue), running(queue), parked.count(queue))
            for queue, counts in self._counts.items()
        }

    def _check(self, ticket: Ticket, waiting: Ticket | None, now_ms: float) -> None:
        if (refusal := self._refusal(ticket, now_ms)) is not None:
            raise refusal
        if waiting is not None and (waiting.priority is ticket.priority or ticket.joins(waiting)):
            return
        if self._is_full(ticket.priority, now_ms):
            raise queue_full(ticket.priority, self._limits.get(ticket.priority, 0))

    def _refusal(self, ticket: Ticket, now_ms: float) -> RefusedError | None:
        if ticket.deadline_ms <= now_ms:
            return too_late(ticket.task, ticket.caller_timeout_ms)
        return self._gate.refusal(ticket.task)

    def _is_full(self, priority: Priority, now_ms: float) -> bool:
        if self._lines.waiting(priority) < self._limits.get(priority, 0):
            return False
        return self.paused or priority not in self._slots.open() or bool(self._next(now_ms))

    def _admit(self, ticket: Ticket, waiting: Ticket | None, now_ms: float) -> None:
        ticket.number = self._number = self._number + 1
        ticket.place, ticket.since_ms, ticket.submitted_ms = (self._number, 0), now_ms, now_ms
        old = waiting if ticket.supersede is Supersede.LATEST else None
        if old is not None:
            self._lines.remove(old)
            if old.priority is ticket.priority:
                # Else a key that is asked for all the time would never be served.
                ticket.place, ticket.since_ms = old.place, old.since_ms
        self._lines.push(ticket)
        if old is not None:
            old.phase = Phase.ENDED
            self._cut_short(old, superseded(old), now_ms)
        self.fill(now_ms)
        if ticket.phase is Phase.WAITING:
            ticket.waited_for = WaitedFor.PAUSED if self.paused else self._slots.obstacle()

    def fill(self, now_ms: float) -> None:
        """Start or resume what may; all else here does so by itself."""
        # Who hears of a refusal may submit: an outer loop goes on, so that the stack cannot grow.
        if self._is_filling:
            return
        self._is_filling = True
        try:
            while (ticket := self._next(now_ms)) is not None:
                self._serve(ticket, now_ms)
        finally:
            self._is_filling = False

    def _serve(self, ticket: Ticket, now_ms: float) -> None:
        self._lines.take(ticket)
        if ticket.phase is not Phase.RETURNING:
            return self._start(ticket, now_ms)
        self._slots.take(ticket)
        ticket.phase = Phase.RUNNING
        self._listener.resume(ticket)

    def _next(self, now_ms: float) -> Ticket | None:
        return self._lines.first(now_ms, self._slots.open(), with_new=not self.paused)

    def _start(self, ticket: Ticket, now_ms: float) -> None:
        ticket.phase = Phase.ENDED  # Unless nothing refuses it.
        if (refusal := self._refusal(ticket, now_ms)) is not None:
            return self._cut_short(ticket, refusal, now_ms)
        ticket.permit = self._gate.acquire(ticket.task)
        ticket.phase, ticket.started_ms = Phase.RUNNING, now_ms
        ticket.deadline_ms = min(ticket.deadline_ms, now_ms + ticket.timeout_ms)
        self._started[ticket.number] = ticket
        self._slots.take(ticket)
        self._counts[ticket.priority].started(now_ms - ticket.submitted_ms)
        self._listener.start(ticket)

    def _cut_short(self, ticket: Ticket, error: EdgeError, now_ms: float) -> None:
        # Last the listener: it may submit, and must find a consistent state.
        self._counts[ticket.priority].cut_short(error)
        return_permit(self._gate, ticket, error, now_ms)
        self._listener.settle(ticket, error)
