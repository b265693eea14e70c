"""The latest outcomes, counted, beside a list that is filtered anew each time."""

from edge_runtime.pure.outcome_window import OutcomeWindow
from hypothesis import given
from hypothesis import strategies as st

calls = st.lists(st.tuples(st.integers(0, 60), st.booleans(), st.booleans()), max_size=40)


@given(calls, st.integers(1, 6), st.integers(1, 120), st.integers(0, 200))
def test_it_counts_what_is_recent_and_among_the_last(
    calls: list[tuple[int, bool, bool]], size: int, window_ms: int, later_ms: int
) -> None:
    window, kept, now_ms = OutcomeWindow(size, window_ms), [], 0
    for gap_ms, failed, slow in calls:
        now_ms += gap_ms
        window.add(now_ms, failed=failed, slow=slow)
        kept.append((now_ms, failed, slow))
    window.forget(now_ms + later_ms)

    recent = [each for each in kept[-size:] if each[0] > now_ms + later_ms - window_ms]

    assert window.calls == len(recent)
    assert window.failures == sum(failed for _, failed, _ in recent)
    assert window.slow == sum(slow for _, _, slow in recent)


def test_it_begins_anew_when_it_is_cleared() -> None:
    window = OutcomeWindow(4, 100)
    window.add(0, failed=True, slow=True)
    window.clear()

    assert (window.calls, window.failures, window.slow) == (0, 0, 0)
