"""``time.sleep`` in the browser's interpreter, which its own version of holds for all its time."""

import time
from typing import Any, Final

SLICE_S: Final = 0.02


def install_sleep() -> None:
    """Let interrupts in while code sleeps: once a run's deadline has passed it is woken."""
    native = time.sleep

    def sleep(seconds: Any, /) -> None:
        end_s = time.monotonic() + seconds
        native(min(seconds, SLICE_S))
        while (left_s := end_s - time.monotonic()) > 0:
            native(min(left_s, SLICE_S))

    time.sleep = sleep
