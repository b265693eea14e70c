"""Breakers: when they open, what closes them, whose results count, beside a naive model."""

import json
import math
import random
from dataclasses import replace
from typing import Any

import pytest
from edge_runtime.config_breaker import BreakerConfig
from edge_runtime.pure.breaker import Breaker, Outcome, Permit
from edge_runtime.pure.breaker_states import State
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from .naive_breaker import NaiveBreaker

GOOD, BAD = Outcome.SUCCESS, Outcome.FAILURE
CONFIG = BreakerConfig(
    min_calls=4, slow_ms=50, window_ms=1_000, open_ms=100, max_open_ms=700, half_open_calls=2
)


def end(
    breaker: Breaker, permit: Permit | None, outcome: Outcome, now_ms: float, took_ms: float = 1
) -> None:
    assert permit is not None
    breaker.record(permit, outcome, took_ms, now_ms, jitter=0.5)


def call(breaker: Breaker, outcome: Outcome, now_ms: float, took_ms: float = 1) -> None:
    end(breaker, breaker.acquire(now_ms), outcome, now_ms, took_ms)


def tripped(now_ms: float = 0.0) -> Breaker:
    breaker = Breaker(CONFIG)
    for _ in range(4):
        call(breaker, BAD, now_ms)
    assert breaker.state is State.OPEN
    return breaker


def test_it_opens_when_half_of_enough_calls_failed() -> None:
    breaker = Breaker(CONFIG)
    for outcome in (BAD, BAD, GOOD):
        call(breaker, outcome, 0)
    assert breaker.state is State.CLOSED

    call(breaker, GOOD, 0)

    assert (breaker.state, breaker.opens, breaker.acquire(50)) == (State.OPEN, 1, None)
    assert breaker.retry_after_ms(60) == pytest.approx(40)


def test_it_opens_when_most_calls_are_slow_although_none_failed() -> None:
    breaker = Breaker(CONFIG)
    for took_ms in (50, 49, 50, 50):
        call(breaker, GOOD, 0, took_ms)
    assert breaker.state is State.CLOSED

    call(breaker, GOOD, 0, 50)

    assert breaker.state is State.OPEN


def test_what_is_older_than_the_window_does_not_count() -> None:
    breaker = Breaker(CONFIG)
    for now_ms in (0, 1, 2, 1_001):
        call(breaker, BAD, now_ms)

    assert (breaker.state, breaker.window.calls) == (State.CLOSED, 2)


def test_it_closes_when_every_half_open_call_succeeded() -> None:
    breaker = tripped()
    first, second = breaker.acquire(100), breaker.acquire(100)
    assert breaker.acquire(100) is None
    assert breaker.retry_after_ms(100) == 100

    end(breaker, first, GOOD, 101)
    assert breaker.state is State.HALF_OPEN
    end(breaker, second, GOOD, 101)

    assert breaker.state is State.CLOSED


def test_one_failed_half_open_call_opens_it_again_for_twice_as_long_up_to_the_cap() -> None:
    breaker, now_ms, waits = tripped(), 0.0, []
    for _ in range(5):
        waits.append(round(breaker.retry_after_ms(now_ms)))
        now_ms += breaker.retry_after_ms(now_ms)
        call(breaker, BAD, now_ms)

    assert waits == [100, 200, 400, 700, 700]


def test_slow_half_open_calls_do_not_close_what_slow_calls_opened() -> None:
    breaker = tripped()
    for _ in range(2):
        call(breaker, GOOD, 100, took_ms=50)

    assert breaker.state is State.OPEN


def test_closing_forgets_how_often_it_was_opened_in_a_row() -> None:
    breaker = tripped()
    call(breaker, BAD, 100)
    for _ in range(2):
        call(breaker, GOOD, 300)
    for _ in range(4):
        call(breaker, BAD, 300)

    assert breaker.retry_after_ms(300) == 100


def test_a_slow_success_from_before_the_trip_does_not_close_a_half_open_breaker() -> None:
    breaker = Breaker(CONFIG)
    early = [breaker.acquire(0) for _ in range(4)]
    for _ in range(4):
        call(breaker, BAD, 0)
    assert breaker.allows(100)

    for permit in early:
        end(breaker, permit, GOOD, 101)

    assert breaker.state is State.HALF_OPEN
    assert [breaker.acquire(101) is None for _ in range(3)] == [False, False, True]


def test_a_failure_from_before_the_trip_does_not_open_a_half_open_breaker() -> None:
    breaker = Breaker(CONFIG)
    early = breaker.acquire(0)
    for _ in range(4):
        call(breaker, BAD, 0)
    assert breaker.allows(100)

    end(breaker, early, BAD, 101)

    assert breaker.state is State.HALF_OPEN


def test_a_permit_counts_once() -> None:
    breaker = tripped()
    permit = breaker.acquire(100)
    for _ in range(3):
        end(breaker, permit, GOOD, 101)
    assert permit is not None
    breaker.release(permit)

    assert breaker.state is State.HALF_OPEN
    assert [breaker.acquire(101) is None for _ in range(2)] == [False, True]


def test_a_permit_given_back_is_there_for_another_call() -> None:
    breaker = tripped()
    permits = [breaker.acquire(100) for _ in range(2)]
    assert not breaker.allows(100)

    assert permits[0] is not None
    breaker.release(permits[0])

    assert breaker.allows(100)


def test_a_permit_of_an_earlier_half_open_time_is_not_given_back_to_this_one() -> None:
    breaker = tripped()
    early = breaker.acquire(100)
    call(breaker, BAD, 100)
    assert early is not None
    assert [breaker.acquire(300) is None for _ in range(2)] == [False, False]

    breaker.release(early)

    assert not breaker.allows(300)


def test_forced_open_it_stays_open_until_it_is_reset() -> None:
    breaker = Breaker(CONFIG)
    breaker.force_open()

    assert (breaker.allows(10**12), breaker.retry_after_ms(10**12)) == (False, 700)
    breaker.reset()
    assert breaker.allows(10**12)


@pytest.mark.parametrize("set_back_ms", [20_000, 45_000, 5_000_000])
def test_a_clock_that_was_set_back_ends_the_open_time(set_back_ms: float) -> None:
    breaker, now_ms = Breaker(BreakerConfig(min_calls=1, open_ms=60_000)), 1_700_000_000_000.0
    call(breaker, BAD, now_ms)
    assert not breaker.allows(now_ms + 40_000)

    assert breaker.allows(now_ms + 40_000 - set_back_ms)


def test_after_a_clock_was_set_back_it_is_kept_and_takes_other_settings() -> None:
    breaker = tripped(1_700_000_000_000)
    assert breaker.allows(1_600_000_000_000)

    plain = json.loads(json.dumps(breaker.to_dict(), allow_nan=False))

    for later in (Breaker.from_dict(CONFIG, plain), breaker.reconfigured(CONFIG)):
        assert later.allows(1_600_000_000_000) and later.state is State.HALF_OPEN


def test_a_clock_a_little_behind_stands_still() -> None:
    breaker = tripped(10_000)

    assert breaker.retry_after_ms(9_500) == 100


def test_a_later_life_waits_for_the_rest_of_the_open_time_and_doubles_on() -> None:
    later = Breaker.from_dict(CONFIG, json.loads(json.dumps(tripped().to_dict())))

    assert later.retry_after_ms(30) == pytest.approx(70)
    call(later, BAD, 100)
    assert later.retry_after_ms(100) == 200


def test_half_open_permits_of_an_earlier_life_are_free_again() -> None:
    breaker = tripped()
    assert [breaker.acquire(100) is None for _ in range(2)] == [False, False]

    later = Breaker.from_dict(CONFIG, breaker.to_dict())

    assert [later.acquire(100) is None for _ in range(3)] == [False, False, True]


def test_other_settings_leave_it_open_for_the_rest_and_forget_earlier_permits() -> None:
    breaker = tripped()
    early = [breaker.acquire(100) for _ in range(2)]
    other = breaker.reconfigured(BreakerConfig(half_open_calls=1, open_ms=50))

    end(other, early[0], BAD, 100)

    assert (other.opens, other.allows(100), other.state) == (1, True, State.HALF_OPEN)
    call(other, GOOD, 100)
    assert other.state is State.CLOSED
    assert tripped().reconfigured(CONFIG).retry_after_ms(30) == pytest.approx(70)


def test_a_lower_cap_counts_from_the_opening_on() -> None:
    breaker, capped = tripped(), BreakerConfig(open_ms=60, max_open_ms=60)
    call(breaker, BAD, 100)
    call(breaker, BAD, 300)  # Open for 400 ms from here on.

    for later in (breaker.reconfigured(capped), Breaker.from_dict(capped, breaker.to_dict())):
        assert later.retry_after_ms(310) == pytest.approx(50)
        assert not later.allows(359)
        assert later.allows(360) and later.state is State.HALF_OPEN


def test_a_lower_cap_does_not_end_an_open_time_that_is_shorter() -> None:
    other = tripped().reconfigured(BreakerConfig(open_ms=90, max_open_ms=150))

    assert other.retry_after_ms(30) == pytest.approx(70)


def test_a_much_lower_cap_is_not_taken_for_a_clock_that_was_set_back() -> None:
    breaker, now_ms = Breaker(BreakerConfig(min_calls=1, open_ms=60_000)), 1_700_000_000_000.0
    call(breaker, BAD, now_ms)

    other = breaker.reconfigured(BreakerConfig(open_ms=5_000, max_open_ms=5_000))

    assert other.retry_after_ms(now_ms + 1_000) == 4_000


def test_a_higher_cap_prolongs_no_open_time() -> None:
    other = tripped().reconfigured(BreakerConfig(open_ms=1_000, max_open_ms=9_000))

    assert other.retry_after_ms(30) == pytest.approx(70)


def test_what_an_earlier_version_kept_without_its_opening_lasts_for_the_rest() -> None:
    plain = {"state": "open", "untilMs": 700, "streak": 1}

    assert Breaker.from_dict(CONFIG, plain).retry_after_ms(30) == pytest.approx(670)


def test_a_clock_set_back_between_two_lives_ends_the_open_time() -> None:
    breaker = tripped(10_000)

    assert not Breaker.from_dict(CONFIG, breaker.to_dict()).allows(9_000)
    assert Breaker.from_dict(CONFIG, breaker.to_dict()).allows(8_999)


def test_a_later_life_does_not_believe_an_open_time_above_the_cap() -> None:
    plain = {"state": "open", "untilMs": 10.0**15, "streak": 1}

    assert Breaker.from_dict(CONFIG, plain).allows(0)


@pytest.mark.parametrize(
    "plain",
    [
        {},
        {"state": "ajar"},
        {"state": "open"},
        {"state": "open", "untilMs": None, "streak": 1},
        {"state": "open", "untilMs": math.nan, "streak": 1},
        {"state": "open", "untilMs": 1, "streak": []},
        {"state": "open", "untilMs": 1, "streak": 1, "sinceMs": None},
        {"state": "open", "untilMs": 1, "streak": 1, "sinceMs": math.inf},
        {"state": "open", "untilMs": 10**400, "streak": 1},
        [],
        None,
    ],
)
def test_what_describes_no_breaker_is_refused(plain: Any) -> None:
    with pytest.raises((KeyError, TypeError, ValueError, OverflowError)):
        Breaker.from_dict(CONFIG, plain)


@given(st.floats(0, 1, exclude_max=True))
def test_jitter_spreads_the_open_time_by_a_fifth(jitter: float) -> None:
    breaker = Breaker(CONFIG)
    for _ in range(4):
        permit = breaker.acquire(0)
        assert permit is not None
        breaker.record(permit, BAD, 1, 0, jitter)

    assert 80 <= breaker.retry_after_ms(0) <= 120


INDEX = st.integers(0, 11)


class BreakerMachine(RuleBasedStateMachine):
    """Random calls, late and repeated results, clock jumps and reloads."""

    @initialize()
    def begin(self) -> None:
        self.breaker, self.model = Breaker(CONFIG), NaiveBreaker(CONFIG)
        self.now_ms = 1_700_000_000_000.0
        self.permits: list[Permit] = []

    @rule(ms=st.sampled_from([0, 1, 40, 100, 130, 300, 700, 1_000]))
    def wait(self, ms: float) -> None:
        self.now_ms += ms

    @rule(ms=st.sampled_from([10, 999, 1_001, 5_000, 3_600_000]))
    def set_the_clock_back(self, ms: float) -> None:
        self.now_ms -= ms

    @rule(count=st.integers(1, 5))
    def acquire(self, count: int) -> None:
        for _ in range(count):
            allowed = self.model.allows(self.now_ms)
            assert self.breaker.allows(self.now_ms) == allowed
            permit = self.breaker.acquire(self.now_ms)
            assert (permit is not None) == allowed
            if permit is not None:
                self.model.acquired(permit)
                self.permits.append(permit)

    @precondition(lambda self: self.permits)
    @rule(
        index=INDEX,
        failed=st.booleans(),
        took_ms=st.sampled_from([1, 50]),
        jitter=st.floats(0, 1, exclude_max=True),
    )
    def record(self, index: int, failed: bool, took_ms: float, jitter: float) -> None:
        permit = self.picked(index)
        self.breaker.record(permit, BAD if failed else GOOD, took_ms, self.now_ms, jitter)
        self.model.record(permit, failed, took_ms >= 50, self.now_ms, jitter)

    @rule(failed=st.booleans())
    def calls_of_before_end(self, failed: bool) -> None:
        for permit in [each for each in self.permits if not each.spent][:2]:
            self.breaker.record(permit, BAD if failed else GOOD, 1, self.now_ms, 0.5)
            self.model.record(permit, failed, False, self.now_ms, 0.5)

    @rule(count=st.integers(1, 6))
    def fail_in_a_row(self, count: int) -> None:
        for _ in range(count):
            self.acquire(1)
            if self.permits:
                self.breaker.record(self.permits[-1], BAD, 1, self.now_ms, 0.5)
                self.model.record(self.permits[-1], True, False, self.now_ms, 0.5)

    @precondition(lambda self: self.permits)
    @rule(index=INDEX)
    def release(self, index: int) -> None:
        permit = self.picked(index)
        self.breaker.release(permit)
        self.model.release(permit)

    @rule(forced=st.booleans())
    def intervene(self, forced: bool) -> None:
        if forced:
            self.breaker.force_open()
            self.model.change("forced-open")
        else:
            self.breaker.reset()
            self.model.change("closed")

    @rule(in_place=st.booleans(), cap_ms=st.sampled_from([700, 700, 100, 150, 9_000]))
    def begin_another_life(self, in_place: bool, cap_ms: float) -> None:
        permits, plain = self.permits, json.loads(json.dumps(self.breaker.to_dict()))
        config = replace(CONFIG, max_open_ms=cap_ms)
        if in_place:
            self.breaker = self.breaker.reconfigured(config)
        else:
            self.breaker, permits = Breaker.from_dict(config, plain), []
        self.model, self.permits = self.model.next_life(config), permits

    def picked(self, index: int) -> Permit:
        """Return one of the latest permits, spent or not."""
        return self.permits[-1 - index % len(self.permits)]

    @invariant()
    def it_is_as_the_model_says(self) -> None:
        assert self.breaker.state == self.model.state

    @invariant()
    def permits_out_or_used_are_never_more_than_allowed(self) -> None:
        if self.model.state == "half-open":
            assert self.model.taken <= 2

    @invariant()
    def nobody_waits_longer_than_the_cap(self) -> None:
        wait_ms = self.breaker.retry_after_ms(self.now_ms)
        assert 0 <= wait_ms <= self.model.config.max_open_ms
        assert wait_ms == pytest.approx(self.model.wait_ms(self.now_ms))


TestBreakerMachine = BreakerMachine.TestCase


@pytest.mark.parametrize("seed", range(20))
def test_long_lives_are_those_of_the_model(seed: int) -> None:
    chance, life = random.Random(seed), BreakerMachine()
    life.begin()
    for _ in range(300):
        step(life, chance)
        life.it_is_as_the_model_says()
        life.permits_out_or_used_are_never_more_than_allowed()
        life.nobody_waits_longer_than_the_cap()


def step(life: BreakerMachine, chance: random.Random) -> None:
    """Do one thing, mostly calls and their ends: it is to open often, and to recover at times."""
    index, share, failed = chance.randrange(12), chance.random(), chance.random() < 0.4
    if share < 0.25:
        life.wait(ms=chance.choice([0, 1, 40, 100, 300]))
    elif share < 0.5:
        life.acquire(count=chance.randint(1, 2))
    elif share < 0.7 and life.permits:
        took_ms, jitter = chance.choice([1, 50]), chance.random()
        life.record(index=index, failed=failed, took_ms=took_ms, jitter=jitter)
    elif share < 0.8:
        life.calls_of_before_end(failed=failed)
    elif share < 0.9:
        life.fail_in_a_row(count=chance.randint(1, 6))
    elif share < 0.94 and life.permits:
        life.release(index=index)
    elif share < 0.96:
        life.intervene(forced=chance.random() < 0.3)
    elif share < 0.98:
        life.set_the_clock_back(ms=chance.choice([10, 999, 1_001, 3_600_000]))
    else:
        in_place, cap_ms = chance.random() < 0.5, chance.choice([700, 100, 9_000])
        life.begin_another_life(in_place=in_place, cap_ms=cap_ms)
