"""What all tests share: their order, and how long they try."""

import pytest
from hypothesis import settings

from .effort import EFFORT, examples
from .engines.found import header

TIMEOUT_S = 120

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
        if EFFORT > 1 and item.get_closest_marker("timeout") is None:
            item.add_marker(pytest.mark.timeout(TIMEOUT_S * EFFORT))


def _is_in_browser(item: pytest.Item) -> bool:
    return isinstance(item, pytest.Function) and "playwright" in item.fixturenames
