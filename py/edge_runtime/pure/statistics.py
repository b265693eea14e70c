"""The record that ``statistics()`` gives pages, people and tests. Shapes only."""

from typing import TypedDict

from ..types import JsonValue


class QueueStatistics(TypedDict):
    """One queue: runs now ``waiting`` and ``running``, and how others ended since the start.

    ``finished`` returned or raised by themselves; ``refused`` never started (queue full, deadline
    passed); ``cancelled`` by the caller or by stopping; ``timedOut`` while running.
    """

    waiting: int
    running: int
    finished: int
    refused: int
    cancelled: int
    timedOut: int


class InferMs(TypedDict):
    """Percentiles over the latest runs, milliseconds; None before the first."""

    p50: float | None
    p99: float | None


class ModelStatistics(TypedDict):
    """One model: where it runs (BackendReport; None until it is open), how often and how fast.

    ``openMs`` is fetching, checking and creating the session together; None until then.
    """

    backend: dict[str, JsonValue] | None
    runs: int
    inferMs: InferMs
    openMs: float | None


class TaskStatistics(TypedDict):
    """One task: its version, runs started, and how many of them ended without a value."""

    version: str
    runs: int
    failures: int


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
    models: dict[str, ModelStatistics]
    tasks: dict[str, TaskStatistics]
    triggers: TriggerStatistics
