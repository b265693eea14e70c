"""Nobody waits longer than the docstring says, whatever comes; with all else an audit looks at."""

import heapq
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import count
from typing import Any

from edge_runtime.config import SchedulerConfig
from edge_runtime.errors import EdgeError, RefusedError
from edge_runtime.pure.dispatcher_ports import OpenGate
from edge_runtime.pure.run_lines import CORE_IN_A_ROW
from edge_runtime.pure.tickets import Ticket, cancelled
from edge_runtime.types import Priority
from hypothesis import example, given
from hypothesis import strategies as st

from .dispatch_audit import DispatchAudit
from .findings import Findings
from .watched_dispatcher import WatchedDispatcher

CORE, LOW = Priority.CORE, Priority.LOW
LIMITS = {Priority.CORE: 3, Priority.REGULAR: 5, Priority.LOW: 4}
AGEING_MS = 100


@dataclass(frozen=True)
class Plan:
    """What one run does: it comes, holds a slot, and may be parked and hold it once more.

    Attributes:
        after_ms: From the one before to its coming.
        holds_ms: How long it holds a slot.
        parked_ms: How long it waits for others then; 0: it does not.
        again_ms: How long its code goes on after that.
        times: How often it waits for others.
        is_ended: It is ended while it waits for others; its code goes on all the same.
    """

    after_ms: float
    priority: Priority
    holds_ms: float
    parked_ms: float = 0
    again_ms: float = 1
    is_ended: bool = False
    times: int = 1


class Stage:
    """Carries plans out on a dispatcher, in virtual time."""

    def __init__(self, slots: int, limits: dict[Priority, int] = LIMITS) -> None:
        self.now_ms, self.limits = 0.0, limits
        self.longest_ms: Counter[str] = Counter()
        self.findings = Findings(lambda: self.now_ms)
        audit = DispatchAudit(self.findings, lambda: self.now_ms, self.longest_ms)
        config = SchedulerConfig(slots, limits, AGEING_MS)
        self.dispatcher = WatchedDispatcher(audit, config, self, OpenGate())
        self.plans: dict[Ticket, Plan] = {}
        self.left: dict[Ticket, int] = {}
        self._agenda: list[tuple[float, int, Callable[[], None]]] = []
        self._order = count()

    def play(self, plans: list[Plan]) -> None:
        at_ms = 0.0
        for plan in plans:
            at_ms += plan.after_ms
            self._in(at_ms, self._come, plan)
        while self._agenda:
            self.now_ms, _, act = heapq.heappop(self._agenda)
            act()
            self.findings.raise_first()

    def start(self, ticket: Ticket) -> None:
        plan = self.plans[ticket]
        self.left[ticket] = plan.times if plan.parked_ms else 0
        self._go_on(ticket, plan.holds_ms)

    def resume(self, ticket: Ticket) -> None:
        self._go_on(ticket, self.plans[ticket].again_ms)

    def settle(self, ticket: Ticket, error: EdgeError) -> None:
        self._in(self.plans[ticket].again_ms, self._end, ticket)

    def _come(self, plan: Plan) -> None:
        ticket = Ticket(task="Rank", priority=plan.priority, timeout_ms=math.inf)
        self.plans[ticket] = plan
        try:
            self.dispatcher.submit(ticket, self.now_ms)
        except RefusedError:
            del self.plans[ticket]

    def _go_on(self, ticket: Ticket, for_ms: float) -> None:
        self._in(for_ms, self._park if self.left[ticket] else self._end, ticket)

    def _park(self, ticket: Ticket) -> None:
        self.left[ticket] -= 1
        plan = self.plans[ticket]
        act = self._abort if plan.is_ended else self._unpark
        self._in(plan.parked_ms, act, ticket)
        self.dispatcher.park(ticket, self.now_ms)

    def _unpark(self, ticket: Ticket) -> None:
        self.dispatcher.unpark(ticket, self.now_ms)

    def _abort(self, ticket: Ticket) -> None:
        self.dispatcher.abort(ticket, cancelled(ticket), self.now_ms)

    def _end(self, ticket: Ticket) -> None:
        self.dispatcher.ended(ticket, self.now_ms)
        self.dispatcher.fill(self.now_ms)

    def _in(self, after_ms: float, act: Callable[[Any], None], *whose: Any) -> None:
        entry = self.now_ms + after_ms, next(self._order), partial(act, *whose)
        heapq.heappush(self._agenda, entry)


def bound_ms(slots: int, parked: int, limits: dict[Priority, int], holds_ms: float) -> float:
    """Return the bound of the docstring for a low run."""
    turns = (CORE_IN_A_ROW + 1) * (sum(limits.values()) + slots + parked)
    return 2 * AGEING_MS + math.ceil(turns / max(1, slots - 1)) * holds_ms


def flood(holds_ms: float, slots: int, parked: int) -> list[Plan]:
    """Urgent runs, as many as slots can serve, for longer than anybody may wait."""
    lasts_ms = bound_ms(slots, parked, LIMITS, holds_ms) + 3 * holds_ms
    every_ms = holds_ms / slots * 0.9
    return [Plan(every_ms, CORE, holds_ms)] * math.ceil(lasts_ms / every_ms)


plans = st.lists(
    st.builds(
        Plan,
        st.sampled_from([0, 0, 1, 30, 120]),
        st.sampled_from(Priority),
        st.sampled_from([1, 20, 60]),
        st.sampled_from([0, 0, 0, 1, 250]),
        st.sampled_from([1, 60]),
        st.booleans(),
    ),
    max_size=40,
)


@given(plans, st.sampled_from([20, 60]), plans, st.integers(1, 4))
@example([Plan(0, LOW, 60)] * 12, 60, [], 2)
@example([Plan(0, CORE, 60)] * 6 + [Plan(0, LOW, 20)] * 4, 60, [], 3)
@example([Plan(1, Priority.REGULAR, 20, 1)] * 6 + [Plan(0, LOW, 20)] * 4, 60, [], 4)
def test_no_run_waits_longer_than_the_bound(
    before: list[Plan], holds_ms: float, after: list[Plan], slots: int
) -> None:
    stage = Stage(slots)
    parked = sum(plan.parked_ms > 0 for plan in before)

    stage.play([*before, *flood(holds_ms, slots, parked), *after])

    assert list(stage.dispatcher) == []


def test_code_that_is_ended_while_parked_delays_others_although_it_came_later() -> None:
    limits = {CORE: 3, LOW: 1}
    stage = Stage(slots=2, limits=limits)
    first, waits = Plan(0, LOW, 210), Plan(1, LOW, 1)
    # All park at once; from 205 ms on, before the low run's turn, always two or more are ended.
    callers = [Plan(2, CORE, 1, 200 + 105 * (n // 2) - 2 * n, 210, True) for n in range(100)]

    stage.play([first, waits, *callers])

    assert stage.longest_ms["low"] > bound_ms(2, 0, limits, 210)


def test_each_return_of_a_parked_run_that_came_earlier_takes_a_turn() -> None:
    limits = {CORE: 2, LOW: 2}
    stage = Stage(slots=1, limits=limits)
    calls_often = Plan(0, LOW, 1, 1, 1, times=40)
    core = [Plan(20, CORE, 20)] * 200

    stage.play([calls_often, *[Plan(0, CORE, 20)] * 2, Plan(0, LOW, 1), *core])

    assert stage.longest_ms["low"] > bound_ms(1, 1, limits, 41)
