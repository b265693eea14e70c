"""Erasing under a fence in real IndexedDB: nobody takes over in the middle of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from web_runtime.serve import BackgroundServer, create_app

from .bundle import bundle_worker
from .conftest import DIST
from .site import ASSETS


@pytest.fixture(scope="module")
def page(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    folder: Path = tmp_path_factory.mktemp("fence")
    bundle_worker(ASSETS / "two-writers.js", folder)
    script = '<script type="module" src="two-writers.js"></script>'
    (folder / "index.html").write_text(f"<!doctype html><title>fence</title>{script}")
    app = create_app(folder, DIST)
    with BackgroundServer(app) as server, browser.new_context() as context:
        found = context.new_page()
        found.goto(server.url)
        yield found


@pytest.mark.parametrize("before_ms", [0, 300])
def test_who_takes_over_meanwhile_waits_and_finds_the_database_gone(
    page: Page, before_ms: int
) -> None:
    found = page.evaluate("(beforeMs) => eraseAndTakeOver(beforeMs)", before_ms)

    assert found["order"][0] == "before", found
    # It may come through on the connection that is about to end; its mark is gone with the rest.
    assert sorted(found["order"][1:]) in (["erased", "taken over"], ["erased", "writer-superseded"])
    assert found["left"] == 0


def test_who_was_superseded_erases_nothing(page: Page) -> None:
    found = page.evaluate("() => eraseTooLate()")

    assert found == {"refusal": "writer-superseded", "isBeforeDone": False, "left": 1}
