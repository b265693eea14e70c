"""Every decision of a dispatcher against what its docstring and decision 0009 promise.

* A run starts or resumes only while fewer than ``max_running`` hold a slot; of another class than
  core only while such runs hold fewer than ``max(1, max_running - 1)``. Above that come only runs
  that were parked when they were ended: their code takes a slot at once.
* When a decision has been carried out, nobody waits who could have a slot.
* No run starts at or after its deadline, or once it is settled.
* A permit is out for each run that has started and is not settled, and for no other.
* Lines are as long as their limits at most; a run is refused for a full line or for its deadline
  only where it is so.
* A run waits at most as long as the docstring of the dispatcher says.
"""

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from edge_runtime.config import SchedulerConfig
from edge_runtime.pure.run_lines import CORE_IN_A_ROW
from edge_runtime.pure.tickets import Ticket
from edge_runtime.pure.waiting_lines import PRIORITIES
from edge_runtime.types import Priority

from .findings import Findings

# Decisions in one instant: more is a loop in which time stands still.
MOST_AT_ONCE = 5_000
HOLD_A_SLOT = ("running", "ending")
HAVE_A_PERMIT = ("running", "parked", "returning")


@dataclass(eq=False, slots=True)
class Seen:
    """One run; ``state`` is waiting, running, parked, returning, ending or gone."""

    ticket: Ticket
    number: int
    asked_ms: float
    paused_ms: float
    deadline_ms: float
    state: str = "waiting"
    since_ms: float = 0.0
    gone_ms: float = math.inf
    held_ms: float = 0.0
    returns: int = 0
    is_stray: bool = False

    def holds_ms(self, now_ms: float) -> float:
        """Return how long it has held a slot so far."""
        return self.held_ms + (now_ms - self.since_ms if self.state in HOLD_A_SLOT else 0)


class DispatchAudit:
    """What one dispatcher decides.

    Args:
        findings: Hears of what does not hold.
        now_ms: The dispatcher's time.
        longest_ms: Takes the longest wait by queue; pauses do not count.
    """

    def __init__(
        self,
        findings: Findings,
        now_ms: Callable[[], float],
        longest_ms: Counter[str] | None = None,
    ) -> None:
        self._findings = findings
        self._now_ms = now_ms
        self._runs: dict[Ticket, Seen] = {}
        self._served: list[Seen] = []
        self._count: Counter[tuple[str, Priority]] = Counter()
        self._permits: dict[object, str] = {}
        self._configs: list[tuple[float, SchedulerConfig]] = []
        self._asked = 0
        self._latest_ms, self._at_once = -math.inf, 0
        self._paused_before_ms = 0.0
        self._paused_at_ms: float | None = None
        self._longest_ms = Counter() if longest_ms is None else longest_ms

    def configured(self, config: SchedulerConfig) -> None:
        """Go by ``config`` from now on."""
        self._configs.append((self._now_ms(), config))

    def paused(self) -> None:
        """Take in that nothing new starts."""
        if self._paused_at_ms is None:
            self._paused_at_ms = self._now_ms()

    def resumed(self) -> None:
        """Take in that starts go on."""
        self._paused_before_ms, self._paused_at_ms = self._paused_ms(), None

    def asked(self, ticket: Ticket) -> None:
        """Take in a run that is about to be submitted."""
        self._asked += 1
        now_ms = self._now_ms()
        self._runs[ticket] = Seen(
            ticket, self._asked, now_ms, self._paused_ms(), ticket.deadline_ms
        )
        self._count["waiting", ticket.priority] += 1

    def joined(self, ticket: Ticket, other: Ticket) -> None:
        """Take in that ``ticket`` waits for ``other`` instead of a run of its own."""
        self._findings.check(other in self._runs, f"{other.task}: joined while it waits")
        if other in self._runs:
            seen = self._runs[other]
            seen.deadline_ms = max(seen.deadline_ms, ticket.deadline_ms)
        self.moved(ticket, "gone")

    def refused(self, ticket: Ticket, code: str) -> None:
        """Check that a run is refused with reason."""
        self.moved(ticket, "gone")
        if code == "deadline-passed":
            is_late = ticket.deadline_ms <= self._now_ms()
            self._findings.check(is_late, f"{ticket.task}: refused when it is late")
        elif code == "queue-full":
            self.refused_unasked(ticket.task, ticket.priority)

    def refused_unasked(self, task: str, priority: Priority) -> None:
        """Check that a line in which a run would wait is full."""
        waiting, limit = self.total("waiting", among=(priority,)), self._limit(priority)
        self._findings.check(waiting >= limit, f"{task}: refused when {limit} wait, got {waiting}")

    def moved(self, ticket: Ticket, state: str, *before: str) -> None:
        """Take in that a run is in another state, if it was in one of ``before`` or these are none.

        What it does next is not looked at here.
        """
        seen = self._runs.get(ticket)
        if seen is None or (before and seen.state not in before):
            return
        now_ms = self._now_ms()
        seen.held_ms = seen.holds_ms(now_ms)
        self._count[seen.state, ticket.priority] -= 1
        self._count[state, ticket.priority] += 1
        seen.is_stray |= state == "ending" and seen.state != "running"
        seen.returns += seen.state == "returning" and state == "running"
        seen.state, seen.since_ms = state, now_ms
        if state == "gone":
            seen.gone_ms = now_ms
            del self._runs[ticket]

    def started(self, ticket: Ticket) -> None:
        """Check a start."""
        seen = self._runs.get(ticket)
        if seen is None or seen.state != "waiting":
            self._findings.add(f"{ticket.task}: started once, while it waits")
            return
        now_ms = self._now_ms()
        self._findings.check(now_ms < seen.deadline_ms, f"{ticket.task}: started in time")
        self._served.append(seen)
        wait_ms = now_ms - seen.asked_ms - (self._paused_ms() - seen.paused_ms)
        queue = ticket.priority.value
        self._longest_ms[queue] = max(self._longest_ms[queue], wait_ms)
        bound_ms = self._bound_ms(seen) + 1e-3
        if wait_ms > bound_ms:
            self._findings.add(f"{ticket.task} waited {wait_ms:g} ms, at most {bound_ms:g} ms")
        self._got_a_slot(ticket)

    def resumed_run(self, ticket: Ticket) -> None:
        """Check that parked code goes on."""
        seen = self._runs.get(ticket)
        is_returning = seen is not None and seen.state == "returning"
        self._findings.check(is_returning, f"{ticket.task}: goes on when it was to return")
        self._got_a_slot(ticket)

    def settled(self, ticket: Ticket) -> None:
        """Take in that a run was ended from outside; its code may go on, with a slot."""
        self.moved(ticket, "gone", "waiting")
        self.moved(ticket, "ending", "running", "parked", "returning")

    def lent(self, task: str, permit: object, own: object | None) -> None:
        """Take in a ``permit``, with the gate's ``own``."""
        self._findings.check(own is not None, f"{task}: a permit where there is no refusal")
        self._permits[permit] = task

    def given_back(self, task: str, permit: object) -> None:
        """Check that a permit is given back once."""
        given = self._permits.pop(permit, None)
        self._findings.check(given == task, f"{task}: a permit given back once")

    def decided(self, *, fills: bool) -> None:
        """Check what holds between decisions; ``fills``: who can have a slot has got one.

        Raises:
            Broken: Time does not go on.
        """
        self._check_time_goes_on()
        has_permit = Counter(
            ticket.task for ticket, seen in self._runs.items() if seen.state in HAVE_A_PERMIT
        )
        out = Counter(self._permits.values())
        if out != has_permit:
            self._findings.add(f"permits of unsettled runs are out, {has_permit}, got {out}")
        for priority in PRIORITIES:
            waiting, limit = self.total("waiting", among=(priority,)), self._limit(priority)
            if waiting > limit:
                self._findings.add(f"{waiting} wait in a line of {limit}")
        if fills:
            self._check_nobody_waits_in_vain()
        if not self.total("waiting"):
            self._served = [seen for seen in self._served if seen.state != "gone"]

    def total(self, *states: str, among: tuple[Priority, ...] = PRIORITIES) -> int:
        """Return how many runs of these classes are in one of ``states``."""
        return sum(self._count[state, priority] for state in states for priority in among)

    def _check_time_goes_on(self) -> None:
        now_ms = self._now_ms()
        self._at_once = self._at_once + 1 if now_ms == self._latest_ms else 0
        self._latest_ms = now_ms
        if self._at_once > MOST_AT_ONCE:
            self._findings.add(f"time goes on, got {MOST_AT_ONCE} decisions in one instant")
            self._findings.raise_first()

    def _check_nobody_waits_in_vain(self) -> None:
        config = self._configs[-1][1]
        states = ("returning",) if self._paused_at_ms is not None else ("returning", "waiting")
        if self.total(*HOLD_A_SLOT) >= config.max_running:
            return
        in_vain = self.total(*states, among=PRIORITIES[:1])
        if self.total(*HOLD_A_SLOT, among=PRIORITIES[1:]) < _shared(config):
            in_vain = self.total(*states)
        self._findings.check(not in_vain, f"{in_vain} runs wait although they could have a slot")

    def _got_a_slot(self, ticket: Ticket) -> None:
        self.moved(ticket, "running")
        config, held = self._configs[-1][1], self.total(*HOLD_A_SLOT)
        if held > config.max_running:
            self._findings.add(f"{held} runs hold one of {config.max_running} slots")
        others = self.total(*HOLD_A_SLOT, among=PRIORITIES[1:])
        if ticket.priority is not Priority.CORE and others > _shared(config):
            self._findings.add(f"{others} runs hold one of {_shared(config)} slots not for core")

    def _bound_ms(self, seen: Seen) -> float:
        """Return the bound of the dispatcher's docstring, with what ``seen`` really met."""
        now_ms = self._now_ms()
        met = [each for each in self._served if each.gone_ms > seen.asked_ms]
        longest_ms = max(each.holds_ms(now_ms) for each in met)
        earlier = sum(each.returns for each in met if each.number < seen.number)
        parked = earlier + sum(each.is_stray for each in met)
        configs = [
            config
            for (_, config), (until_ms, _) in pairwise([*self._configs, (math.inf, None)])
            if config is not None and until_ms > seen.asked_ms
        ]
        running = max(config.max_running for config in configs)
        limits = max(sum(config.queue_limits.values()) for config in configs)
        turns = (CORE_IN_A_ROW + 1) * (limits + running + parked)
        ageing_ms = max(config.ageing_ms for config in configs)
        served_ms = math.ceil(turns / min(map(_shared, configs))) * longest_ms
        return PRIORITIES.index(seen.ticket.priority) * ageing_ms + served_ms

    def _limit(self, priority: Priority) -> int:
        return self._configs[-1][1].queue_limits.get(priority, 0)

    def _paused_ms(self) -> float:
        open_ms = 0.0 if self._paused_at_ms is None else self._now_ms() - self._paused_at_ms
        return self._paused_before_ms + open_ms


def _shared(config: SchedulerConfig) -> int:
    return max(1, config.max_running - 1)
