"""The same tasks give the same results under CPython and in the browser."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST
from .parity import CALLS, EVENTS, Outcomes, in_page, on_cpython, write_parity_site
from .parity_tasks import TASKS

# What the module needs is made in the time of its first test.
pytestmark = pytest.mark.timeout(300)

REL_TOLERANCE = 1e-6
"""For models: engines differ in the order of their sums, float32 has 24 bits."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_parity_site(tmp_path_factory.mktemp("parity") / "site")


@pytest.fixture(scope="module")
def native(site: Path) -> Outcomes:
    return {task.business: on_cpython(site, task) for task in TASKS}


@pytest.fixture(scope="module", params=[1, 0], ids=["vm", "inline"])
def browsed(request: pytest.FixtureRequest, site: Path, browser: Browser) -> Iterator[Outcomes]:
    page = browser.new_page()
    with BackgroundServer(create_app(site, DIST, csp="strict")) as server:
        mode, outcomes = in_page(page, server.url, request.param)
    page.close()
    assert mode == ("workers" if request.param else "inline")
    yield outcomes


def differences(index: int, pair: tuple[Any, Any], path: str = "") -> Iterator[tuple[Any, ...]]:
    """Say which run, where in its result, what under CPython and what in the browser."""
    here, there = pair
    if isinstance(here, dict) and isinstance(there, dict) and here.keys() == there.keys():
        for key in here:
            yield from differences(index, (here[key], there[key]), f"{path}.{key}")
    elif isinstance(here, list) and isinstance(there, list) and len(here) == len(there):
        for number, both in enumerate(zip(here, there, strict=True)):
            yield from differences(index, both, f"{path}[{number}]")
    elif repr(here) != repr(there):  # 1.0 == True
        yield index, path, here, there


@pytest.mark.parametrize("business", ["plain", "matrices", "store", "fails"])
def test_results_are_equal_bit_by_bit(native: Outcomes, browsed: Outcomes, business: str) -> None:
    assert len(native[business]) == CALLS + EVENTS

    pairs = zip(native[business], browsed[business], strict=True)
    assert [each for pair in enumerate(pairs) for each in differences(*pair)] == []


def test_models_answer_alike(native: Outcomes, browsed: Outcomes) -> None:
    for here, there in zip(native["model"], browsed["model"], strict=True):
        (dtype, shape, numbers), got = here["value"], there["value"]
        assert got[:2] == [dtype, shape]
        assert got[2] == pytest.approx(numbers, rel=REL_TOLERANCE, abs=0)


def test_every_way_to_fail_is_told_by_its_code(native: Outcomes) -> None:
    codes = {each.get("code") for each in native["fails"]}

    assert codes == {
        None, "task-raised", "task-output-invalid", "model-unknown", "query-invalid",
        "argument-invalid", "task-unknown",
    }  # fmt: skip
