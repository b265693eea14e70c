"""A tag with `integrity`: the build's value lets the script run, any other keeps it out."""

import json
from pathlib import Path

import pytest
from playwright.sync_api import Page

from .conftest import DIST, Serve
from .edge_page import EdgePage
from .site import write_site

TAG = '<script src="/edge/edge.js"'


@pytest.fixture
def told() -> str:
    value: str = json.loads((DIST / "manifest.json").read_text())["integrity"]["edge.js"]
    return value


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site(tmp_path / "site")


def require(site: Path, integrity: str) -> None:
    index = site / "index.html"
    text = index.read_text()
    assert TAG in text
    with_integrity = f'{TAG} integrity="{integrity}" crossorigin="anonymous"'
    index.write_text(text.replace(TAG, with_integrity))


def test_the_builds_value_lets_the_script_run(
    serve: Serve, site: Path, page: Page, told: str
) -> None:
    require(site, told)

    edge = EdgePage(page, serve(site)).open()

    assert edge.ready()["state"] == "ready"


def test_any_other_value_keeps_it_from_running_and_the_page_lives(
    serve: Serve, site: Path, page: Page, told: str
) -> None:
    require(site, f"sha384-{'A' * 64}")

    edge = EdgePage(page, serve(site)).open()
    page.wait_for_load_state("load")

    assert page.evaluate("() => Object.keys(EdgeAI)") == ["q"]
    page.click("#buy")
    assert edge.failures == [] and told.startswith("sha384-")
