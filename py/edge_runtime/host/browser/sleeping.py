"""``time.sleep`` in the browser's interpreter, which its own version of holds for all its time."""

import time
from typing import Any, Final

SLICE_S: Final = 0.02
# Interrupts are asked for every 50 jumps, and the clock is looked at every 16th time
# (js_shim/interrupt-watch.js): slices alone have so few that a deadline was noticed too late.
_JUMPS_UNTIL_LOOK: Final = 50 * 17


def install_sleep() -> None:
    """Let interrupts in while code sleeps: once a run's deadline has passed it is woken."""
    native = time.sleep

    def sleep(seconds: Any, /) -> None:
        end_s = time.monotonic() + seconds
        native(min(seconds, SLICE_S))
        while (left_s := end_s - time.monotonic()) > 0:
            _let_interrupts_in()
            native(min(left_s, SLICE_S))

    time.sleep = sleep


def _let_interrupts_in() -> None:
    for _ in range(_JUMPS_UNTIL_LOOK):
        pass
