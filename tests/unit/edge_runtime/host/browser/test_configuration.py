"""What is in force at a start of the worker, after a configuration was changed at run time."""

import importlib.util
from pathlib import Path

from edge_runtime.config import parse_config

SOURCE = Path(__file__).parents[5] / "py" / "edge_runtime" / "host" / "browser" / "configuration.py"


def test_the_next_worker_keeps_what_was_reconfigured_the_kill_switch_included() -> None:
    # The package around it imports the browser's modules.
    spec = importlib.util.spec_from_file_location("edge_runtime.host.browser.configuration", SOURCE)
    assert spec is not None and spec.loader is not None
    configuration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(configuration)
    started = parse_config({"bundles": ["rank.edge"], "scheduler": {"maxRunning": 2}})
    changed = {"scheduler": {"maxRunning": 3, "breaker": {"minCalls": 1, "forcedOpen": ["Bad"]}}}

    found = configuration.in_force(started, changed)

    assert found.bundles == ("rank.edge",)
    assert found.scheduler == parse_config(changed).scheduler
    assert found.scheduler.breaker.forced_open == ("Bad",)
