"""`web-runtime run`: inputs, results on stdout, all else on stderr, the exit code."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from demo_h5.build import DEMO
from web_runtime.authoring.run import RunInput, run_task
from web_runtime.authoring.run_input import canonical
from web_runtime.authoring.site import read_site

from ..test_cli import run
from .task_folder import write_site, write_task

DAY_MS = 86_400_000
HOME_VIEWS = """
async def run(ctx, activation):
    rows = await ctx.query("select count(*) as n from events where page_id = 'Home'")
    return [activation.trigger.value, rows[0]["n"]]
"""
VIEW = {"taskName": "Echo", "events": [{"type": "mta", "pageId": "Home", "needPv": True}]}


def write_json(path: Path, plain: object) -> Path:
    path.write_text(json.dumps(plain))
    return path


def write_trace(path: Path, *records: dict[str, Any]) -> Path:
    path.write_text("".join(f"{json.dumps(record)}\n" for record in records))
    return path


def view(event_id: str, ts: float, page: str = "Home") -> list[object]:
    return [event_id, ts, "mta", page, None, 1, {}]


def test_results_go_to_stdout_and_all_else_to_stderr(tmp_path: Path) -> None:
    main = (
        "async def run(ctx, a):\n    print('loud'); ctx.log('line')\n    return {'b': 1, 'a': 2}\n"
    )

    code, out, err = run("run", write_task(tmp_path, main))

    assert (code, out) == (0, '{"runId": "run-1", "value": {"a": 2, "b": 1}}\n')
    assert "info: line (run-1)\n" in err and "run-1: " in err and " ms\n" in err


def test_each_activation_of_a_list_is_run(tmp_path: Path) -> None:
    task = write_task(tmp_path / "task")
    given = write_json(tmp_path / "in.json", [{"n": 1}, {"n": 2}])

    code, out, _ = run("run", task, "--activation", given, "--json")

    assert code == 0
    assert json.loads(out) == [
        {"runId": "run-1", "value": {"n": 1}},
        {"runId": "run-2", "value": {"n": 2}},
    ]


def test_numbers_are_what_a_page_sends(tmp_path: Path) -> None:
    main = "async def run(ctx, a):\n    return [repr(n) for n in a.ext_data['n']]\n"
    given = tmp_path / "in.json"
    given.write_text('{"n": [1, 1.0, -0.0, 0.5, 9007199254740993, 9223372036854775807, 1e21, 1e2]}')

    _, out, _ = run("run", write_task(tmp_path / "t", main), "--activation", given)

    # JSON.stringify of each: 1, 1, 0, 0.5, 9007199254740992, 9223372036854776000, 1e+21, 100.
    assert json.loads(out)["value"] == [
        "1", "1", "0", "0.5", "9007199254740992", "9223372036854776000", "1e+21", "100",
    ]  # fmt: skip


def test_a_run_that_fails_is_told_and_ends_with_code_1(tmp_path: Path) -> None:
    main = "async def run(ctx, a):\n    return 1 / a.ext_data['by']\n"
    given = write_json(tmp_path / "in.json", [{"by": 0}, {"by": 2}])

    code, out, err = run("run", write_task(tmp_path / "t", main), "--activation", given, "--json")

    failed, fine = json.loads(out)
    assert (code, fine) == (1, {"runId": "run-2", "value": 0.5})
    assert failed["runId"] == "run-1" and failed["error"]["code"] == "task-raised"
    assert failed["error"]["details"] == {"taskName": "Echo"}
    assert '  File "Echo/main.py", line 2, in run' in err and "ZeroDivisionError" in err


def test_a_task_that_cannot_be_loaded_is_told_with_its_lines(tmp_path: Path) -> None:
    code, out, err = run("run", write_task(tmp_path, "x = 1 / 0\n"))

    assert (code, out) == (1, "")
    assert 'File "Echo/main.py", line 1' in err and "web-runtime: task Echo, Echo/main.py" in err


def test_bytes_come_from_files_and_base64_and_go_out_the_same_way(tmp_path: Path) -> None:
    (tmp_path / "photo.bin").write_bytes(b"\x00\xff")
    text = base64.b64encode(b"abc").decode()
    given = {"photo": {"$file": "photo.bin"}, "more": [{"$base64": text}], "plain": {"a": 1}}
    main = (
        "async def run(ctx, a):\n"
        "    return {k: repr(v) for k, v in a.ext_data.items()} | {'out': b'abc'}\n"
    )

    task = write_task(tmp_path / "t", main)
    code, out, _ = run("run", task, "--activation", write_json(tmp_path / "in.json", given))

    assert code == 0
    assert json.loads(out)["value"] == {
        "photo": repr(b"\x00\xff"),
        "more": repr([b"abc"]),
        "plain": repr({"a": 1}),
        "out": {"$base64": text},
    }


@pytest.mark.parametrize(
    ("option", "plain", "told"),
    [
        ("--activation", 5, "expected an object for extData, or a list of them, got 5"),
        ("--activation", [{"a": {"$file": "no.bin"}}], "expected a file's path or base64, got"),
        ("--activation", [{"a": {"$base64": "!"}}], "expected a file's path or base64, got"),
        ("--event", ["view"], "expected an event, or a list of them"),
        ("--event", {"pageId": "Home", "pv": False}, "expected a view (pv: true) or a click"),
        ("--event", {"pageId": ""}, "expected"),
    ],
)
def test_an_input_that_is_none_is_refused(
    tmp_path: Path, option: str, plain: object, told: str
) -> None:
    given = write_json(tmp_path / "in.json", plain)

    code, out, err = run("run", write_task(tmp_path / "task"), option, given)

    assert (code, out) == (1, "")
    assert err.startswith("web-runtime: ") and told in err


@pytest.mark.parametrize(
    ("option", "text", "message"),
    [
        ("--activation", '{"a": NaN}', "expected JSON, got NaN"),
        ("--activation", '{"a": {"$file": "x\\u0000"}}', "expected a file's path or base64"),
        ("--activation", '{"a": {"$base64": "é"}}', "expected a file's path or base64"),
        ("--event", "{}", "in.json, event 1, pageId: expected text, got null"),
        ("--event", '{"pageId": "A", "clickid": "b"}', "expected keys of clickId, id, pageId"),
    ],
)
def test_an_input_that_no_page_could_send_is_one_message(
    tmp_path: Path, option: str, text: str, message: str
) -> None:
    (tmp_path / "in.json").write_text(text, encoding="utf-8")

    code, out, err = run("run", write_task(tmp_path / "t"), option, tmp_path / "in.json")

    assert (code, out) == (1, "") and message in err and "Traceback" not in err


def test_half_a_character_is_printed_as_json(tmp_path: Path) -> None:
    main = "async def run(ctx, activation):\n    return 'a\\ud800é'\n"

    code, out, _ = run("run", write_task(tmp_path, main))

    assert code == 0 and json.loads(out)["value"] == "a\ud800é"


def test_only_one_input_is_taken_and_a_trace_needs_triggers(tmp_path: Path) -> None:
    task, given = write_task(tmp_path / "task"), write_json(tmp_path / "in.json", {})

    code, _, err = run("run", task, "--activation", given, "--event", given)
    assert code == 1 and "expected at most one of --activation, --event and --trace" in err
    code, _, err = run("run", task, "--trace", given)
    assert code == 1 and "run --trace: expected --config, got none" in err


def test_each_event_of_a_list_runs_the_task_with_those_before_it_stored(tmp_path: Path) -> None:
    events = [{"pageId": "Home"}, {"pageId": "Item"}, {"pageId": "Home", "clickId": "buy"}]
    given = write_json(tmp_path / "in.json", events)
    site = write_site(tmp_path, triggers=[VIEW, VIEW])

    code, out, _ = run(
        "run", write_task(tmp_path / "t", HOME_VIEWS), "--event", given, "--config", site.path
    )

    assert code == 0
    assert [json.loads(line) for line in out.splitlines()] == [
        {"runId": "Echo-e1", "value": ["event", 1]},
        {"runId": "Echo-e2", "value": ["event", 1]},
        {"runId": "Echo-e3", "value": ["event", 2]},
    ]


def test_a_trace_is_played_in_its_own_time(tmp_path: Path) -> None:
    """Cooldowns and ages of events are those of the recording, however old it is."""
    began = 1_600_000_000_000.0
    trace = write_trace(
        tmp_path / "trace.jsonl",
        {"atMs": 0, "kind": "start", "nowMs": began},
        {"atMs": 10, "kind": "track", "events": [view("a", began + 10), view("b", began + 11)]},
        {"atMs": 20, "kind": "track", "events": json.dumps([view("c", began + 20)])},
        {"atMs": 30, "kind": "infer", "callId": 1, "systemCode": "shop", "businessCode": "echo"},
        {"atMs": 2 * DAY_MS, "kind": "track", "events": [view("d", began + 2 * DAY_MS)]},
        {"atMs": 2 * DAY_MS + 1, "kind": "stop"},
    )
    site = write_site(tmp_path, triggers=[{**VIEW, "cooldownMs": DAY_MS}])
    told: list[str] = []

    ended = run_task(
        write_task(tmp_path / "t", HOME_VIEWS), RunInput(trace=trace), site, tell=told.append
    )

    assert [(each.run_id, each.value) for each in ended] == [
        ("Echo-a", ["event", 2]),
        ("Echo-d", ["event", 4]),
    ]
    assert any("1 call(s) of the trace not run" in line for line in told)


def test_a_trace_without_a_beginning_is_played_at_its_events_time(tmp_path: Path) -> None:
    rows = ["no row", [], view("a", 1.5e12)]
    trace = write_trace(
        tmp_path / "trace.jsonl", {"atMs": 500, "kind": "track", "events": json.dumps(rows)}
    )
    site = write_site(tmp_path, triggers=[{**VIEW, "expiresAt": 1.5e12 + 60_000}])
    main = "async def run(ctx, activation):\n    return ctx.deadline_ms > 1.5e12 + 500\n"

    ended = run_task(write_task(tmp_path / "t", main), RunInput(trace=trace), site)

    assert [(each.run_id, each.value) for each in ended] == [("Echo-a", True)]


def test_a_configuration_that_a_trace_takes_up_is_in_force(tmp_path: Path) -> None:
    trace = write_trace(
        tmp_path / "trace.jsonl",
        {"atMs": 0, "kind": "track", "events": [view("a", 1e12)]},
        {"atMs": 1, "kind": "reconfigure", "config": {"triggers": [VIEW]}},
        {"atMs": 2, "kind": "track", "events": [view("b", 1e12)]},
    )

    ended = run_task(
        write_task(tmp_path / "t", HOME_VIEWS), RunInput(trace=trace), write_site(tmp_path)
    )

    assert [each.run_id for each in ended] == ["Echo-b"]


def test_what_is_missing_is_told(tmp_path: Path) -> None:
    site = write_site(tmp_path, bundles=["gone.edge"])

    code, _, err = run("run", write_task(tmp_path / "task"), "--config", site.path)

    assert code == 0 and "problem: " in err and "gone.edge" in err


def test_the_demos_task_runs_with_its_model_and_twice_the_same(tmp_path: Path) -> None:
    candidates = [{"hist": [1, 2, 3], "cand": list(range(first, first + 8))} for first in (1, 9)]
    given = RunInput(activation=write_json(tmp_path / "in.json", candidates))
    task = DEMO / "tasks" / "rank"
    (tmp_path / "rank").mkdir()
    for path in task.iterdir():
        if path.is_file():
            (tmp_path / "rank" / path.name).write_bytes(path.read_bytes())
    (tmp_path / "rank" / "candidates.json").write_text("[]")

    first, second = (
        run_task(tmp_path / "rank", given, read_site(DEMO / "config.json")) for _ in "ab"
    )

    assert [set(each.value) for each in first] == [{"order", "scores", "hist"}] * 2
    assert sorted(first[0].value["order"]) == list(range(1, 9))
    assert canonical([each.to_dict() for each in first]) == canonical(
        [each.to_dict() for each in second]
    )
