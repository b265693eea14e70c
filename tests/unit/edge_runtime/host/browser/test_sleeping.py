"""Sleep in slices, between which an interrupt is heard."""

import runpy
import time
from pathlib import Path

import pytest

# Its package needs a browser.
SLEEPING = Path(__file__).parents[5] / "py" / "edge_runtime" / "host" / "browser" / "sleeping.py"


@pytest.fixture
def slices(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Return what the interpreter's own sleep was asked for, on a clock that it moves."""
    now_s, asked = [100.0], []

    def native(seconds: float) -> None:
        if seconds < 0:
            raise ValueError("sleep length must be non-negative")
        asked.append(seconds)
        now_s[0] += seconds

    monkeypatch.setattr(time, "sleep", native)
    monkeypatch.setattr(time, "monotonic", lambda: now_s[0])
    runpy.run_path(str(SLEEPING))["install_sleep"]()
    return asked


def test_no_slice_is_longer_than_an_interrupt_may_wait(slices: list[float]) -> None:
    time.sleep(0.05)

    assert sum(slices) == pytest.approx(0.05)
    assert len(slices) > 2 and max(slices) <= 0.02


def test_a_short_sleep_is_one_slice_and_none_lets_go_once(slices: list[float]) -> None:
    time.sleep(0.001)
    time.sleep(0)

    assert slices == [0.001, 0]


@pytest.mark.parametrize(("seconds", "error"), [(-1, ValueError), ("1", TypeError)])
def test_what_is_no_time_is_refused(
    slices: list[float], seconds: float, error: type[Exception]
) -> None:
    with pytest.raises(error):
        time.sleep(seconds)
    assert slices == []
