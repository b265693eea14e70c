"""Where a run goes, what makes room, when a lane ends, how long nobody's answer may take."""

import pytest
from edge_runtime.pure.lane_plans import (
    FIRST_GRACE_MS,
    MIB,
    UNKNOWN_FILE_BYTES,
    Assigned,
    LaneLoad,
    SessionSize,
    assign,
    lane_names,
    patience_ms,
    predicted_bytes,
    should_recycle,
    to_evict,
)

OPEN, OPENING, EMPTY = (True, False), (False, True), (False, False)


@pytest.mark.parametrize(
    ("lanes", "assigned"),
    [
        ([(0, EMPTY), (0, EMPTY)], ("a", None)),
        ([(2, EMPTY), (1, EMPTY)], ("b", None)),
        ([(0, OPEN), (0, EMPTY)], ("a", None)),
        ([(1, OPEN), (0, EMPTY)], ("a", "b")),
        ([(1, OPEN), (1, EMPTY)], ("a", None)),
        ([(2, OPEN), (1, OPEN)], ("b", None)),
        ([(2, OPEN), (1, OPEN), (0, EMPTY)], ("b", "c")),
        ([(0, OPENING), (0, EMPTY)], ("a", None)),
        ([(0, EMPTY), (0, OPENING)], ("b", None)),
        ([(1, OPENING), (0, EMPTY)], ("a", "b")),
        ([(3, OPEN), (0, OPENING)], ("a", None)),
    ],
)
def test_a_run_goes_to_the_shortest_line_before_an_open_session(
    lanes: list[tuple[int, tuple[bool, bool]]], assigned: tuple[str, str | None]
) -> None:
    loads = [
        LaneLoad(name, load, *state) for name, (load, state) in zip("abc", lanes, strict=False)
    ]
    assert assign(loads) == Assigned(*assigned)


def test_the_least_recently_used_leave_until_there_is_room() -> None:
    sessions = [
        SessionSize("old but used", 10, 1, is_used=True),
        SessionSize("newer", 10, 3, is_used=False),
        SessionSize("old", 10, 2, is_used=False),
        SessionSize("newest", 10, 4, is_used=False),
    ]

    assert to_evict(sessions, 0, 40) == []
    assert to_evict(sessions, 1, 40) == ["old"]
    assert to_evict(sessions, 11, 40) == ["old", "newer"]
    assert to_evict(sessions, 1_000, 40) == ["old", "newer", "newest"]


def test_an_opening_is_reckoned_at_twice_its_file() -> None:
    assert predicted_bytes(5) == 10
    assert predicted_bytes(None) == 2 * UNKNOWN_FILE_BYTES


@pytest.mark.parametrize(
    ("heap_mb", "live_mb", "budget_mb", "expected"),
    [
        (48, 0, 16, False),
        (49, 0, 16, True),
        (148, 50, 64, False),
        (149, 50, 64, True),
        (750, 50, 1_000, False),
        (751, 50, 1_000, True),
    ],
)
def test_a_lane_is_ended_far_above_what_it_needs(
    heap_mb: int, live_mb: int, budget_mb: int, expected: bool
) -> None:
    assert should_recycle(heap_mb * MIB, live_mb * MIB, budget_mb * MIB) is expected


@pytest.mark.parametrize(
    ("elapsed_ms", "usual_ms", "reopen_ms", "expected_ms"),
    [
        (0, None, 5_000, FIRST_GRACE_MS),
        (0, 10, 5_000, FIRST_GRACE_MS),  # Three times as long as usual is less than a moment.
        (100, 400, 5_000, 1_100),
        (400, 400, 0, 800),
        (401, 400, 5_000, FIRST_GRACE_MS),
        (0, 6_000, 5_000, FIRST_GRACE_MS),  # A new lane is there sooner.
        (1_000, 6_000, 5_000, 17_000),
    ],
)
def test_an_answer_is_waited_for_while_a_new_lane_would_take_longer(
    elapsed_ms: float, usual_ms: float | None, reopen_ms: float, expected_ms: float
) -> None:
    assert patience_ms(elapsed_ms, usual_ms, reopen_ms) == expected_ms


def test_lanes_differ_by_backend_threads_and_number() -> None:
    assert lane_names("webgpu", 1, 4, 2) == ["webgpu"]
    assert lane_names("wasm", 4, 4, 1) == ["wasm"]
    assert lane_names("wasm", 4, 4, 3) == ["wasm", "wasm-2", "wasm-3"]
    assert lane_names("wasm", 1, 4, 2) == ["wasm-1t", "wasm-1t-2"]
