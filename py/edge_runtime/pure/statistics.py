"""The record that ``statistics()`` gives pages, people and tests. Shapes only."""

from typing import TypedDict

from ..types import JsonValue


class Percentiles(TypedDict):
    """Percentiles over the latest runs, milliseconds; None before the first."""

    p50: float | None
    p99: float | None


class QueueStatistics(TypedDict):
    """One queue: what it holds now, and what became of the rest since the start.

    ``running`` holds a slot, ``parked`` gave it away while it waits for runs it called.
    ``finished`` returned or raised by themselves; ``refused`` never started (queue full, deadline
    passed, breaker open); ``cancelled`` by the caller or by stopping; ``timedOut`` while running;
    ``superseded`` while waiting; ``joined`` are calls that got the outcome of a run that waited.
    ``overdue`` runs went on a second after their deadline. ``waitMs``: from arrival to start.
    """

    waiting: int
    running: int
    parked: int
    finished: int
    refused: int
    cancelled: int
    timedOut: int
    superseded: int
    joined: int
    overdue: int
    waitMs: Percentiles


class LaneStatistics(TypedDict):
    """One inference worker: requests ``waiting`` and ``running`` now, ``finished`` since the start.

    ``waitMs``: from the request to its turn, zeros included.
    """

    waiting: int
    running: int
    finished: int
    waitMs: Percentiles


class PlanStatistics(TypedDict):
    """One way to run a model: measured ``ms``, or why it is ``refused``; None: not known yet."""

    backend: str
    precision: str
    threads: int
    ms: float | None
    refused: str | None


class ModelStatistics(TypedDict):
    """One model: where it runs (BackendReport; None until it has run), how often and how fast.

    ``openMs`` is fetching, checking and creating the session together; None until then. ``plans``
    are the ways to run it here, as far as they are known.
    """

    backend: dict[str, JsonValue] | None
    runs: int
    inferMs: Percentiles
    openMs: float | None
    plans: list[PlanStatistics]


class MemoryStatistics(TypedDict):
    """Memory of models: the budget, what open sessions account for, what engines took by lane.

    Sessions ``evicted`` for others, lanes ``recycled`` because they had grown, and ``killed`` in
    the middle of a run, since the start.
    """

    budgetBytes: int
    sessionsBytes: int
    heapBytes: dict[str, int]
    evicted: int
    recycled: int
    killed: int


class BreakerStatistics(TypedDict):
    """One breaker: ``state`` is ``closed``, ``open``, ``half-open`` or ``forced-open``.

    ``calls``, and how many of them were ``failures`` and ``slow``, are those in its window;
    ``opens`` counts since the start; ``retryAfterMs`` is 0 where a call would be let through.
    """

    state: str
    calls: int
    failures: int
    slow: int
    opens: int
    retryAfterMs: float


class TaskStatistics(TypedDict):
    """One task: its version, runs started, and how many of them raised or took too long.

    ``strikes`` counts VMs that had to be ended because of it.
    """

    version: str
    runs: int
    failures: int
    strikes: int


class VmStatistics(TypedDict):
    """Where tasks run: ``mode`` is ``workers`` or ``inline``, beside the core, with the ``reason``.

    ``ready`` VMs, a ``spare`` one, and runs ``running`` in them; how long the latest start took,
    ms; heaps as of their latest runs. Since the start: ``started``, ``killed`` (hung, broken),
    ``recycled`` (worn).
    """

    mode: str
    reason: str | None
    ready: int
    spare: int
    running: int
    startMs: float | None
    heapBytes: list[int]
    started: int
    killed: int
    recycled: int


class TriggerStatistics(TypedDict):
    """Triggers in use, and how many runs events asked for."""

    count: int
    matches: int


class Statistics(TypedDict):
    """A snapshot of a runtime, by part; keys of the dicts are queue, model and task names.

    ``store`` is described by :meth:`Store.statistics`. On a page, ``statistics()`` adds what Python
    cannot know: ``boot`` as the ``ready`` status told it, ``memory`` and the ``page``'s own buffer.
    """

    uptimeMs: float
    paused: bool
    queues: dict[str, QueueStatistics]
    store: dict[str, JsonValue]
    lanes: dict[str, LaneStatistics]
    models: dict[str, ModelStatistics]
    modelMemory: MemoryStatistics
    breakers: dict[str, BreakerStatistics]
    tasks: dict[str, TaskStatistics]
    vms: VmStatistics
    triggers: TriggerStatistics
