"""Times dispatcher and scheduler inside the worker, with tasks that do nothing."""

import asyncio
import itertools
import time
from collections.abc import Mapping
from typing import Any, Final

from edge_runtime.config import SchedulerConfig
from edge_runtime.config_breaker import BreakerConfig
from edge_runtime.pure.dispatcher import Dispatcher
from edge_runtime.pure.dispatcher_ports import OpenGate
from edge_runtime.pure.tickets import Ticket
from edge_runtime.services.breakers import Breakers
from edge_runtime.services.scheduler import Scheduler
from edge_runtime.services.scheduler_run import Job, Outcome
from edge_runtime.types import JsonValue, Priority

WAITING: Final = 64
BATCH: Final = 100
RUNNING: Final = 4
TIMEOUT_MS: Final = 10_000.0


class Starts:
    """Implements the dispatcher's ``Listener``: keeps what was started, in order."""

    def __init__(self) -> None:
        self.started: list[Ticket] = []

    def start(self, ticket: Ticket) -> None:
        """Note it."""
        self.started.append(ticket)

    def settle(self, ticket: Ticket, error: Exception) -> None:
        """Refuse: nothing is to be cut short here."""
        raise error

    def resume(self, ticket: Ticket) -> None:
        """Do nothing: nothing is parked."""

    def overdue(self, ticket: Ticket) -> None:
        """Do nothing: nothing is late."""

    def stuck(self) -> None:
        """Do nothing: everything returns."""


class WorkerClock:
    """Implements ``Clock`` by Python's own."""

    def now_ms(self) -> float:
        """Return Unix time."""
        return time.time() * 1_000

    def monotonic_ms(self) -> float:
        """Return a time that never goes back."""
        return time.perf_counter() * 1_000

    async def sleep_ms(self, duration_ms: float) -> None:
        """Return after ``duration_ms``."""
        await asyncio.sleep(duration_ms / 1_000)


class Nowhere:
    """Implements what breakers need of store and page: nothing kept, nobody told."""

    def get(self, _key: str) -> JsonValue:
        """Return None."""
        return None

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        """Do nothing."""

    def notify(self, name: str, body: Mapping[str, JsonValue], client: str | None = None) -> None:
        """Do nothing."""

    def superseded(self) -> None:
        """Do nothing."""

    def replace_worker(self, reason: str) -> None:
        """Do nothing."""

    def watch_run(self, *_told: object) -> None:
        """Do nothing."""


def config(limit: int) -> SchedulerConfig:
    """Return a configuration whose queues are long enough."""
    return SchedulerConfig(RUNNING, dict.fromkeys(Priority, limit))


def dispatch_us(batches: int) -> list[float]:
    """Return what a run costs the dispatcher while others wait, from submit to end, by batch."""
    starts, priorities = Starts(), itertools.cycle(Priority)
    dispatcher = Dispatcher(config(10 * BATCH), starts, OpenGate())
    taken_us, ended = [], 0
    for _ in range(RUNNING + WAITING):
        dispatcher.submit(ticket(next(priorities)), 0)
    for batch in range(1, batches + 1):
        tickets = [ticket(next(priorities)) for _ in range(BATCH)]
        started = time.perf_counter()
        for each in tickets:
            dispatcher.submit(each, batch)
            dispatcher.ended(starts.started[ended], batch)
            ended += 1
        taken_us.append((time.perf_counter() - started) * 1e6 / BATCH)
    queues = dispatcher.statistics().values()
    held = sum(queue["waiting"] + queue["running"] for queue in queues)
    finished = sum(queue["finished"] for queue in queues)
    if (held, finished) != (RUNNING + WAITING, ended):
        raise RuntimeError(f"expected {RUNNING + WAITING} held, {ended} ended, got {queues}")
    return taken_us


def ticket(priority: Priority) -> Ticket:
    """Return a new run."""
    return Ticket(task="Nothing", priority=priority, timeout_ms=TIMEOUT_MS)


async def at_once(count: int) -> float:
    """Submit ``count`` runs and return the milliseconds until all have ended."""
    scheduler, jobs = scheduler_and_jobs(count)
    outcomes: list[Outcome[None] | BaseException] = []
    everything = asyncio.get_running_loop().create_future()

    def done(outcome: Outcome[None] | BaseException) -> None:
        outcomes.append(outcome)
        if len(outcomes) == count:
            everything.set_result(None)

    started = time.perf_counter()
    for job in jobs:
        scheduler.submit(job, done)
    await everything
    elapsed_ms = (time.perf_counter() - started) * 1_000
    if not all(isinstance(outcome, Outcome) for outcome in outcomes):
        raise RuntimeError(f"expected {count} outcomes, got an error among {len(outcomes)}")
    await scheduler.stop()
    return elapsed_ms


async def one_by_one(count: int) -> float:
    """Submit the next run when the last one has ended; return the milliseconds of all."""
    scheduler, jobs = scheduler_and_jobs(count)
    started = time.perf_counter()
    for job in jobs:
        await scheduler.wait(scheduler.submit(job))
    elapsed_ms = (time.perf_counter() - started) * 1_000
    await scheduler.stop()
    return elapsed_ms


def scheduler_and_jobs(count: int) -> tuple[Scheduler, list[Job[None]]]:
    """Return a scheduler with breakers, and jobs of all queues in turns."""
    clock, nowhere = WorkerClock(), Nowhere()
    breakers = Breakers(clock, nowhere, nowhere, BreakerConfig(), lambda *_: 0.5)
    priorities = itertools.islice(itertools.cycle(Priority), count)
    jobs = [Job("Nothing", nothing, priority, TIMEOUT_MS) for priority in priorities]
    return Scheduler(clock, config(count), breakers), jobs


async def nothing(_run: object) -> None:
    """Return."""


async def run(asked: Mapping[str, Any]) -> dict[str, Any]:
    """Run one round with as many tasks as were asked for."""
    count = asked["count"]
    return {
        "dispatchUs": dispatch_us(count // BATCH),
        "atOnceMs": await at_once(count),
        "oneByOneMs": await one_by_one(count),
    }
