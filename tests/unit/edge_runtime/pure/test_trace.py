"""Traces as text: what is read back, and which mistakes are told with their line."""

import json

import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.pure.manifest import from_task_toml
from edge_runtime.pure.requests import parse_infer_request
from edge_runtime.pure.trace import (
    RecordedRun,
    described_task,
    parse_trace,
    recorded_runs,
    recorded_tasks,
)


def lines(*records: object) -> str:
    return "\n".join(json.dumps(record) for record in records)


def test_records_come_back_in_order_with_their_fields() -> None:
    text = lines(
        {"atMs": 0, "kind": "start", "nowMs": 5},
        {"atMs": 0.5, "kind": "track", "events": []},
        {"atMs": 0.5, "kind": "something a later version notes", "x": 1},
    )

    records = parse_trace(f"\n{text}\n\n")

    assert [(each.at_ms, each.kind) for each in records][:2] == [(0, "start"), (0.5, "track")]
    assert records[2].fields == {"x": 1}


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("{", "trace line 2: expected a JSON object"),
        ("[1]", "trace line 2: expected an object with atMs and kind"),
        ('{"kind": "stop"}', "trace line 2, atMs: expected milliseconds from 0, got null"),
        ('{"atMs": -1, "kind": "stop"}', "trace line 2, atMs: expected milliseconds from 0"),
        ('{"atMs": NaN, "kind": "stop"}', "trace line 2, atMs: expected milliseconds from 0"),
        ('{"atMs": 9, "kind": "stop"}', "trace line 2: expected atMs ≥ 10, got 9"),
        ('{"atMs": 10, "kind": "track"}', "trace line 2, track.events: expected an array or text"),
        (
            '{"atMs": 10, "kind": "cancel", "callId": true}',
            "cancel.callId: expected a whole number",
        ),
        (
            '{"atMs": 10, "kind": "run", "runId": "r"}',
            "run.runMs: expected a whole number or a num",
        ),
        ('{"atMs": 10, "kind": "clock"}', "clock.nowMs: expected a whole number or a number"),
    ],
)
def test_a_wrong_line_is_refused_with_its_number(line: str, complaint: str) -> None:
    with pytest.raises(ConfigError, match=r"Correct the trace\.$") as refused:
        parse_trace(lines({"atMs": 10, "kind": "pause"}) + "\n" + line)

    assert complaint in refused.value.message


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
            {"atMs": 0, "kind": "start", "tasks": [{"name": "A", "timeoutMs": 1}]},
            {"atMs": 1, "kind": "start", "tasks": [{"name": "A"}, {"name": "B"}]},
        )
    )

    assert list(recorded_tasks(records)) == [{"name": "A", "timeoutMs": 1}, {"name": "B"}]


def test_a_task_is_described_without_its_code() -> None:
    toml = {"name": "A", "version": "1", "system_code": "s", "business_code": "b", "models": ["m"]}

    described = described_task(from_task_toml(toml, {"main.py": b""}))

    assert described["name"] == "A" and described["priority"] == "regular"
    assert not described.keys() & {"files", "entry", "models", "packages", "format"}


def test_a_call_is_kept_without_the_callers_data() -> None:
    params = {"callId": 0, "systemCode": "s", "businessCode": "b", "timeoutMs": 5}

    request = parse_infer_request({**params, "extData": {"secret": 1}})

    assert request.to_dict() == params
    assert parse_infer_request(request.to_dict()).timeout_ms == 5
