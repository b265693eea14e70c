"""The breaker's rules told once more: every call and permit is kept, each question worked out."""

import math
from typing import Any

from edge_runtime.config_breaker import BreakerConfig
from edge_runtime.pure.breaker import CLOCK_SLACK_MS, WINDOW_CALLS


class NaiveBreaker:
    """One breaker; ``valid`` are the permits of this generation that are out."""

    def __init__(self, config: BreakerConfig) -> None:
        self.config = config
        self.state, self.until_ms, self.streak, self.opens = "closed", -math.inf, 0, 0
        self.since_ms = self.seen_ms = -math.inf
        self.calls: list[tuple[float, bool, bool]] = []
        self.valid: list[Any] = []
        self.taken = 0

    def change(self, state: str) -> None:
        self.state, self.calls, self.valid, self.taken = state, [], [], 0
        if state == "closed":
            self.streak = 0

    def tell(self, now_ms: float) -> float:
        if now_ms < self.seen_ms - CLOCK_SLACK_MS:
            self.seen_ms = self.until_ms = now_ms
            self.calls = [] if self.state == "closed" else self.calls
        self.seen_ms = max(self.seen_ms, now_ms)
        is_before = self.seen_ms < self.since_ms - CLOCK_SLACK_MS
        if self.state == "open" and (is_before or self.seen_ms >= self.until_ms):
            self.change("half-open")
        return self.seen_ms

    def allows(self, now_ms: float) -> bool:
        self.tell(now_ms)
        is_left = self.taken < self.config.half_open_calls
        return self.state == "closed" or (self.state == "half-open" and is_left)

    def wait_ms(self, now_ms: float) -> float:
        if self.allows(now_ms):
            return 0
        if self.state == "open":
            return min(self.until_ms - self.seen_ms, self.config.max_open_ms)
        return self.config.open_ms if self.state == "half-open" else self.config.max_open_ms

    def acquired(self, permit: Any) -> None:
        self.taken += 1
        self.valid.append(permit)

    def record(self, permit: Any, failed: bool, slow: bool, now_ms: float, jitter: float) -> None:
        now_ms = self.tell(now_ms)
        if permit not in self.valid:
            return
        self.valid.remove(permit)
        self.calls.append((now_ms, failed, slow))
        recent, probes = self.calls, self.config.half_open_calls
        if self.state == "closed":
            recent = [each for each in recent if each[0] > now_ms - self.config.window_ms]
            recent = recent[-WINDOW_CALLS:]
        failures, slows = sum(each[1] for each in recent), sum(each[2] for each in recent)
        is_slow = slows >= self.config.slow_share * len(recent)
        if self.state == "closed":
            is_bad = is_slow or failures >= self.config.failure_share * len(recent)
            if is_bad and len(recent) >= self.config.min_calls:
                self.trip(jitter)
        elif failed or (len(recent) == probes and is_slow):
            self.trip(jitter)
        elif len(recent) == probes:
            self.change("closed")

    def trip(self, jitter: float) -> None:
        open_ms = self.config.open_ms * 2**self.streak * (0.8 + 0.4 * jitter)
        self.change("open")
        self.since_ms = self.seen_ms
        self.until_ms = self.seen_ms + min(open_ms, self.config.max_open_ms)
        self.streak, self.opens = self.streak + 1, self.opens + 1

    def release(self, permit: Any) -> None:
        if permit in self.valid:
            self.valid.remove(permit)
            self.taken -= 1

    def next_life(self, config: BreakerConfig) -> "NaiveBreaker":
        """What was half-open is open, with its time over; permits of before are worth nothing."""
        later = NaiveBreaker(config)
        later.state = "open" if self.state == "half-open" else self.state
        if later.state == "open":
            later.since_ms, later.streak = self.since_ms, self.streak
            later.until_ms = min(self.until_ms, self.since_ms + config.max_open_ms)
        return later
