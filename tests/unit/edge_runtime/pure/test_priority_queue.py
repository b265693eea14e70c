"""The waiting lines: order, bounds, removal by identity, and equality with a naive list."""

import pytest
from edge_runtime.errors import RefusedError
from edge_runtime.pure.priority_queue import PriorityQueue
from edge_runtime.types import Priority
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

LIMITS = {Priority.CORE: 2, Priority.REGULAR: 3, Priority.LOW: 1}


class Item:
    """All items are equal, so only identity can tell them apart."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Item)

    __hash__ = None  # type: ignore[assignment]


def test_equal_priorities_leave_in_order_of_arrival() -> None:
    queue: PriorityQueue[str] = PriorityQueue(LIMITS)
    for name in "abc":
        queue.push(name, Priority.REGULAR)

    assert [queue.pop() for _ in range(4)] == ["a", "b", "c", None]


def test_a_more_urgent_line_empties_before_the_next() -> None:
    queue: PriorityQueue[str] = PriorityQueue(LIMITS)
    for name, priority in [("l", Priority.LOW), ("r", Priority.REGULAR), ("c", Priority.CORE)]:
        queue.push(name, priority)

    assert list(queue) == ["c", "r", "l"]
    assert [queue.pop() for _ in range(3)] == ["c", "r", "l"]


def test_a_full_line_refuses_with_its_name_and_limit() -> None:
    queue: PriorityQueue[Item] = PriorityQueue(LIMITS)
    queue.push(Item(), Priority.LOW)

    with pytest.raises(RefusedError, match="queue low: expected fewer than 1") as refused:
        queue.push(Item(), Priority.LOW)

    assert refused.value.code == "queue-full"
    assert refused.value.details == {"queue": "low", "limit": 1}


def test_the_same_object_cannot_wait_twice() -> None:
    queue: PriorityQueue[Item] = PriorityQueue(LIMITS)
    item = Item()
    queue.push(item, Priority.CORE)

    with pytest.raises(ValueError, match="waits already"):
        queue.push(item, Priority.LOW)


class QueueMachine(RuleBasedStateMachine):
    """Random pushes, pops and removals beside a list of (priority, item)."""

    def __init__(self) -> None:
        super().__init__()
        self.queue: PriorityQueue[Item] = PriorityQueue(LIMITS)
        self.model: list[tuple[Priority, Item]] = []

    def line(self, priority: Priority) -> list[Item]:
        return [item for other, item in self.model if other is priority]

    @rule(priority=st.sampled_from(Priority))
    def push(self, priority: Priority) -> None:
        item = Item()
        if len(self.line(priority)) < LIMITS[priority]:
            self.queue.push(item, priority)
            self.model.append((priority, item))
        else:
            with pytest.raises(RefusedError):
                self.queue.push(item, priority)

    @rule()
    def pop(self) -> None:
        expected = next((item for line in Priority for item in self.line(line)), None)
        assert self.queue.pop() is expected
        self.model = [entry for entry in self.model if entry[1] is not expected]

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def remove_one(self, data: st.DataObject) -> None:
        position = data.draw(st.integers(0, len(self.model) - 1))
        item = self.model.pop(position)[1]
        assert self.queue.remove(item)
        assert not self.queue.remove(item)

    @rule()
    def remove_a_stranger(self) -> None:
        assert not self.queue.remove(Item())

    @invariant()
    def counts_and_order_agree(self) -> None:
        expected = [item for line in Priority for item in self.line(line)]
        assert len(self.queue) == len(expected)
        assert all(a is b for a, b in zip(self.queue, expected, strict=True))
        assert all(self.queue.waiting(line) == len(self.line(line)) for line in Priority)


TestQueueAgainstAList = QueueMachine.TestCase
