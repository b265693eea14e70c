"""A trace kept while a runtime works: bounded, dated, and read back as it was noted."""

import asyncio
import json

from edge_runtime.services.recorder import Recorder
from edge_runtime.testing.manual_clock import ManualClock
from edge_runtime.testing.trace_lines import parse_trace


def test_lines_are_dated_from_the_recorders_beginning() -> None:
    async def play() -> str:
        clock = ManualClock()
        await clock.advance(1_000)
        recorder = Recorder(clock)
        recorder.note("start", nowMs=5, tasks=[])
        await clock.advance(12.5)
        recorder.note("track", client="é", events="[]")
        return recorder.jsonl()

    first, second = parse_trace(asyncio.run(play()))

    assert (first.at_ms, first.kind, first.fields) == (0, "start", {"nowMs": 5, "tasks": []})
    assert (second.at_ms, second.fields) == (12.5, {"client": "é", "events": "[]"})


def test_a_clock_that_was_set_is_a_line_before_the_next() -> None:
    clock = ManualClock(now_ms=5_000)
    recorder = Recorder(clock)
    recorder.note("start", nowMs=5)
    clock.set_now(5_900)
    recorder.note("pause")
    clock.set_now(90_000)
    recorder.note("resume")
    recorder.note("pause")

    records = parse_trace(recorder.jsonl())

    assert [each.kind for each in records] == ["start", "pause", "clock", "resume", "pause"]
    assert records[2].fields == {"nowMs": 90_000}


def test_the_oldest_lines_go_when_there_are_too_many_but_not_the_first() -> None:
    recorder = Recorder(ManualClock(), max_lines=3)
    recorder.note("start", nowMs=5)
    for call_id in range(5):
        recorder.note("cancel", callId=call_id)

    records = parse_trace(recorder.jsonl())

    assert [each.fields.get("callId") for each in records] == [None, 3, 4]
    assert recorder.dropped == 3


def test_the_oldest_lines_go_when_they_are_too_long_together() -> None:
    recorder = Recorder(ManualClock(), max_chars=400)
    recorder.note("start", nowMs=5)
    for number in range(5):
        recorder.note("track", events=json.dumps([number] + ["x" * 100]))
    kept = [each.fields.get("events", "")[:3] for each in parse_trace(recorder.jsonl())]

    assert kept == ["", "[3,", "[4,"] and recorder.dropped == 3
    assert len(recorder.jsonl()) <= 400


def test_a_line_that_is_too_long_by_itself_is_dropped_with_all_but_the_first() -> None:
    recorder = Recorder(ManualClock(), max_chars=200)
    recorder.note("start", nowMs=5)
    recorder.note("pause")
    recorder.note("track", events=json.dumps(["x" * 200]))
    recorder.note("resume")

    kept = [each.kind for each in parse_trace(recorder.jsonl())]

    assert kept == ["start", "resume"] and recorder.dropped == 2


def test_the_first_line_stays_however_long_it_is() -> None:
    recorder = Recorder(ManualClock(), max_chars=20)
    recorder.note("start", nowMs=5)
    recorder.note("pause")

    assert [each.kind for each in parse_trace(recorder.jsonl())] == ["start"]


def test_nothing_noted_is_an_empty_trace() -> None:
    assert Recorder(ManualClock()).jsonl() == ""
