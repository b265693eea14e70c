"""A circuit breaker: what fails again and again is left alone for a while, then tried with care.

Invariants:

* The state changes by ``TRANSITIONS`` only, and every change begins a new generation. A permit
  of an earlier generation changes nothing: a slow success from before the trip cannot close a
  half-open breaker.
* Half-open, at most ``half_open_calls`` permits are out or have succeeded; a permit counts once.
* Open lasts at most ``max_open_ms`` by the clock given; a clock that was set back ends it.

The rules for opening, half-open permits and slow calls are those of Resilience4j's CircuitBreaker;
its open time is constant, here it doubles with each failed recovery.

>>> breaker = Breaker(BreakerConfig(min_calls=1, open_ms=100, half_open_calls=1))
>>> breaker.record(breaker.acquire(0), Outcome.FAILURE, duration_ms=5, now_ms=5, jitter=0.5)
>>> breaker.allows(50), breaker.retry_after_ms(50), breaker.allows(105)
(False, 55.0, True)
>>> breaker.record(breaker.acquire(105), Outcome.SUCCESS, duration_ms=5, now_ms=110, jitter=0.5)
>>> breaker.state
<State.CLOSED: 'closed'>
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from typing import Final

from ..config_breaker import BreakerConfig
from ..types import JsonValue
from .breaker_states import TRANSITIONS, Signal, State
from .outcome_window import OutcomeWindow

WINDOW_CALLS: Final = 100
"""Calls that are judged together at most; ``min_calls`` is not above it."""

CLOCK_SLACK_MS: Final = 1_000
"""A clock further behind the latest time seen was set back; less is taken for no time at all."""

_MAX_DOUBLINGS: Final = 62


class Outcome(Enum):
    """How a call ended."""

    SUCCESS = auto()
    FAILURE = auto()


@dataclass(eq=False, slots=True)
class Permit:
    """The right to make one call; recorded or released once, again it means nothing."""

    generation: int
    spent: bool = False


class Breaker:
    """One breaker; times are Unix milliseconds.

    Attributes:
        state: As of the last time told; :meth:`allows` brings it up to date.
        generation: Changes with every transition.
        opens: How often it has opened, in this life.
        until_ms: When the latest open time ends or ended.
        window: The calls of this generation.
    """

    def __init__(self, config: BreakerConfig) -> None:
        self._config = config
        self.state = State.CLOSED
        self.generation = 0
        self.opens = 0
        self.window = OutcomeWindow(WINDOW_CALLS, config.window_ms)
        self._seen_ms = -math.inf
        self._since_ms = self.until_ms = -math.inf
        self._streak = 0
        self._begin()

    def allows(self, now_ms: float) -> bool:
        """Say whether :meth:`acquire` would give a permit."""
        self._observe(now_ms)
        return self.state is State.CLOSED or (self.state is State.HALF_OPEN and self._left > 0)

    def acquire(self, now_ms: float) -> Permit | None:
        """Return the permit for one call; None while there is none."""
        if not self.allows(now_ms):
            return None
        self._left -= 1  # Closed, it is counted as well but never looked at.
        return Permit(self.generation)

    def record(
        self, permit: Permit, outcome: Outcome, duration_ms: float, now_ms: float, jitter: float
    ) -> None:
        """Take in how the call of ``permit`` ended.

        Args:
            permit: From :meth:`acquire`; of another generation, or spent, it changes nothing.
            outcome: How it ended.
            duration_ms: How long it took; from ``slow_ms`` on it was slow.
            now_ms: When it ended.
            jitter: A random number in [0, 1): spreads the open time by ±20 %, so that many pages
                do not come back at once.
        """
        now_ms = self._observe(now_ms)
        if not self._spend(permit):
            return
        slow = self._config.slow_ms is not None and duration_ms >= self._config.slow_ms
        self.window.add(now_ms, failed=outcome is Outcome.FAILURE, slow=slow)
        if self.state is State.HALF_OPEN:
            self._probed(outcome, slow, now_ms, jitter)
        elif self._is_bad():
            self.trip(now_ms, jitter)

    def release(self, permit: Permit) -> None:
        """Give ``permit`` back: its call was not made, or says nothing about health."""
        if self._spend(permit):
            self._left += 1

    def retry_after_ms(self, now_ms: float) -> float:
        """Return how long to wait before asking again, 0 if a permit is to be had.

        Open it is what is left of the open time. Nobody knows when half-open permits come back, or
        when a forced breaker is reset: then it is the first and the longest open time.
        """
        if self.allows(now_ms):
            return 0.0
        if self.state is State.OPEN:
            return min(self.until_ms - self._seen_ms, self._config.max_open_ms)
        is_forced = self.state is State.FORCED_OPEN
        return self._config.max_open_ms if is_forced else self._config.open_ms

    def trip(self, now_ms: float, jitter: float) -> None:
        """Open now, whatever the window says; ``jitter`` as for :meth:`record`."""
        open_ms = self._config.open_ms * 2.0**self._streak * (0.8 + 0.4 * jitter)
        if self._signal(Signal.TRIPPED):
            self._since_ms = now_ms
            self.until_ms = now_ms + min(open_ms, self._config.max_open_ms)
            self._streak = min(self._streak + 1, _MAX_DOUBLINGS)
            self.opens += 1

    def force_open(self) -> None:
        """Refuse everything until :meth:`reset`."""
        self._signal(Signal.FORCED)

    def reset(self) -> None:
        """Close, and forget everything."""
        self._signal(Signal.RESET)

    def to_dict(self) -> dict[str, JsonValue]:
        """Return what a later life needs to know; half-open permits are of this life only."""
        if self.state is State.CLOSED or self.state is State.FORCED_OPEN:
            return {"state": self.state.value}
        times = {"sinceMs": self._since_ms, "untilMs": self.until_ms}
        return {"state": "open", **times, "streak": self._streak}

    @classmethod
    def from_dict(cls, config: BreakerConfig, plain: Mapping[str, JsonValue]) -> "Breaker":
        """Return the breaker that :meth:`to_dict` described, under what may be other settings.

        Raises:
            KeyError, TypeError, ValueError, OverflowError: It describes none.
        """
        breaker = cls(config)
        breaker.state = State(plain["state"])
        if breaker.state is State.OPEN:
            until_ms, most_ms = float(plain["untilMs"]), config.max_open_ms
            # Kept by an earlier version it has none: then it may have opened as late as it can.
            since_ms = float(plain.get("sinceMs", until_ms - most_ms))
            if not math.isfinite(since_ms + until_ms):
                raise ValueError("expected finite times")
            breaker._since_ms, breaker.until_ms = since_ms, min(until_ms, since_ms + most_ms)
            breaker._streak = int(min(max(float(plain["streak"]), 1), _MAX_DOUBLINGS))
        return breaker

    def reconfigured(self, config: BreakerConfig) -> "Breaker":
        """Return this breaker under other settings; permits of before change nothing any more.

        Open it stays for its own time, at most ``max_open_ms`` from its opening on.
        """
        later = Breaker.from_dict(config, self.to_dict())
        later.generation, later.opens = self.generation + 1, self.opens
        return later

    def _observe(self, now_ms: float) -> float:
        """Return the time, which stands still while the clock is a little behind."""
        if now_ms < self._seen_ms - CLOCK_SLACK_MS:
            self.window.clear()
            self.until_ms = self._seen_ms = now_ms
        self._seen_ms = now_ms = max(now_ms, self._seen_ms)
        # Before it opened: the clock was set back between two lives.
        is_open_now = self._since_ms - CLOCK_SLACK_MS <= now_ms < self.until_ms
        if self.state is State.OPEN and not is_open_now:
            self._signal(Signal.TIME_OVER)
        return now_ms

    def _spend(self, permit: Permit) -> bool:
        if permit.spent:
            return False
        permit.spent = True
        return permit.generation == self.generation

    def _probed(self, outcome: Outcome, slow: bool, now_ms: float, jitter: float) -> None:
        self._passed += 1
        self._passed_slow += slow
        if outcome is Outcome.FAILURE:
            self.trip(now_ms, jitter)
        elif self._passed == self._config.half_open_calls:
            if self._passed_slow >= self._config.slow_share * self._passed:
                self.trip(now_ms, jitter)
            else:
                self._signal(Signal.PROVEN)

    def _is_bad(self) -> bool:
        calls, config = self.window.calls, self._config
        return calls >= config.min_calls and (
            self.window.failures >= config.failure_share * calls
            or self.window.slow >= config.slow_share * calls
        )

    def _signal(self, signal: Signal) -> bool:
        after = TRANSITIONS.get((self.state, signal))
        if after is None:
            return False
        self.state = after
        self.generation += 1
        if after is State.CLOSED:
            self._streak = 0
        self._begin()
        return True

    def _begin(self) -> None:
        self.window.clear()
        self._left = self._config.half_open_calls
        self._passed = self._passed_slow = 0
