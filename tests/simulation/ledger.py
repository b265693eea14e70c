"""What the runtime says it does, checked as it says it."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from .tasks import JOINED


def key_of(fields: dict[str, Any]) -> str:
    """Name a run: a fallback's task has the run id of the one for which it stands in."""
    return f"{fields['task']} {fields['runId']}"


class Broken(AssertionError):
    """An invariant does not hold."""


@dataclass(slots=True)
class Life:
    """The runs of one worker, by task and id."""

    asked: dict[str, tuple[float, str]] = field(default_factory=dict)
    begun: set[str] = field(default_factory=set)
    running: set[str] = field(default_factory=set)
    settled: dict[str, str] = field(default_factory=dict)


class Ledger:
    """Implements ``Journal``.

    Args:
        now_ms: Virtual time.
        bound_ms: How long a run of a queue may wait at most.

    Attributes:
        life: The runs of the worker that lives.
        outcomes: How runs ended, over all lives.
        paused_ms: For how long starts were held up so far.
        longest_ms: The longest wait by queue.
    """

    def __init__(self, now_ms: Callable[[], float], bound_ms: Callable[[str], float]) -> None:
        self._now_ms = now_ms
        self._bound_ms = bound_ms
        self._paused_at_ms: float | None = None
        self._paused_before_ms = 0.0
        self.life = Life()
        self._asked_before: set[str] = set()
        self.lives = 0
        self.outcomes: Counter[str] = Counter()
        self.longest_ms: Counter[str] = Counter()

    def note(self, kind: str, **fields: Any) -> None:
        """Check a line against those before it."""
        check = getattr(self, f"_{kind}", None)
        if check is not None:
            check(fields)

    def died(self) -> None:
        """Forget the worker's runs: only the next one can tell of them."""
        self._asked_before |= self.life.asked.keys()
        self.life = Life()
        self._resume({})

    def paused_ms(self) -> float:
        """Return for how long starts were held up so far."""
        open_ms = 0.0 if self._paused_at_ms is None else self._now_ms() - self._paused_at_ms
        return self._paused_before_ms + open_ms

    def unsettled(self) -> set[str]:
        """Return the runs that nobody has heard of again."""
        return self.life.asked.keys() - self.life.settled.keys()

    def _start(self, _fields: dict[str, Any]) -> None:
        self.lives += 1

    def _pause(self, _fields: dict[str, Any]) -> None:
        if self._paused_at_ms is None:
            self._paused_at_ms = self._now_ms()

    def _resume(self, _fields: dict[str, Any]) -> None:
        self._paused_before_ms, self._paused_at_ms = self.paused_ms(), None

    def _activation(self, fields: dict[str, Any]) -> None:
        run_id = key_of(fields)
        self._check(run_id not in self.life.asked, f"{run_id}: asked for once")
        self.life.asked[run_id] = self._now_ms() - self.paused_ms(), fields["queue"]

    def _lost(self, fields: dict[str, Any]) -> None:
        run_id = key_of(fields)
        is_known = run_id in self._asked_before and run_id not in self.life.asked
        self._check(is_known, f"{run_id}: lost only if an earlier worker was asked for it")
        self.outcomes[fields["ended"]] += 1

    def _refusal(self, fields: dict[str, Any]) -> None:
        self._check(key_of(fields) not in self.life.begun, f"{key_of(fields)}: refused unbegun")
        self._settled(fields)

    def _begin(self, fields: dict[str, Any]) -> None:
        run_id = key_of(fields)
        self._check(run_id in self.life.asked, f"{run_id}: asked for before it begins")
        self._check(run_id not in self.life.begun, f"{run_id}: run once")
        is_over = run_id in self.life.settled and fields["task"] != JOINED
        self._check(not is_over, f"{run_id}: never begun once it is settled")
        self.life.begun.add(run_id)
        self.life.running.add(run_id)
        asked_ms, queue = self.life.asked[run_id]
        wait_ms = self._now_ms() - self.paused_ms() - asked_ms
        self.longest_ms[queue] = max(self.longest_ms[queue], wait_ms)
        bound_ms = self._bound_ms(queue)
        self._check(wait_ms <= bound_ms, f"{run_id}: waits {wait_ms:g} of {bound_ms:g} ms")

    def _run(self, fields: dict[str, Any]) -> None:
        run_id = key_of(fields)
        self._check(run_id in self.life.running, f"{run_id}: returns once, after it began")
        self.life.running.remove(run_id)

    def _settled(self, fields: dict[str, Any]) -> None:
        run_id, ended = key_of(fields), fields["ended"]
        self._check(run_id in self.life.asked, f"{run_id}: asked for before it is settled")
        self._check(run_id not in self.life.settled, f"{run_id}: settled once")
        self.life.settled[run_id] = ended
        self.outcomes[ended] += 1

    def _check(self, holds: bool, what: str) -> None:
        if not holds:
            raise Broken(f"virtual time {self._now_ms():g} ms: {what}")
