"""Breakers against a naive model of their table, with its generations, across lives."""

from collections.abc import Callable, Mapping
from typing import Any

from edge_runtime.config_breaker import BreakerConfig
from edge_runtime.errors import RefusedError
from edge_runtime.pure.breaker import Permit
from edge_runtime.services.breakers import FORGET_MS, KEY, Breakers

from tests.unit.edge_runtime.pure.findings import Findings
from tests.unit.edge_runtime.pure.naive_breaker import NaiveBreaker

from .kept import Kept

# Waits are told to a thousandth of a millisecond.
ROUNDED_MS = 0.002


class BreakerAudit:
    """All breakers of a device.

    Args:
        findings: Hears of what does not hold.
        now_ms: Virtual time in which something could be written.

    Attributes:
        kept: What storage may hold of open breakers.
        died: The life before this one ended in the middle of something.
    """

    def __init__(self, findings: Findings, now_ms: Callable[[], float]) -> None:
        self._findings = findings
        self.kept: Kept[dict[str, Any]] = Kept(now_ms, {})
        self.died = False

    def begin(
        self,
        unix_ms: Callable[[], float],
        config: BreakerConfig,
        jitter: Callable[[str, int], float],
    ) -> None:
        """Begin a life."""
        self._unix_ms = unix_ms
        self._config = config
        self._jitter = jitter
        self._breakers: dict[str, NaiveBreaker] = {}

    def loaded(self, stored: Any) -> None:
        """Check what a start has found, and go on from it."""
        found = dict(stored or {})
        if found not in self.kept.candidates(died=self.died):
            self._findings.add(f"open breakers kept as they were, got {found}")
        self.kept.found(found)
        for task, plain in found.items():
            if plain["untilMs"] > self._unix_ms() - FORGET_MS:
                breaker = self._breakers[task] = NaiveBreaker(self._config)
                breaker.state, breaker.streak = "open", plain["streak"]
                breaker.since_ms, breaker.until_ms = plain["sinceMs"], plain["untilMs"]
        self._force()

    def asked(self, task: str, wait_ms: float) -> None:
        """Compare for how long ``task`` is refused, 0 if it is not."""
        if task in self._breakers or wait_ms:
            expected_ms = self._of(task).wait_ms(self._unix_ms())
            if abs(expected_ms - wait_ms) > ROUNDED_MS:
                self._findings.add(f"{task}: refused for {expected_ms:g} ms, got {wait_ms:g} ms")
            self._noted()

    def acquired(self, task: str, permit: object | None) -> None:
        """Compare whether a call may be made."""
        breaker = self._of(task)
        is_allowed = breaker.allows(self._unix_ms())
        if is_allowed is (permit is None):
            self._findings.add(f"{task}: a permit {is_allowed}, got {permit}")
        if permit is not None:
            breaker.acquired(permit)

    def done(self, task: str, permit: object, failed: bool, duration_ms: float, state: str) -> None:
        """Compare what a call that ended has made of the breaker."""
        breaker, slow_ms = self._of(task), self._config.slow_ms
        is_slow = slow_ms is not None and duration_ms >= slow_ms
        jitter = self._jitter(task, breaker.opens)
        before = breaker.state
        breaker.record(permit, failed, is_slow, self._unix_ms(), jitter)
        self._same_state(task, state)
        self._noted(is_change=breaker.state != before)

    def released(self, task: str, permit: object) -> None:
        """Take in a permit that was given back."""
        self._of(task).release(permit)

    def reconfigured(self, config: BreakerConfig) -> None:
        """Go by other settings; permits of before are worth nothing then."""
        if config != self._config:
            self._config = config
            self._breakers = {
                task: self._reconfigured(breaker) for task, breaker in self._breakers.items()
            }
            self._noted(is_change=self._force())

    def listed(self, statistics: Mapping[str, Any]) -> None:
        """Compare with what people are told."""
        self._findings.check(
            {*statistics} == {*self._breakers}, f"breakers {[*self._breakers]}, got {statistics}"
        )
        for task, told in statistics.items():
            self.asked(task, told["retryAfterMs"])
            self._same_state(task, told["state"])
            opens = self._of(task).opens
            self._findings.check(opens == told["opens"], f"{task}: opened {opens} times")

    def _of(self, task: str) -> NaiveBreaker:
        return self._breakers.setdefault(task, NaiveBreaker(self._config))

    def _reconfigured(self, breaker: NaiveBreaker) -> NaiveBreaker:
        later = breaker.next_life(self._config)
        later.opens = breaker.opens
        return later

    def _force(self) -> bool:
        """Force open what the configuration names; return whether that closes any."""
        closes = False
        for task in {**dict.fromkeys(self._config.forced_open), **self._breakers}:
            breaker = self._of(task)
            if breaker.state == "open":
                breaker.tell(self._unix_ms())
            is_forced = task in self._config.forced_open
            if is_forced is not (breaker.state == "forced-open"):
                breaker.change("forced-open" if is_forced else "closed")
                closes |= not is_forced
        return closes

    def _same_state(self, task: str, state: str) -> None:
        expected = self._of(task).state
        if state != expected:
            self._findings.add(f"{task}: the breaker is {expected}, got {state}")

    def _noted(self, *, is_change: bool = False) -> None:
        open_now = {
            task: {
                "state": "open",
                "sinceMs": breaker.since_ms,
                "untilMs": breaker.until_ms,
                "streak": breaker.streak,
            }
            for task, breaker in self._breakers.items()
            if breaker.state in ("open", "half-open")
        }
        if is_change or open_now != self._latest_kept():
            self.kept.note(open_now, is_change=is_change)

    def _latest_kept(self) -> dict[str, Any]:
        return self.kept.candidates(died=True)[0]


class WatchedBreakers(Breakers):
    """Answers as it would, and has the audit compare."""

    def __init__(
        self,
        audit: BreakerAudit,
        clock: Any,
        page: Any,
        values: Any,
        config: BreakerConfig,
        jitter: Callable[[str, int], float],
        journal: Any,
    ) -> None:
        super().__init__(clock, page, values, config, jitter, journal)
        self._audit = audit
        audit.begin(clock.now_ms, config, jitter)

    def load(self) -> None:
        super().load()
        self._audit.loaded(self._values.get(KEY))

    def refusal(self, task: str) -> RefusedError | None:
        refusal = super().refusal(task)
        wait_ms = 0.0 if refusal is None else refusal.details["retryAfterMs"]
        self._audit.asked(task, wait_ms)
        return refusal

    def acquire(self, task: str) -> Permit | None:
        permit = super().acquire(task)
        self._audit.acquired(task, permit)
        return permit

    def done(self, task: str, permit: object, failed: bool, duration_ms: float) -> None:
        super().done(task, permit, failed, duration_ms)
        self._audit.done(task, permit, failed, duration_ms, self._breakers[task].state.value)

    def release(self, task: str, permit: object) -> None:
        super().release(task, permit)
        self._audit.released(task, permit)

    def reconfigure(self, config: BreakerConfig) -> None:
        super().reconfigure(config)
        self._audit.reconfigured(config)

    def statistics(self) -> Any:
        statistics = super().statistics()
        self._audit.listed(statistics)
        return statistics
