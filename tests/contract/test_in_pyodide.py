"""The browser host in Pyodide under Node: the contract, and a whole run through its border."""

import json
import shutil
import struct
import subprocess
from pathlib import Path
from typing import Any

import fastjsonschema
import pytest
from edge_runtime.bundle_writer import write_bundle
from edge_runtime.pure.manifest import from_task_toml

ROOT = Path(__file__).parent.parent.parent
PYODIDE = ROOT / "node_modules" / "pyodide" / "pyodide.mjs"
TASK = b"""
from edge_runtime.task import Activation, Context, Tensor

async def run(ctx: Context, activation: Activation) -> object:
    data = activation.ext_data.get("values", bytes(8))
    outputs = await ctx.infer("double", {"x": Tensor("float32", (1, 2), data)})
    return {"doubled": bytes(outputs["y"].data), "trigger": activation.trigger.value}
"""
TOML = {
    "name": "Double",
    "version": "1.0.0",
    "system_code": "demo",
    "business_code": "double",
    "models": ["double"],
}


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run Node once; gives what ``in_node.mjs`` prints."""
    folder = tmp_path_factory.mktemp("pyodide")
    core = folder / "core"
    leave_out = shutil.ignore_patterns("testing", "native", "__pycache__")
    shutil.copytree(ROOT / "py" / "edge_runtime", core / "edge_runtime", ignore=leave_out)
    library = Path(fastjsonschema.__file__).parent
    shutil.copytree(library, core / "fastjsonschema", ignore=shutil.ignore_patterns("__pycache__"))
    suites = Path(__file__).parent
    shutil.copytree(suites, core / "contract", ignore=shutil.ignore_patterns("__pycache__"))
    bundle = folder / "double.edge"
    bundle.write_bytes(write_bundle(from_task_toml(TOML, {"main.py": TASK}), {"main.py": TASK}))
    command = ["node", str(suites / "in_node.mjs"), str(PYODIDE), str(core), str(bundle)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=100, check=False)
    assert done.returncode == 0, done.stderr
    plain: dict[str, Any] = json.loads(done.stdout)
    return plain


def test_the_browser_host_keeps_the_contract_of_time_storage_and_crypto(
    outcome: dict[str, Any],
) -> None:
    failed = [each for each in outcome["contract"] if not each["ok"]]
    assert not failed, "\n".join(each["name"] + ": " + each["error"] for each in failed)
    assert len(outcome["contract"]) > 20


def test_a_configuration_error_keeps_its_code_and_path(outcome: dict[str, Any]) -> None:
    assert outcome["refused"]["code"] == "config-invalid"
    assert outcome["refused"]["message"].startswith("config at triggers: expected array of objects")


def test_a_call_carries_bytes_in_and_out(outcome: dict[str, Any]) -> None:
    assert outcome["problems"] == []
    answer = outcome["answers"]["infer"]
    value = answer["value"]["value"]
    assert value == {"doubled": {"$bytes": 0}, "trigger": "api"}
    assert struct.unpack("<2f", bytes(answer["buffers"][0])) == (3.0, 4.0)
    assert answer["value"]["timings"]["inferMs"] == 0.25


def test_errors_cross_the_border_as_data(outcome: dict[str, Any]) -> None:
    answers = outcome["answers"]
    assert answers["unknown"]["error"]["code"] == "task-unknown"
    assert answers["badKey"]["error"]["code"] == "argument-invalid"
    assert "one of infer, outbox, flush" in answers["badMethod"]["error"]["message"]
    assert answers["afterwards"]["error"]["code"] == "runtime-stopped"


def test_keys_come_back_as_they_were_put(outcome: dict[str, Any]) -> None:
    assert outcome["answers"]["put"]["value"] == {}
    assert outcome["answers"]["get"]["value"] == {"a": [1, "é"]}


def test_a_tracked_page_view_runs_its_task_once(outcome: dict[str, Any]) -> None:
    results = [notice for notice in outcome["notices"] if notice["name"] == "result"]
    assert [notice["body"]["taskName"] for notice in results] == ["Double"]
    assert results[0]["body"]["value"]["trigger"] == "event" and results[0]["buffers"] == 1
    store = outcome["answers"]["statistics"]["value"]["store"]
    assert (store["mode"], store["events"], store["keys"], store["pendingOps"]) == (
        "durable",
        1,
        1,
        0,
    )
