"""A trace replayed in Pyodide under Node and in CPython: the same decisions, to the last digit."""

import json
import random
import shutil
import subprocess
from pathlib import Path
from typing import Any

import fastjsonschema
from edge_runtime.config import parse_config
from edge_runtime.testing.replay import Replay
from edge_runtime.testing.trace_lines import parse_trace

ROOT = Path(__file__).parent.parent.parent
PYODIDE = ROOT / "node_modules" / "pyodide" / "pyodide.mjs"
NAMES = ("Rank", "Warm", "Slow")
NOW_MS = 1_700_000_000_000
CONFIG = {
    "scheduler": {"maxRunning": 3, "queueLimits": {"regular": 5}},
    "triggers": [
        {"taskName": name, "events": [{"type": "mta", "pageId": "Home", "clickIds": [name]}]}
        for name in NAMES
    ],
}


def day() -> str:
    """Return a trace with everything in it that a page can do, and runs of odd lengths."""
    choose, at_ms, lines = random.Random(7), 0.0, []
    for number in range(400):
        at_ms += choose.choice([0, 0.1, 7, 40, 900])
        kind = choose.choices(
            ["track", "infer", "cancel", "pause", "resume", "reload", "clock"],
            [60, 20, 5, 1, 5, 1, 1],
        )[0]
        name = choose.choice(NAMES)
        row = [f"e{number}", NOW_MS + at_ms, "mta", "Home", name, 0, {}]
        codes = {"systemCode": "replay", "businessCode": name}
        fields: dict[str, Any] = {
            "track": {"events": [row]},
            "infer": {"callId": number, **codes, "timeoutMs": choose.choice([5, 300])},
            "cancel": {"callId": number - 1},
            "clock": {"nowMs": NOW_MS + choose.randrange(10**6)},
        }
        lines.append({"atMs": at_ms, "kind": kind, **fields.get(kind, {})})
        run = {"runId": f"{name}-e{number}", "runMs": choose.random() * 300}
        lines.append(
            {"atMs": at_ms, "kind": "run", **run, "ended": choose.choice(["ok", "task-raised"])}
        )
        for callee in choose.choices(NAMES, k=choose.choice([0, 0, 0, 1, 3])):
            offset = {"offsetMs": choose.choice([0, 20]), "beside": choose.random() < 0.5}
            call = {"runId": run["runId"], "callee": callee, **offset}
            lines.append({"atMs": at_ms, "kind": "call", **call})
    return "\n".join(map(json.dumps, lines))


def test_pyodide_decides_what_cpython_decides(tmp_path: Path) -> None:
    core, trace, config = tmp_path / "core", tmp_path / "trace.jsonl", tmp_path / "config.json"
    for package in (ROOT / "py" / "edge_runtime", Path(fastjsonschema.__file__).parent):
        leave_out = shutil.ignore_patterns("browser", "native", "__pycache__")
        shutil.copytree(package, core / package.name, ignore=leave_out)
    trace.write_text(day())
    config.write_text(json.dumps(CONFIG))
    script = str(Path(__file__).parent / "replay_in_node.mjs")
    command = ["node", script, str(PYODIDE), str(core), str(trace), str(config), "3"]

    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)

    assert done.returncode == 0, done.stderr
    here = Replay(parse_trace(day()), parse_config(CONFIG)).run()
    assert len(here.decisions) > 500
    assert done.stdout == here.text()
