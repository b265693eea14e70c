"""What a worker left and what the next one made of it, as docs/triggers.md says.

In good order nothing is guessed: what waited waits again, what had begun is lost. After a crash the
list of them is a second old at most.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from edge_runtime.run_events import TAKEN_UP_MS

from tests.unit.edge_runtime.pure.findings import Findings

from .kept import SURELY_KEPT_MS
from .ledger import Life
from .site import JOINED


@dataclass(frozen=True)
class Left:
    """A run of an event at the end of its worker; times are inf for what had not been.

    Attributes:
        task: Whom the event asked for.
        is_instead: Another task stands in for it, and waits since then.
    """

    task: str
    is_instead: bool
    asked_ms: float
    begun_ms: float
    settled_ms: float


class LeftAudit:
    """All workers of a device.

    Args:
        findings: Hears of what does not hold.
        now_ms: Virtual time in which something could be written.
    """

    def __init__(self, findings: Findings, now_ms: Callable[[], float]) -> None:
        self._findings = findings
        self._now_ms = now_ms
        self._known: set[str] = set()
        self._again: set[str] = set()
        self._left: dict[str, Left] = {}
        self._ended_ms = 0.0
        self._died = self._is_in_trouble = False

    def trouble(self) -> None:
        """Take in that the list may not be written from now on."""
        self._is_in_trouble = True

    def ended(self, life: Life, *, died: bool) -> None:
        """Take in what a worker leaves; in good order: before it is stopped."""
        self._died, self._ended_ms = died, self._now_ms()
        self._left = left_of(life)
        self._known |= self._left.keys()

    def began_again(self, life: Life) -> None:
        """Take in that what was activated just now is not begun a third time."""
        self._again |= {run_id for _, run_id, _ in life.activated}

    def taken_up(self, life: Life, event_times: Mapping[str, float], unix_ms: float) -> None:
        """Check what the next worker has asked for again, and what it has given up."""
        taken = [run_id for _, run_id, _ in life.activated]
        for run_id in [*taken, *life.lost]:
            self._check(run_id in self._known, run_id, "known to an earlier worker")
        if not self._is_in_trouble:
            for run_id in taken:
                self._check_may_begin(run_id)
            for run_id, left in self._left.items():
                age_ms = unix_ms - event_times.get(run_id.removeprefix(f"{left.task}-"), math.inf)
                self._check_is_told(run_id, left, taken, life.lost, age_ms)
            self._check_order(taken)
        self.began_again(life)
        self._is_in_trouble = False

    def _check_may_begin(self, run_id: str) -> None:
        left, sure_ms = self._left.get(run_id), self._sure_ms()
        if left is None:
            self._check(False, run_id, "left by the worker before")
            return
        is_over = min(left.begun_ms, left.settled_ms) < sure_ms and left.task != JOINED
        self._check(not is_over, run_id, "not begun again, as it may have had effects")
        may_again = not self._died or run_id not in self._again
        self._check(may_again, run_id, "not taken up twice, as it may have ended its worker")

    def _check_order(self, taken: list[str]) -> None:
        # A list that is a second old may not know yet that another task stands in.
        moved = {run_id for run_id, left in self._left.items() if left.is_instead and self._died}
        order = [run_id for run_id in self._left if run_id in taken and run_id not in moved]
        got = [run_id for run_id in taken if run_id not in moved]
        self._findings.check(got == order, f"{order} taken up in their order, got {got}")

    def _check_is_told(
        self, run_id: str, left: Left, taken: list[str], lost: list[str], age_ms: float
    ) -> None:
        if left.settled_ms < math.inf or left.asked_ms > self._sure_ms():
            return
        self._check(run_id in taken or run_id in lost, run_id, "taken up, or told as lost")
        if not self._died and left.task != JOINED and age_ms < TAKEN_UP_MS:
            waited = left.begun_ms == math.inf
            self._check((run_id in taken) is waited, run_id, f"taken up: {waited}")

    def _sure_ms(self) -> float:
        return self._ended_ms - SURELY_KEPT_MS if self._died else self._ended_ms

    def _check(self, holds: bool, run_id: str, what: str) -> None:
        self._findings.check(holds, f"{run_id}: {what}")


def left_of(life: Life) -> dict[str, Left]:
    """Return all runs of events; one for which another task stands in is that one."""
    latest = {run_id: key for key in life.asked if (run_id := key.split()[1]) in life.events}
    order = {key: place for place, key in enumerate(life.asked)}
    return {
        run_id: Left(
            life.events[run_id],
            key.split()[0] != life.events[run_id],
            life.asked[key],
            life.begun.get(key, math.inf),
            life.settled.get(key, math.inf),
        )
        for run_id, key in sorted(latest.items(), key=lambda item: order[item[1]])
    }
