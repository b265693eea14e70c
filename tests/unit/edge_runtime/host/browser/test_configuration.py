"""What is in force at a start of the worker, after a configuration was changed at run time."""

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest
from edge_runtime.config import parse_config

SOURCE = Path(__file__).parents[5] / "py" / "edge_runtime" / "host" / "browser" / "configuration.py"
FILE = "https://shop.test/next/config.json"


@pytest.fixture
def configuration() -> ModuleType:
    # The package around it imports the browser's modules.
    spec = importlib.util.spec_from_file_location("edge_runtime.host.browser.configuration", SOURCE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_next_worker_keeps_what_was_reconfigured_the_kill_switch_included(
    configuration: ModuleType,
) -> None:
    started = parse_config({"bundles": ["rank.edge"], "scheduler": {"maxRunning": 2}})
    changed = {"scheduler": {"maxRunning": 3, "breaker": {"minCalls": 1, "forcedOpen": ["Bad"]}}}

    found = configuration.in_force(started, changed)

    assert found.bundles == ("rank.edge",)
    assert found.scheduler == parse_config(changed).scheduler
    assert found.scheduler.breaker.forced_open == ("Bad",)


def test_the_next_worker_finds_the_bundles_of_another_file(configuration: ModuleType) -> None:
    started = parse_config({"bundles": ["rank.edge"]})

    changed = configuration.located({"bundles": ["tasks/rank.edge"]}, FILE)

    found = configuration.in_force(started, changed)
    assert found.bundles == ("https://shop.test/next/tasks/rank.edge",)


@pytest.mark.parametrize(
    ("plain", "given"),
    [
        ({"bundles": ["a.edge"]}, {"bundles": ["a.edge"]}),
        ({"triggers": []}, FILE),
        ({"bundles": 5}, FILE),
        ({"bundles": [5]}, FILE),
        (5, FILE),
    ],
)
def test_addresses_of_no_file_and_what_is_wrong_stay(
    configuration: ModuleType, plain: object, given: object
) -> None:
    assert configuration.located(plain, given) == plain
