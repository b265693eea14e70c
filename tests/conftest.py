"""What all tests share: their order, and how long they try."""

import os

import pytest
from hypothesis import settings

from .effort import EFFORT, examples
from .engines.found import header

TIMEOUT_S = 120
# On CI's shared machine a test of a whole browser has a second try. The report ends with what the
# first one said: a defect, of the test or of the product, and to be mended all the same.
SECOND_TRIES = 1 if os.environ.get("CI") else 0

settings.register_profile("effort", max_examples=examples(100))
settings.load_profile("effort")


def pytest_report_header() -> str:
    return header()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Playwright's loop runs until the session ends, and asyncio.run() refuses to work beside it.
    items.sort(key=_is_in_browser)
    for item in items:
        if _is_in_browser(item):
            item.add_marker("browser")
            item.add_marker(pytest.mark.flaky(reruns=SECOND_TRIES))
        if EFFORT > 1 and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S * EFFORT))


def _is_in_browser(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "playwright" in item.fixturenames
