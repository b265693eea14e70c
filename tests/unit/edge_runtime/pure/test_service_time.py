"""Slower for good, or only for a moment."""

import pytest
from edge_runtime.pure.service_time import ServiceTime, middle


def drifted(first_ms: float, *latest_ms: float) -> bool:
    service = ServiceTime()
    for ms in (*[first_ms] * 16, *latest_ms):
        service.add(ms)
    return service.has_drifted


def test_a_model_has_drifted_when_half_of_its_latest_runs_take_twice_as_long() -> None:
    assert drifted(10, *[22] * 16)
    assert not drifted(10, *[22] * 15)
    assert not drifted(10, *[21] * 16)
    assert drifted(10, *[10] * 7, *[30] * 9)
    assert not drifted(10, *[10] * 8, *[30] * 8)
    assert not drifted(10, *[30] * 16, *[10] * 8)


def test_small_times_are_too_noisy_to_tell() -> None:
    assert not drifted(0.1, *[1.1] * 16)
    assert drifted(0.1, *[1.3] * 16)


def test_a_new_one_tells_nothing() -> None:
    assert not ServiceTime().has_drifted


@pytest.mark.parametrize(("values", "expected"), [([3], 3), ([3, 1], 1), ([3, 1, 2], 2)])
def test_the_middle_of_two_is_the_lower(values: list[float], expected: float) -> None:
    assert middle(values) == expected
