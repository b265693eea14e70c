"""Tasks with wheels beside their bundles, in a VM and beside the core, and requests of tasks."""

import os
from pathlib import Path

import pytest
from playwright.sync_api import Page

from tests.unit.wheels import publish

from .conftest import Serve
from .edge_page import EdgePage
from .site import Task, write_site

MILES = """
import numpy
import test_units


async def run(ctx, activation):
    return test_units.metres(numpy.arange(3)).tolist()
"""
LOST = "import test_lost\n\n\nasync def run(ctx, activation): ...\n"
FETCH = """
async def run(ctx, activation):
    got = await ctx.fetch(activation.ext_data["url"])
    return [got.status, got.text()]
"""
UNITS = "from test_tables import MILE\n\n\ndef metres(miles):\n    return miles * MILE\n"


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give pip a folder of wheels in place of its index."""
    folder = tmp_path / "index"
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    publish(folder, "test_units", "1.0", {"test_units.py": UNITS}, requires=["test_tables"])
    publish(folder, "test_tables", "2.0", {"test_tables/__init__.py": "MILE = 1609\n"})
    publish(folder, "test_lost", "1.0")
    return folder


@pytest.mark.parametrize("vms", [0, 1], ids=["inline", "vm"])
def test_wheels_work_and_a_lost_one_is_a_refusal(
    page: Page, serve: Serve, tmp_path: Path, index: Path, vms: int
) -> None:
    listed = {"timeout_ms": 60_000, "packages": ["numpy", "test-units==1.0"]}
    miles = Task("Miles", "miles", MILES, listed)
    lost = Task("Lost", "lost", LOST, {**listed, "packages": ["test-lost==1.0"]})
    site = write_site(tmp_path / "site", tasks=[miles, lost], config={"vms": vms})
    (site / "tasks" / "packages" / "test_lost-1.0-py3-none-any.whl").unlink()
    edge = EdgePage(page, serve(site)).open()

    got = edge.infer("miles", timeoutMs=60_000)
    assert got.get("ok", got)["value"] == [0, 1609, 3218]
    error = edge.infer("lost", timeoutMs=60_000)["error"]
    # Beside the core code is imported at the start: there the task is not loaded at all.
    assert error["code"] == ("network-failed" if vms else "task-unknown")


@pytest.mark.parametrize("vms", [0, 1], ids=["inline", "vm"])
def test_a_task_fetches_below_its_egress_only(
    page: Page, serve: Serve, tmp_path: Path, vms: int
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    url = serve(site)
    task = Task("Fetch", "fetch", FETCH, {"egress": [f"{url}/open/"], "timeout_ms": 60_000})
    write_site(site, tasks=[task], config={"vms": vms})
    (site / "open").mkdir()
    (site / "open" / "rates.json").write_text("[1]")
    edge = EdgePage(page, url).open()

    got = edge.infer("fetch", {"url": f"{url}/open/rates.json"}, timeoutMs=60_000)
    missing = edge.infer("fetch", {"url": f"{url}/open/none"}, timeoutMs=60_000)
    refused = edge.infer("fetch", {"url": f"{url}/open/../config.json"}, timeoutMs=60_000)

    assert got["ok"]["value"] == [200, "[1]"] and missing["ok"]["value"][0] == 404
    assert refused["error"]["code"] == "egress-refused"
