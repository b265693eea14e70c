"""A trace replayed in the browser, on the built core, and in CPython: the same decisions."""

import json
import shutil
from pathlib import Path

from edge_runtime.config import parse_config
from edge_runtime.testing.replay import Replay
from edge_runtime.testing.trace_lines import parse_trace
from playwright.sync_api import Page

from tests.contract.test_replay_in_pyodide import CONFIG, day

from .bundle import bundle_worker
from .conftest import ROOT, Serve

RUN = """(order) => new Promise((resolve) => {
  const worker = new Worker("/replay-worker.js", { type: "module" });
  worker.onmessage = ({ data }) => resolve(data);
  worker.onerror = ({ message }) => resolve({ error: message || "the worker did not load" });
  worker.postMessage({ ...order, root: new URL("/edge/", location.href).href });
})"""


def test_the_browser_decides_what_cpython_decides(serve: Serve, page: Page, tmp_path: Path) -> None:
    core = ROOT / "py" / "edge_runtime"
    left_out = ["bundle_writer.py", "model_files.py", "signatures.py", "host/no_machines.py"]
    left_out += [f"testing/{path.name}" for path in core.glob("testing/*.py")]
    for folder in ("testing", "host"):
        (tmp_path / folder).mkdir()
    for name in left_out:
        shutil.copy(core / name, tmp_path / name)
    bundle_worker(ROOT / "tests" / "contract" / "replay-worker.js", tmp_path)
    (tmp_path / "index.html").write_text("<!doctype html><title>replay</title>")
    order = {"modules": left_out, "trace": day(), "config": json.dumps(CONFIG), "seed": 5}
    page.goto(serve(tmp_path))

    found = page.evaluate(RUN, order)

    assert "error" not in found, found["error"]
    assert found["mode"] == "snapshot"
    here = Replay(parse_trace(day()), parse_config(CONFIG)).run()
    assert found["text"] == here.text()
