"""Plays what a trace says of events to one task: the same events, time and configurations."""

import json
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from edge_runtime.pure.plain import split
from edge_runtime.testing.trace_records import Record

from .stage import Ended, Stage
from .trace_clock import TraceClock


async def play(
    stage: Stage, records: Sequence[Record], clock: TraceClock, tell: Callable[[str], None]
) -> AsyncIterator[Ended]:
    """Track the events of a trace and yield how the task's runs ended, in order.

    One batch of events after the other: each run finds the events up to its own batch, and what
    the runs before it left. Calls have no data in a trace and are told, not run.
    """
    calls = 0
    for record in records:
        clock.go_to(record.at_ms)
        if record.kind in ("start", "clock"):
            clock.set_now(record.fields["nowMs"])
        elif record.kind == "reconfigure":
            for problem in stage.runtime.reconfigure(record.fields["config"]):
                tell(f"problem: {problem.message}")
        elif record.kind == "track":
            rows = record.fields["events"]
            for each in await stage.track_rows(rows if isinstance(rows, str) else split(rows)[0]):
                yield each
        elif record.kind == "infer":
            codes = record.fields["systemCode"], record.fields["businessCode"]
            calls += codes == stage.codes
    if calls:
        tell(f"{calls} call(s) of the trace not run: their data is not in it. Use --activation.")


def first_now_ms(records: Sequence[Record]) -> float:
    """Return Unix time at a trace's beginning: as it says, else by its first event's time."""
    for record in records:
        if record.kind in ("start", "clock"):
            return float(record.fields["nowMs"]) - record.at_ms
        if record.kind == "track" and (times := _times_of(record)):
            return times[0] - record.at_ms
    return 0.0


def _times_of(record: Record) -> list[float]:
    """Return when the events of a batch happened; rows that are none are left out."""
    given = record.fields["events"]
    rows: list[Any] = json.loads(given) if isinstance(given, str) else given
    times = [row[1] for row in rows if isinstance(row, list) and len(row) > 1]
    return [float(ts) for ts in times if isinstance(ts, int | float)]
