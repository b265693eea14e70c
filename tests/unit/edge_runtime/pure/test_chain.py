"""The judge of a log, against a model that knows what was done to it."""

from itertools import groupby

import pytest
from edge_runtime.pure.chain import Base, Fault, Link, Reason, Verdict, judge
from hypothesis import given
from hypothesis import strategies as st

OUR, OTHER = b"our", b"other"


def tag(number: int, history: bytes = OUR) -> bytes:
    return history + str(number).encode()


def link(number: int, history: bytes = OUR, before: bytes | None = None) -> Link:
    return Link(tag(number, history), tag(number - 1, before or history))


def log(first: int, last: int) -> dict[int, Link | None]:
    return {number: link(number) for number in range(first, last + 1)}


def base(number: int) -> Base:
    return Base(number, tag(number))


def ranges(reasons: dict[int, Reason]) -> tuple[Fault, ...]:
    ordered = sorted(reasons.items())
    runs = groupby(enumerate(ordered), key=lambda each: (each[1][0] - each[0], each[1][1]))
    found = [[number for _, (number, _) in run] for _, run in runs]
    return tuple(Fault(run[0], run[-1], reasons[run[0]]) for run in found)


@st.composite
def damaged_logs(draw: st.DrawFn) -> tuple[Base, dict[int, Link | None], Base, dict[int, Reason]]:
    """Return a log that somebody was at, and what was done to which segment.

    What is swapped in stands below a segment that nobody touched: where that one is damaged too,
    nothing names the true one any more.
    """
    start = draw(st.integers(0, 20))
    end = start + draw(st.integers(0, 12))
    links, done = log(start + 1, end), dict[int, Reason]()
    deeds = st.sampled_from(["keep", "keep", "drop", "break", "swap"])
    for number in range(end, start, -1):
        deed = draw(deeds)
        if deed == "drop":
            del links[number]
            done[number] = "missing"
        elif deed == "break" or (deed == "swap" and number + 1 in done):
            links[number] = None
            done[number] = "seal-broken"
        elif deed == "swap":
            links[number] = link(number, OTHER, draw(st.sampled_from([OUR, OTHER])))
            done[number] = "other-history"
    for number in draw(st.sets(st.integers(0, start) | st.integers(end + 1, end + 5), max_size=4)):
        links[number] = draw(st.sampled_from([link(number), link(number, OTHER), None]))
        done[number] = "unexpected"
    return base(start), links, base(end), done


@given(damaged_logs())
def test_a_fault_costs_what_it_touched_and_nothing_else(
    case: tuple[Base, dict[int, Link | None], Base, dict[int, Reason]],
) -> None:
    start, links, end, done = case
    untouched = [n for n in range(start.sequence + 1, end.sequence + 1) if n not in done]
    assert judge(start, links, end) == Verdict(tuple(untouched), ranges(done))


@given(st.integers(0, 5), st.integers(0, 9), st.integers(0, 9))
def test_a_cut_off_end_shows_if_the_last_number_is_known(start: int, kept: int, cut: int) -> None:
    middle, end = start + kept, start + kept + cut
    good = tuple(range(start + 1, middle + 1))

    assert judge(base(start), log(start + 1, middle), None) == Verdict(good, ())
    faults = (Fault(middle + 1, end, "missing"),) if cut else ()
    assert judge(base(start), log(start + 1, middle), base(end)) == Verdict(good, faults)


@given(damaged_logs())
def test_without_a_tail_the_last_segment_vouches_for_the_others(
    case: tuple[Base, dict[int, Link | None], Base, dict[int, Reason]],
) -> None:
    start, links, end, done = case
    links = {n: each for n, each in links.items() if n <= end.sequence} | {
        end.sequence + 1: link(end.sequence + 1)
    }
    assert judge(start, links, None) == judge(start, links, base(end.sequence + 1))


def test_a_log_of_another_history_does_not_go_on_from_our_checkpoint() -> None:
    links = {1: link(1, OTHER), 2: link(2, OTHER)}
    verdict = judge(base(0), links, Base(2, tag(2, OTHER)))
    assert verdict == Verdict((2,), (Fault(1, 1, "other-history"),))


def test_what_is_older_than_the_checkpoint_is_unexpected_even_if_the_tail_is_too() -> None:
    assert judge(base(5), log(2, 6), base(3)) == Verdict((), (Fault(2, 6, "unexpected"),))


def test_right_below_a_gap_nothing_names_the_true_segment() -> None:
    links = {1: link(1), 2: link(2, OTHER, before=OUR), 4: link(4)}
    assert judge(base(0), links, base(4)) == Verdict((1, 2, 4), (Fault(3, 3, "missing"),))


@pytest.mark.parametrize("tail", [None, base(0)])
def test_an_empty_log_is_no_fault(tail: Base | None) -> None:
    assert judge(base(0), {}, tail) == Verdict((), ())
