"""Lines in which waiting promotes, against a list that is sorted anew each time."""

from dataclasses import dataclass

import pytest
from edge_runtime.pure.waiting_lines import PRIORITIES, Place, WaitingLines
from edge_runtime.types import Priority
from hypothesis import given
from hypothesis import strategies as st

AGEING_MS = 100


@dataclass(eq=False)
class Item:
    priority: Priority
    since_ms: float
    place: Place


def item(number: int, priority: Priority = Priority.REGULAR, since_ms: float = 0) -> Item:
    return Item(priority, since_ms, (number, 0))


def lines_of(*items: Item) -> WaitingLines[Item]:
    lines: WaitingLines[Item] = WaitingLines(AGEING_MS)
    for each in items:
        lines.push(each)
    return lines


def test_nobody_is_first_where_nobody_waits() -> None:
    assert lines_of().first(0) is None


def test_equal_priorities_keep_their_order_of_arrival() -> None:
    first, second = item(1), item(2)

    assert lines_of(first, second).first(0) is first


def test_an_item_that_comes_late_to_an_early_place_goes_first() -> None:
    early, late = item(1), item(2)

    assert lines_of(late, early).first(0) is early


@pytest.mark.parametrize(("waited_ms", "first"), [(199, "core"), (200, "low")])
def test_two_steps_of_waiting_make_low_as_urgent_as_core(waited_ms: float, first: str) -> None:
    low, core = item(1, Priority.LOW, since_ms=0), item(2, Priority.CORE, since_ms=waited_ms)

    assert lines_of(low, core).first(waited_ms) is {"low": low, "core": core}[first]


def test_one_class_can_be_asked_for_alone() -> None:
    regular, low = item(1), item(2, Priority.LOW)

    assert lines_of(regular, low).first(0, (Priority.LOW,)) is low
    assert lines_of(regular, low).first(0, (Priority.CORE,)) is None


def test_a_waiter_that_leaves_removes_itself_and_not_the_first() -> None:
    first, second, third = item(1), item(2), item(3)
    lines = lines_of(first, second, third)

    assert lines.remove(second)

    assert not lines.remove(second)
    assert list(lines) == [first, third]


def test_an_equal_item_at_the_same_place_is_another() -> None:
    waiting = item(1)

    assert not lines_of(waiting).remove(item(1))
    with pytest.raises(ValueError, match="taken"):
        lines_of(waiting).push(item(1))


def test_a_place_can_be_taken_again_when_it_is_free() -> None:
    old, new = item(1), item(1)
    lines = lines_of(old, item(2))
    lines.remove(old)
    lines.push(new)

    assert lines.first(0) is new


def test_places_that_were_left_take_no_room() -> None:
    lines = lines_of()
    for number in range(10_000):
        each = item(number)
        lines.push(each)
        lines.remove(each)

    assert len(lines._lines[Priority.REGULAR]._heap) < 20


steps = st.lists(
    st.one_of(
        st.tuples(st.just("push"), st.sampled_from(PRIORITIES)),
        st.tuples(st.just("take"), st.none()),
        st.tuples(st.just("remove"), st.integers(0, 5)),
        st.tuples(st.just("wait"), st.integers(0, 150)),
    ),
    max_size=60,
)


@given(steps)
def test_the_first_is_whom_a_naive_model_names(steps: list[tuple[str, object]]) -> None:
    lines, waiting, now_ms, number = lines_of(), list[Item](), 0.0, 0
    for action, argument in steps:
        if action == "push":
            number += 1
            waiting.append(item(number, argument, now_ms))  # type: ignore[arg-type]
            lines.push(waiting[-1])
        elif action == "wait":
            now_ms += argument  # type: ignore[operator]
        elif waiting:
            index = waiting.index(naive_first(waiting, now_ms)) if action == "take" else argument
            assert lines.remove(waiting.pop(index % len(waiting)))  # type: ignore[operator]
        assert len(lines) == len(waiting)
        assert lines.first(now_ms) is (naive_first(waiting, now_ms) if waiting else None)


def naive_first(waiting: list[Item], now_ms: float) -> Item:
    def rank(each: Item) -> tuple[int, Place]:
        steps = int((now_ms - each.since_ms) / AGEING_MS)
        return max(0, PRIORITIES.index(each.priority) - steps), each.place

    return sorted(waiting, key=rank)[0]
