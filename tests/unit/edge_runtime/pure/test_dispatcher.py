"""Decisions one by one, known bugs of others among them, and the bound on waiting."""

import math
from collections.abc import Callable
from typing import Any

import pytest
from edge_runtime.config import SchedulerConfig
from edge_runtime.errors import EdgeError, RefusedError, TaskError
from edge_runtime.pure.dispatcher import Dispatcher
from edge_runtime.pure.dispatcher_ports import OpenGate
from edge_runtime.pure.tickets import OVERDUE_MS, STUCK_MS, Phase, Ticket, cancelled
from edge_runtime.pure.waiting_lines import PRIORITIES
from edge_runtime.types import Priority, Supersede, WaitedFor

LIMITS = {Priority.CORE: 3, Priority.REGULAR: 5, Priority.LOW: 4}
AGEING_MS = 100


class Stage:
    """A dispatcher and its listener; ``settled`` holds codes by ticket."""

    def __init__(self, slots: int = 1, gate: Any = None) -> None:
        self.started: list[Ticket] = []
        self.resumed: list[Ticket] = []
        self.late: list[Ticket] = []
        self.stuck_calls = 0
        self.settled: dict[Ticket, str] = {}
        self.on_settle: Callable[[], None] | None = None
        config = SchedulerConfig(slots, LIMITS, AGEING_MS)
        self.dispatcher = Dispatcher(config, self, gate or OpenGate())

    def start(self, ticket: Ticket) -> None:
        self.started.append(ticket)

    def resume(self, ticket: Ticket) -> None:
        self.resumed.append(ticket)

    def overdue(self, ticket: Ticket) -> None:
        self.late.append(ticket)

    def stuck(self) -> None:
        self.stuck_calls += 1

    def settle(self, ticket: Ticket, error: EdgeError) -> None:
        self.settled[ticket] = error.code
        if self.on_settle is not None:
            self.on_settle()

    def submit(
        self,
        priority: Priority = Priority.REGULAR,
        now_ms: float = 0,
        limit_ms: float = math.inf,
        **fields: Any,
    ) -> Ticket:
        ticket = Ticket(
            **{"task": "Rank", "priority": priority, "timeout_ms": 1_000, **fields},
            deadline_ms=now_ms + limit_ms,
        )
        return self.dispatcher.submit(ticket, now_ms)

    def end(self, ticket: Ticket, now_ms: float = 0) -> None:
        self.dispatcher.ended(ticket, now_ms)
        self.dispatcher.fill(now_ms)


def test_equal_priorities_keep_their_order_of_arrival() -> None:
    stage = Stage()
    tickets = [stage.submit() for _ in range(6)]

    for ticket in tickets:
        stage.end(ticket)

    assert stage.started == tickets


def test_a_waiter_that_times_out_removes_itself_and_frees_nobody_elses_place() -> None:
    stage = Stage()
    busy, first = stage.submit(), stage.submit()
    hasty, last = stage.submit(limit_ms=50), stage.submit()

    stage.dispatcher.expire(50)

    assert stage.settled == {hasty: "deadline-passed"}
    assert stage.started == [busy]
    assert stage.dispatcher.statistics()["regular"]["running"] == 1
    stage.end(busy, 60)
    stage.end(first, 60)
    assert stage.started == [busy, first, last]


def test_a_run_that_timed_out_keeps_its_slot_while_its_code_runs() -> None:
    stage = Stage()
    slow, waiting = stage.submit(timeout_ms=50), stage.submit()

    stage.dispatcher.expire(50)

    assert stage.settled == {slow: "task-timeout"}
    assert stage.started == [slow]
    stage.end(slow, 70)
    assert stage.started == [slow, waiting]


def test_code_that_runs_on_after_its_deadline_is_reported_once() -> None:
    stage = Stage()
    slow = stage.submit(timeout_ms=50)
    assert stage.dispatcher.expire(50) == 50 + OVERDUE_MS
    assert stage.dispatcher.expire(49 + OVERDUE_MS) == 50 + OVERDUE_MS
    assert stage.late == []

    assert stage.dispatcher.expire(50 + OVERDUE_MS) == 50 + STUCK_MS

    assert stage.dispatcher.expire(99_999) == math.inf
    assert stage.late == [slow]


@pytest.mark.parametrize(
    ("slots", "first", "second", "reason"),
    [
        (2, Priority.LOW, Priority.REGULAR, WaitedFor.CORE_SLOT),
        (2, Priority.LOW, Priority.CORE, None),
        (1, Priority.LOW, Priority.CORE, WaitedFor.SLOTS),
        (1, Priority.CORE, Priority.LOW, WaitedFor.SLOTS),
    ],
)
def test_a_slot_is_kept_for_core_where_there_are_two(
    slots: int, first: Priority, second: Priority, reason: WaitedFor | None
) -> None:
    stage = Stage(slots)
    stage.submit(first)

    assert stage.submit(second).waited_for is reason


def test_a_promoted_run_does_not_get_the_slot_that_is_kept() -> None:
    stage = Stage(slots=2)
    stage.submit(Priority.LOW)
    old = stage.submit(Priority.LOW)
    stage.dispatcher.resume(10_000)

    assert old.phase is Phase.WAITING
    assert stage.submit(Priority.CORE, now_ms=10_000).phase is Phase.RUNNING


def test_a_refused_newcomer_supersedes_nobody() -> None:
    stage = Stage()
    stage.submit()
    latest = {"supersede": Supersede.LATEST, "key": "Rank:"}
    old = stage.submit(**latest)

    with pytest.raises(RefusedError):
        stage.submit(limit_ms=0, **latest)

    assert old.phase is Phase.WAITING


def test_a_key_that_is_asked_for_all_the_time_is_served_all_the_same() -> None:
    stage = Stage()
    busy = stage.submit()
    latest = {"supersede": Supersede.LATEST, "key": "Rank:"}
    for now_ms in range(0, 1_000, 50):
        low = stage.submit(Priority.LOW, now_ms=now_ms, **latest)
    later = stage.submit(Priority.REGULAR, now_ms=990)

    stage.end(busy, 990)

    assert stage.started == [busy, low]
    assert later.phase is Phase.WAITING


def test_of_four_turns_one_is_for_who_waited_long_the_others_for_core() -> None:
    stage = Stage()
    running = stage.submit(Priority.CORE)
    old = [stage.submit(Priority.LOW) for _ in range(2)]
    now_ms = 3 * AGEING_MS
    for _ in range(9):
        if stage.dispatcher.statistics()["core"]["waiting"] == 0:
            for _ in range(2):
                stage.submit(Priority.CORE, now_ms=now_ms)
        stage.end(running, now_ms)
        running = stage.started[-1]

    turns = [ticket.priority.value for ticket in stage.started]
    assert turns == [*["core"] * 3, "low", *["core"] * 3, "low", "core", "core"]
    assert [ticket for ticket in stage.started if ticket.priority is Priority.LOW] == old


def test_where_nobody_waited_long_core_goes_first_however_often() -> None:
    stage = Stage()
    running = stage.submit(Priority.CORE)
    young = stage.submit(Priority.LOW, now_ms=50)
    for _ in range(6):
        stage.submit(Priority.CORE, now_ms=60)
        stage.end(running, 60)
        running = stage.started[-1]

    assert young.phase is Phase.WAITING


def test_a_full_line_takes_the_latest_in_the_place_of_the_old() -> None:
    stage = Stage()
    stage.submit(Priority.LOW)
    latest = {"supersede": Supersede.LATEST, "key": "Rank:"}
    old = stage.submit(Priority.LOW, **latest)
    for _ in range(LIMITS[Priority.LOW] - 1):
        stage.submit(Priority.LOW)

    new = stage.submit(Priority.LOW, **latest)

    assert (stage.settled[old], new.phase) == ("run-superseded", Phase.WAITING)
    with pytest.raises(RefusedError, match="queue low: expected fewer than 4 waiting"):
        stage.submit(Priority.LOW)


def test_a_call_joins_the_latest_of_those_that_still_wait() -> None:
    stage = Stage()
    busy = stage.submit()
    join = {"supersede": Supersede.JOIN, "key": "Rank:"}
    low, regular, core = (stage.submit(priority, **join) for priority in reversed(PRIORITIES))

    stage.dispatcher.abort(regular, cancelled(regular), 0)
    assert stage.submit(Priority.LOW, **join) is core
    stage.end(busy)

    assert stage.started == [busy, core]
    assert stage.submit(Priority.LOW, **join) is low


def test_what_a_listener_submits_from_within_stands_behind_what_waits() -> None:
    stage = Stage()
    busy, first = stage.submit(), stage.submit(limit_ms=50)
    second = stage.submit()
    inner: list[Ticket] = []
    stage.on_settle = lambda: inner.append(stage.submit(now_ms=60))

    stage.end(busy, 60)

    assert stage.settled == {first: "deadline-passed"}
    assert stage.started == [busy, second]
    assert inner[0].phase is Phase.WAITING


def test_a_run_that_waits_to_go_on_may_wait_for_another_instead() -> None:
    stage = Stage()
    parent, other = stage.submit(), stage.submit()
    stage.dispatcher.park(parent, 0)
    stage.dispatcher.unpark(parent, 0)
    assert (parent.phase, stage.started) == (Phase.RETURNING, [parent, other])

    stage.dispatcher.park(parent, 0)
    stage.end(other)

    assert (parent.phase, stage.resumed) == (Phase.PARKED, [])
    stage.dispatcher.unpark(parent, 0)
    assert stage.resumed == [parent]


def test_a_pause_does_not_hold_a_run_that_goes_on() -> None:
    stage = Stage()
    parent = stage.submit()
    stage.dispatcher.park(parent, 0)
    stage.dispatcher.pause()

    stage.dispatcher.unpark(parent, 0)

    assert stage.resumed == [parent]


def test_children_that_end_with_their_parent_are_not_overdue() -> None:
    stage = Stage(slots=3)
    parent, child = stage.submit(timeout_ms=50), stage.submit(timeout_ms=50)

    def end_child() -> None:
        stage.on_settle = None
        stage.dispatcher.abort(child, cancelled(child), 2_000)

    stage.on_settle = end_child
    stage.dispatcher.expire(2_000)

    assert stage.settled == {parent: "task-timeout", child: "run-cancelled"}
    assert stage.late == []


@pytest.mark.parametrize(("slots", "stubborn"), [(1, 1), (2, 1), (4, 3)])
def test_code_that_never_returns_is_given_up_when_it_holds_all_slots_but_cores(
    slots: int, stubborn: int
) -> None:
    stage = Stage(slots=slots)
    for number in range(stubborn):
        stage.submit(timeout_ms=50 + number)
        stage.dispatcher.expire(50 + number)
    last_ms = 50 + stubborn - 1

    stage.dispatcher.expire(last_ms + OVERDUE_MS)
    stage.dispatcher.expire(last_ms + STUCK_MS - 1)
    assert (len(stage.late), stage.stuck_calls) == (stubborn, 0)

    assert stage.dispatcher.expire(last_ms + STUCK_MS) == math.inf
    assert stage.stuck_calls == 1


def test_code_that_is_heard_of_late_is_not_given_up_at_once() -> None:
    stage = Stage(slots=2)
    stage.submit(timeout_ms=50)
    stage.dispatcher.expire(50)

    due_ms = stage.dispatcher.expire(60_000)

    assert (len(stage.late), stage.stuck_calls) == (1, 0)
    assert due_ms == 60_000 - OVERDUE_MS + STUCK_MS


def test_fewer_slots_than_code_that_never_returns_holds_are_given_up_too() -> None:
    stage = Stage(slots=4)
    for _ in range(2):
        stage.submit(timeout_ms=50)
    for now_ms in (50, 50 + OVERDUE_MS, 50 + STUCK_MS):
        stage.dispatcher.expire(now_ms)
    assert stage.stuck_calls == 0

    stage.dispatcher.reconfigure(SchedulerConfig(3, LIMITS, AGEING_MS), 20_000)

    assert stage.stuck_calls == 1


def test_code_that_returns_late_is_not_given_up() -> None:
    stage = Stage(slots=2)
    late = stage.submit(timeout_ms=50)
    stage.dispatcher.expire(50 + OVERDUE_MS)
    stage.end(late, 5_000)

    stage.dispatcher.expire(50 + STUCK_MS)

    assert stage.stuck_calls == 0


class Gate(OpenGate):
    """Allows at admission, refuses at the start."""

    asked = 0

    def refusal(self, task: str) -> RefusedError | None:
        self.asked += 1
        return RefusedError("circuit-open", "open") if self.asked > 1 else None


def test_a_breaker_that_opens_meanwhile_refuses_at_the_start() -> None:
    stage = Stage(gate=Gate())

    ticket = stage.submit()

    assert (stage.settled, stage.started) == ({ticket: "circuit-open"}, [])
    assert stage.dispatcher.statistics()["regular"]["refused"] == 1
    assert list(stage.dispatcher) == []


def test_other_limits_hold_from_now_on() -> None:
    stage = Stage()
    tickets = [stage.submit() for _ in range(4)]

    stage.dispatcher.reconfigure(SchedulerConfig(3, {Priority.REGULAR: 1}), 0)

    assert stage.started == tickets[:2]
    with pytest.raises(RefusedError, match="expected fewer than 1 waiting"):
        stage.submit()


def test_an_ended_run_tells_its_failures_to_nobody_twice() -> None:
    stage = Stage()
    ticket = stage.submit(timeout_ms=50)
    stage.dispatcher.expire(50)

    assert not stage.dispatcher.ended(ticket, 60, TaskError("task-raised", "afterwards"))
    assert stage.dispatcher.statistics()["regular"]["timedOut"] == 1
    assert stage.dispatcher.statistics()["regular"]["finished"] == 0


class GateOf(OpenGate):
    """Refuses one task while it is shut, and counts who is blamed."""

    def __init__(self) -> None:
        self.is_shut = False
        self.blamed: list[bool] = []

    def refusal(self, task: str) -> RefusedError | None:
        is_refused = self.is_shut and task == "Shut"
        return RefusedError("circuit-open", "shut") if is_refused else None

    def done(self, task: str, permit: object, failed: bool, duration_ms: float) -> None:
        self.blamed.append(failed)


def test_a_full_line_before_a_breaker_that_opens_is_told_without_depth() -> None:
    gate, count = GateOf(), 5_000
    stage = Stage(gate=gate)
    stage.dispatcher.reconfigure(SchedulerConfig(1, {Priority.REGULAR: count}), 0)
    busy = stage.submit()
    waiting = [stage.submit(task="Shut") for _ in range(count)]
    gate.is_shut = True

    def stand_in() -> None:
        stage.submit(task="Instead")

    stage.on_settle = stand_in
    stage.end(busy)

    assert [stage.settled[ticket] for ticket in waiting] == ["circuit-open"] * count
    assert [ticket.task for ticket in stage.started[1:]] == ["Instead"]
    assert stage.dispatcher.statistics()["regular"]["waiting"] == count - 1


def test_a_task_is_not_blamed_for_the_little_time_its_caller_had() -> None:
    gate = GateOf()
    stage = Stage(gate=gate)
    hasty = stage.submit(limit_ms=5)
    stage.dispatcher.expire(5)
    stage.end(hasty, 6)
    slow = stage.submit(now_ms=10)
    stage.dispatcher.expire(1_010)
    stage.end(slow, 1_011)

    assert [stage.settled[hasty], stage.settled[slow]] == ["task-timeout"] * 2
    assert gate.blamed == [True]
