"""Traces as text: what is read back, and which mistakes are told with their line."""

import json
from typing import Any

import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.testing.trace_lines import LONGEST_MS, parse_trace
from edge_runtime.testing.trace_records import RecordedRun, recorded_runs, recorded_tasks

Plain = dict[str, Any]


def lines(*records: object) -> str:
    return "\n".join(json.dumps(record) for record in records)


def task(name: str, **more: Any) -> Plain:
    codes = {"systemCode": "s", "businessCode": name}
    return {"name": name, "version": "1", **codes, "priority": "low", "timeoutMs": 5, **more}


def start(**more: Any) -> Plain:
    return {"atMs": 10, "kind": "start", "nowMs": 1_700_000_000_000, **more}


def run(**more: Any) -> Plain:
    return {"atMs": 10, "kind": "run", "runId": "r", "runMs": 3, **more}


def call(**more: Any) -> Plain:
    return {"atMs": 10, "kind": "call", "runId": "r", "callee": "A", "offsetMs": 0, **more}


def infer(**more: Any) -> Plain:
    codes = {"systemCode": "s", "businessCode": "b"}
    return {"atMs": 10, "kind": "infer", "callId": 1, **codes, **more}


def test_records_come_back_in_order_with_their_fields() -> None:
    text = lines(
        {"atMs": 0, "kind": "start", "nowMs": 5},
        {"atMs": 0.5, "kind": "track", "events": []},
        {"atMs": LONGEST_MS, "kind": "settled", "ended": "ok"},
    )

    records = parse_trace(f"\n{text}\r\n\n")

    assert [(each.at_ms, each.kind) for each in records][:2] == [(0, "start"), (0.5, "track")]
    assert records[2].fields == {"ended": "ok"}


@pytest.mark.parametrize(
    "line",
    [
        start(life="", tasks=[task("A", supersede="join", fallback={"value": 1})]),
        run(task="A", ownMs=0, ended="a later version's code", deaf=True),
        call(task="A", beside=False),
        infer(priority="low", timeoutMs=5, supersedeKey="k", extData=None),
        {"atMs": 10, "kind": "reload", "life": "b"},
        {"atMs": 10, "kind": "track", "events": "[[5]]", "client": "é 🛒"},
        {"atMs": 10, "kind": "track", "events": '[["\\ud83d"]]'},
        {"atMs": 10, "kind": "track", "events": '["a\u2028b"]'},
        {"atMs": 10, "kind": "cancel", "callId": 99},
        {"atMs": 10, "kind": "breaker", "whatever": [None]},
    ],
)
@pytest.mark.parametrize("ascii_only", [True, False])
def test_what_a_runtime_notes_is_read(line: Plain, ascii_only: bool) -> None:
    (record,) = parse_trace(json.dumps(line, ensure_ascii=ascii_only))

    assert {"atMs": 10, "kind": record.kind, **record.fields} == line


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "trace line 2: expected a JSON object, got text that is none: "),
        ("[" * 2_000, "trace line 2: expected a JSON object, got text that is none: "),
        ("[1]", "trace line 2: expected an object with atMs and kind, got [1]"),
        ('{"kind": "stop"}', "trace line 2, atMs: expected milliseconds from 0 to 315532800000 "),
        ('{"atMs": -1, "kind": "stop"}', "trace line 2, atMs: expected milliseconds from 0"),
        ('{"atMs": NaN, "kind": "stop"}', "NaN, which is no JSON number"),
        ('{"atMs": 1e999, "kind": "stop"}', "(ten years), got Infinity (number)"),
        ('{"atMs": 1e15, "kind": "stop"}', "(ten years), got 1000000000000000.0 (number)"),
        ('{"atMs": 9, "kind": "stop"}', "trace line 2: expected atMs ≥ 10, got 9"),
        ('{"atMs": 9, "atMs": 10, "kind": "stop"}', 'the key "atMs" (string) twice in one object'),
        (
            '{"atMs": 10, "kind": "reconfigure", "config": {"data": {}, "data": {}}}',
            'the key "data" (string) twice in one object',
        ),
        ('{"atMs": 10, "kind": "trak"}', "line 2, kind: expected one of start, reload, stop, "),
        ('{"atMs": 10, "kind": 5}', "trace line 2: expected an object with atMs and kind"),
        ('{"atMs": 10, "kind": "call", "runId": "\\ud800"}', "half of a surrogate pair"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(line: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=r"Correct the trace\.$") as refused:
        parse_trace(lines({"atMs": 10, "kind": "pause"}) + "\n" + line)

    assert complaint in refused.value.message


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        (start(nowMs=None), "start.nowMs: expected Unix milliseconds from 0 to 8.64e+15, got null"),
        (start(nowMs="now"), 'start.nowMs: expected Unix milliseconds from 0 to 8.64e+15, got "'),
        (start(nowMs=-1), "start.nowMs: expected Unix milliseconds"),
        (start(nowMs=True), "start.nowMs: expected Unix milliseconds"),
        (start(nowMs=1e300), "start.nowMs: expected Unix milliseconds"),
        (start(life=5), "start.life: expected text, got 5 (number)"),
        (start(tasks=5), "start.tasks: expected an array, got 5 (number)"),
        (start(task=[]), "start: expected only the fields atMs, kind, nowMs, life, tasks, got"),
        ({"atMs": 10, "kind": "tasks"}, "tasks.tasks: expected an array, got null"),
        ({"atMs": 10, "kind": "tasks", "tasks": [{}]}, "tasks.tasks[0]: manifest: expected an obj"),
        (start(tasks=[None]), "start.tasks[0]: expected a task's manifest without its code, got n"),
        (start(tasks=[{}]), "start.tasks[0]: manifest: expected an object with name"),
        (start(tasks=[task("A"), task("B", timeoutMs=0)]), "start.tasks[1]: manifest at timeoutMs"),
        (start(tasks=[task("A", fallback={"task": "A"})]), "start.tasks[0]: manifest at fallback"),
        ({"atMs": 10, "kind": "clock"}, "clock.nowMs: expected Unix milliseconds"),
        ({"atMs": 10, "kind": "track"}, "track.events: expected an array or its JSON text"),
        ({"atMs": 10, "kind": "track", "events": "x"}, "track.events: expected a JSON array of ro"),
        ({"atMs": 10, "kind": "track", "events": "{}"}, "track.events: expected a JSON array of r"),
        ({"atMs": 10, "kind": "track", "events": "[NaN]"}, "NaN, which is no JSON number"),
        ({"atMs": 10, "kind": "track", "events": [], "client": 5}, "track.client: expected text"),
        ({"atMs": 10, "kind": "cancel", "callId": True}, "cancel.callId: expected a whole number"),
        ({"atMs": 10, "kind": "pause", "why": 1}, "pause: expected only the fields atMs, kind, go"),
        (infer(callId="1"), "infer.callId: expected an integer"),
        (infer(timeoutMs=-1), "infer.timeoutMs: expected milliseconds above 0"),
        (infer(extra=1), "infer: expected only the fields callId"),
        (run(runId=["r"]), "run.runId: expected text"),
        (run(task=["A"]), "run.task: expected text"),
        (run(runMs=None), "run.runMs: expected milliseconds from 0"),
        (run(runMs=-1), "run.runMs: expected milliseconds from 0"),
        (run(ownMs=LONGEST_MS + 1), "run.ownMs: expected milliseconds from 0"),
        (run(ended=5), "run.ended: expected text, got 5 (number)"),
        (run(deaf=1), "run.deaf: expected true or false, got 1 (number)"),
        (call(callee=None), "call.callee: expected text"),
        (call(offsetMs=-0.5), "call.offsetMs: expected milliseconds from 0"),
        (call(beside="yes"), "call.beside: expected true or false"),
        ({"atMs": 10, "kind": "reconfigure", "config": 5}, "reconfigure.config: expected an objec"),
        (
            {"atMs": 10, "kind": "reconfigure", "config": {"triggers": 5}},
            "reconfigure.config: config at triggers: expected array of objects, got 5 (number). ",
        ),
    ],
)
def test_wrong_fields_are_refused_with_line_and_expectation(line: Plain, complaint: str) -> None:
    with pytest.raises(ConfigError) as refused:
        parse_trace(lines({"atMs": 10, "kind": "pause"}, line))

    assert refused.value.code == "argument-invalid"
    assert refused.value.message.startswith("trace line 2")
    assert complaint in refused.value.message


@pytest.mark.parametrize("text", ["", "\n \n"])
def test_a_trace_has_a_line(text: str) -> None:
    with pytest.raises(ConfigError, match=r"^trace: expected at least one line, got none\. "):
        parse_trace(text)


def test_runs_are_known_by_their_id() -> None:
    records = parse_trace(
        lines(
            {"atMs": 0, "kind": "run", "runId": "a", "runMs": 3},
            {"atMs": 0, "kind": "run", "task": "T", "runId": "b", "runMs": 9.5, "deaf": True},
        )
    )

    assert recorded_runs(records) == {
        ("", "a"): RecordedRun(3),
        ("T", "b"): RecordedRun(9.5, "ok", True),
    }


def test_the_first_word_about_a_task_counts() -> None:
    records = parse_trace(
        lines(
            start(tasks=[task("A", timeoutMs=1)]),
            {"atMs": 10, "kind": "tasks", "tasks": [task("A"), task("B")]},
        )
    )

    assert list(recorded_tasks(records)) == [task("A", timeoutMs=1), task("B")]
