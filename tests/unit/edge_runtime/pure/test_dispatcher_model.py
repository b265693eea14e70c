"""The dispatcher against a naive model: same decisions, same order; slots and permits exact."""

import math
import random
from typing import Any

import pytest
from edge_runtime.config import SchedulerConfig
from edge_runtime.errors import EdgeError, HostError, RefusedError, TaskError
from edge_runtime.pure.dispatcher import Dispatcher
from edge_runtime.pure.tickets import Phase, Ticket, cancelled
from edge_runtime.pure.waiting_lines import PRIORITIES
from edge_runtime.types import Priority, Supersede
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from tests.effort import examples

from .naive_dispatcher import Entry, NaiveDispatcher, Told

INDEX = st.integers(0, 11)
TASKS = {"Alone": Supersede.NONE, "Latest": Supersede.LATEST, "Join": Supersede.JOIN}
LIMITS = {Priority.CORE: 1, Priority.REGULAR: 3, Priority.LOW: 2}


class Ears:
    """Writes down what the dispatcher tells its listener."""

    def __init__(self) -> None:
        self.told: list[Told] = []

    def start(self, ticket: Ticket) -> None:
        self.told.append(("start", ticket, None))

    def settle(self, ticket: Ticket, error: EdgeError) -> None:
        self.told.append(("settle", ticket, error.code))

    def resume(self, ticket: Ticket) -> None:
        self.told.append(("resume", ticket, None))

    def overdue(self, ticket: Ticket) -> None:
        self.told.append(("overdue", ticket, None))

    def stuck(self) -> None:
        self.told.append(("stuck", None, None))


class CountingGate:
    """Refuses the tasks it is told to; every permit must come back once."""

    def __init__(self, refused: set[str]) -> None:
        self.refused = refused
        self.out: set[int] = set()
        self.outcomes: list[bool | None] = []
        self._next = 0

    def refusal(self, task: str) -> RefusedError | None:
        # Any code of the family does: what the dispatcher does with it is looked at.
        return RefusedError(CIRCUIT, "open") if task in self.refused else None

    def acquire(self, task: str) -> object | None:
        if task in self.refused:
            return None
        self._next += 1
        self.out.add(self._next)
        return self._next

    def done(self, task: str, permit: Any, failed: bool, duration_ms: float) -> None:
        assert duration_ms >= 0
        self.out.remove(permit)
        self.outcomes.append(failed)

    def release(self, task: str, permit: Any) -> None:
        self.out.remove(permit)
        self.outcomes.append(None)


CIRCUIT = "circuit-open"
ERRORS = (
    None,
    TaskError("task-raised", "raised"),
    HostError("worker-lost", "lost"),
    RefusedError("queue-full", "full"),
    RuntimeError("a defect"),
)


class DispatcherMachine(RuleBasedStateMachine):
    """Does the same to both and compares."""

    @initialize(slots=st.integers(1, 4))
    def begin(self, slots: int) -> None:
        self.now_ms = 0.0
        config = SchedulerConfig(slots, LIMITS, ageing_ms=100)
        self.model = NaiveDispatcher(config)
        self.ears, self.gate = Ears(), CountingGate(self.model.refused_tasks)
        self.real = Dispatcher(config, self.ears, self.gate)
        self.outcomes: list[Ticket] = []

    @rule(
        task=st.sampled_from(sorted(TASKS)),
        priority=st.sampled_from(PRIORITIES),
        limit_ms=st.sampled_from([math.inf, math.inf, math.inf, 0, 50, 400]),
    )
    def submit(self, task: str, priority: Priority, limit_ms: float) -> None:
        ticket = Ticket(
            task=task,
            priority=priority,
            timeout_ms=300,
            deadline_ms=self.now_ms + limit_ms,
            caller_timeout_ms=None if limit_ms == math.inf else limit_ms,
            supersede=TASKS[task],
            key=None if task == "Alone" else task,
        )
        try:
            got: Ticket | str = self.real.submit(ticket, self.now_ms)
        except RefusedError as error:
            got = error.code
        expected = self.model.submit(ticket, self.now_ms)
        assert got == expected

    @precondition(lambda self: self.going())
    @rule(index=INDEX, error=st.sampled_from(ERRORS))
    def end(self, index: int, error: Exception | None) -> None:
        entry = picked(self.going(), index)
        given = len(self.gate.outcomes)
        if self.real.ended(entry.ticket, self.now_ms, error):
            self.outcomes.append(entry.ticket)
            blamed = error is not None and not isinstance(error, RefusedError)
            expected = None if isinstance(error, RefusedError) else blamed
            assert self.gate.outcomes[given] is expected
        self.real.fill(self.now_ms)
        assert self.model.ended(entry, self.now_ms) == (self.outcomes[-1:] == [entry.ticket])

    @precondition(lambda self: self.model.entries)
    @rule(index=INDEX)
    def cancel(self, index: int) -> None:
        entry = picked(self.model.entries, index)
        self.real.abort(entry.ticket, cancelled(entry.ticket), self.now_ms)
        self.model.abort(entry, "run-cancelled", self.now_ms)

    @precondition(lambda self: self.going("running", "returning"))
    @rule(index=INDEX)
    def park(self, index: int) -> None:
        entry = picked(self.going("running", "returning"), index)
        self.real.park(entry.ticket, self.now_ms)
        self.model.park(entry, self.now_ms)

    @precondition(lambda self: self.going("parked"))
    @rule(index=INDEX)
    def unpark(self, index: int) -> None:
        entry = picked(self.going("parked"), index)
        self.real.unpark(entry.ticket, self.now_ms)
        self.model.unpark(entry, self.now_ms)

    @precondition(lambda self: self.going())
    @rule(index=INDEX)
    def what_means_nothing_now_does_nothing(self, index: int) -> None:
        entry = picked(self.going(), index)
        if entry.state not in ("running", "returning"):
            self.real.park(entry.ticket, self.now_ms)
        if entry.state != "parked":
            self.real.unpark(entry.ticket, self.now_ms)

    @rule(duration_ms=st.sampled_from([1, 20, 110, 400, 10_000]))
    def time_passes(self, duration_ms: float) -> None:
        self.now_ms += duration_ms
        due_ms = self.real.expire(self.now_ms)
        self.model.expire(self.now_ms)
        assert due_ms > self.now_ms

    @rule(duration_ms=st.sampled_from([1, 20, 110, 400]))
    def time_passes_and_no_alarm_rings(self, duration_ms: float) -> None:
        self.now_ms += duration_ms

    # Mostly open and going: what is refused or held reaches nothing else.
    @rule(holds=st.integers(0, 3))
    def pause_or_resume(self, holds: int) -> None:
        self.model.paused = holds == 0
        if holds == 0:
            self.real.pause()
        else:
            self.real.resume(self.now_ms)
            self.model.fill(self.now_ms)

    @rule(task=st.sampled_from(sorted(TASKS)), refuses=st.integers(0, 5))
    def a_breaker_changes(self, task: str, refuses: int) -> None:
        self.model.refused_tasks -= {task}
        if refuses == 0:
            self.model.refused_tasks.add(task)

    def going(self, *states: str) -> list[Entry]:
        wanted = states or ("running", "parked", "returning", "ending")
        return [each for each in self.model.entries if each.state in wanted]

    @invariant()
    def both_said_the_same(self) -> None:
        assert self.ears.told == self.model.told

    @invariant()
    def no_run_is_lost_or_started_twice_or_settled_twice(self) -> None:
        started = [id(ticket) for what, ticket, _ in self.ears.told if what == "start"]
        settled = [id(ticket) for what, ticket, _ in self.ears.told if what == "settle"]
        settled += map(id, self.outcomes)
        assert len(set(started)) == len(started)
        assert len(set(settled)) == len(settled)
        over = [each for each in self.model.entries if each.state in ("ending", "ended")]
        assert {id(each.ticket) for each in over} == set(settled)

    @invariant()
    def a_superseded_run_never_starts(self) -> None:
        started = {id(ticket) for what, ticket, _ in self.ears.told if what == "start"}
        for what, ticket, code in self.ears.told:
            assert what != "settle" or code != "run-superseded" or id(ticket) not in started

    @invariant()
    def slots_and_permits_are_exact(self) -> None:
        figures = self.real.statistics()
        for priority in PRIORITIES:
            held = [each for each in self.model.entries if each.holds]
            running = sum(each.ticket.priority is priority for each in held)
            assert figures[priority.value]["running"] == running
            assert figures[priority.value]["waiting"] == self.model.count("waiting", priority)
        unsettled = [each for each in self.going() if each.state != "ending"]
        assert len(self.gate.out) == len(unsettled)
        for each in self.model.entries:
            assert each.ticket.phase is Phase[each.state.upper()]


def picked(entries: list[Entry], index: int) -> Entry:
    return entries[index % len(entries)]


DispatcherMachine.TestCase.settings = settings(max_examples=examples(50), stateful_step_count=50)
TestDispatcher = DispatcherMachine.TestCase


@pytest.mark.parametrize("seed", range(40))
def test_long_lives_are_the_same(seed: int) -> None:
    chance, life = random.Random(seed), DispatcherMachine()
    life.begin(slots=1 + seed % 4)
    for _ in range(300):
        step(life, chance)
        life.both_said_the_same()
        life.slots_and_permits_are_exact()
    life.no_run_is_lost_or_started_twice_or_settled_twice()
    life.a_superseded_run_never_starts()


def step(life: DispatcherMachine, chance: random.Random) -> None:
    """Do one thing, mostly submitting and ending: lines are to be full but not only full."""
    index, share = chance.randrange(12), chance.random()
    if share < 0.45:
        limit_ms = chance.choice([math.inf, math.inf, 400, 2_000])
        task, priority = chance.choice(sorted(TASKS)), chance.choice(PRIORITIES)
        life.submit(task=task, priority=priority, limit_ms=limit_ms)
    elif share < 0.65 and life.going():
        life.end(index=index, error=chance.choice(ERRORS))
    elif share < 0.75 and life.going("running", "returning"):
        life.park(index=index)
    elif share < 0.85 and life.going("parked"):
        life.unpark(index=index)
    elif share < 0.9 and life.model.entries:
        life.cancel(index=chance.randrange(len(life.model.entries)))
    elif share < 0.98:
        life.time_passes(duration_ms=chance.choice([1, 5, 20, 60]))
    elif share < 0.99:
        life.pause_or_resume(holds=chance.randrange(4))
    else:
        life.a_breaker_changes(task=chance.choice(sorted(TASKS)), refuses=chance.randrange(6))
