"""What all tests share: their order."""

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Playwright's loop runs until the session ends, and asyncio.run() refuses to work beside it.
    items.sort(key=lambda item: item.get_closest_marker("browser") is not None)
