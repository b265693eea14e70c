"""A minute of ten times what can be served, on virtual time: low is refused first, core never."""

import math
import random
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest
from edge_runtime.config import SchedulerConfig
from edge_runtime.errors import RefusedError
from edge_runtime.pure.run_lines import CORE_IN_A_ROW
from edge_runtime.services.scheduler import Scheduler
from edge_runtime.services.scheduler_run import Job, Outcome, Run
from edge_runtime.testing.virtual_clock import VirtualClock
from edge_runtime.testing.virtual_loop import create_virtual_loop
from edge_runtime.types import Priority

from tests.effort import examples

MINUTE_MS = 60_000
RUN_MS = 200.0
FACTOR = 10
MIXED = {Priority.CORE: 0.05, Priority.REGULAR: 0.25, Priority.LOW: 0.70}
LIMITS = {Priority.CORE: 64, Priority.REGULAR: 128, Priority.LOW: 256}
NOTHING = dict.fromkeys(Priority, 0)


@dataclass
class Flood:
    """Submits runs of ``RUN_MS`` at random times for a minute and keeps what became of them."""

    slots: int
    seed: int
    shares: Mapping[Priority, float]
    asked: Counter[Priority] = field(default_factory=Counter)
    refused: Counter[Priority] = field(default_factory=Counter)
    waits_ms: dict[Priority, list[float]] = field(
        default_factory=lambda: {priority: [] for priority in Priority}
    )

    def __post_init__(self) -> None:
        self._loop = create_virtual_loop(self.seed)
        self._clock = VirtualClock(self._loop)
        self.config = SchedulerConfig(self.slots, LIMITS)
        self._loop.run_until_complete(self._play())
        assert self._loop.unhandled == []

    async def _play(self) -> None:
        self._scheduler = Scheduler(self._clock, self.config)
        choose = random.Random(self.seed)
        gap_ms = RUN_MS / self.slots / FACTOR
        classes, shares = list(Priority), [self.shares[priority] for priority in Priority]
        while self._loop.now_ms < MINUTE_MS:
            # Shares of one that are missing are pauses: the others come as with them.
            drawn = choose.choices([*classes, None], [*shares, max(0.0, 1 - sum(shares))])[0]
            if drawn is not None:
                self._submit(drawn)
                self._check_lines()
            await self._clock.sleep_ms(choose.expovariate(1 / gap_ms))
        # The slot that is kept for core serves none of the others.
        rounds = math.ceil(sum(LIMITS.values()) / max(1, self.slots - 1)) + 1
        await self._clock.sleep_ms(rounds * RUN_MS)
        self.figures = self._scheduler.statistics()
        await self._scheduler.stop()

    def _submit(self, priority: Priority) -> None:
        def done(outcome: Outcome[None] | BaseException) -> None:
            assert isinstance(outcome, Outcome)
            self.waits_ms[priority].append(outcome.queued_ms)

        self.asked[priority] += 1
        try:
            self._scheduler.submit(Job("Task", self._work, priority, timeout_ms=1_000), done)
        except RefusedError as error:
            assert error.details == {"queue": priority.value, "limit": LIMITS[priority]}
            self.refused[priority] += 1

    async def _work(self, run: Run[None]) -> None:
        await self._clock.sleep_ms(RUN_MS)

    def _check_lines(self) -> None:
        figures = self._scheduler.statistics()
        assert sum(queue["running"] for queue in figures.values()) <= self.slots
        for priority, limit in LIMITS.items():
            assert figures[priority.value]["waiting"] <= limit

    def bound_ms(self, priority: Priority) -> float:
        """Return how long a run may wait, as ``dispatcher`` states it."""
        turns = (CORE_IN_A_ROW + 1) * (sum(LIMITS.values()) + self.slots)
        ageing_ms = list(Priority).index(priority) * self.config.ageing_ms
        return ageing_ms + math.ceil(turns / max(1, self.slots - 1)) * RUN_MS

    def check(self) -> None:
        """Every run that was asked for was refused or has run, and waited no longer than it may."""
        for priority in Priority:
            figures, waits_ms = self.figures[priority.value], self.waits_ms[priority]
            assert figures["waiting"] == figures["running"] == 0
            assert figures["refused"] == self.refused[priority]
            assert figures["finished"] == len(waits_ms)
            assert self.asked[priority] == self.refused[priority] + len(waits_ms)
            assert max(waits_ms, default=0) <= self.bound_ms(priority)

    def refused_share(self, priority: Priority) -> float:
        return self.refused[priority] / self.asked[priority]

    def core_p99_ms(self) -> float:
        """Return the 99th percentile of a core run from the call to its end."""
        waits_ms = sorted(self.waits_ms[Priority.CORE])
        return waits_ms[int(len(waits_ms) * 0.99)] + RUN_MS


@pytest.mark.parametrize("slots", [1, 2, 4])
@pytest.mark.parametrize("seed", range(examples(1)))
def test_low_is_refused_first_and_core_never(slots: int, seed: int) -> None:
    flood = Flood(slots, seed, MIXED)
    idle = Flood(slots, seed, {**NOTHING, Priority.CORE: MIXED[Priority.CORE]})

    flood.check()
    low, regular = map(flood.refused_share, (Priority.LOW, Priority.REGULAR))
    assert low > regular > 0.5
    assert flood.refused[Priority.CORE] == 0
    assert flood.core_p99_ms() <= 2 * idle.core_p99_ms() + RUN_MS
    # Nobody starves: what is not core gets what core leaves over, and a quarter at least.
    assert len(flood.waits_ms[Priority.LOW]) > LIMITS[Priority.LOW]


@pytest.mark.parametrize("slots", [1, 2, 4])
def test_core_that_floods_itself_is_refused_and_leaves_others_their_quarter(slots: int) -> None:
    shares = {Priority.CORE: 0.8, Priority.REGULAR: 0.1, Priority.LOW: 0.1}

    flood = Flood(slots, 1, shares)

    flood.check()
    assert flood.refused[Priority.CORE] > 0
    served = {priority: len(waits_ms) for priority, waits_ms in flood.waits_ms.items()}
    others = served[Priority.REGULAR] + served[Priority.LOW]
    assert others >= sum(served.values()) / (CORE_IN_A_ROW + 1) - 1
