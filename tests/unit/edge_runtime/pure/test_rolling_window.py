"""Percentiles over the latest measurements."""

import pytest
from edge_runtime.pure.rolling_window import RollingWindow
from hypothesis import given
from hypothesis import strategies as st


def test_an_empty_window_has_no_percentile() -> None:
    assert RollingWindow().percentile(50) is None


def test_old_values_are_forgotten() -> None:
    window = RollingWindow(size=2)
    for value in (900, 1, 2):
        window.add(value)

    assert (len(window), window.percentile(99)) == (2, 2)


@pytest.mark.parametrize(("percent", "expected"), [(1, 1), (50, 50), (99, 99), (100, 100)])
def test_percentiles_are_nearest_rank(percent: float, expected: float) -> None:
    window = RollingWindow(size=100)
    for value in range(100, 0, -1):
        window.add(value)

    assert window.percentile(percent) == expected


@given(st.lists(st.floats(allow_nan=False), min_size=1), st.floats(0.01, 100))
def test_enough_values_are_at_or_below_a_percentile(values: list[float], percent: float) -> None:
    window = RollingWindow(size=len(values))
    for value in values:
        window.add(value)

    percentile = window.percentile(percent)

    assert percentile in values
    below = sum(value <= percentile for value in values)
    assert below / len(values) * 100 >= percent - 1e-9
