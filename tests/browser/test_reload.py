"""Bundles are exchanged under a running page: who gets which version, in which tab."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST, Serve
from .edge_page import EdgePage
from .site import Task, write_site

SAYS = """
import asyncio

async def run(ctx, activation):
    until = activation.ext_data.get("until")
    if until:
        ctx.log("waits")
        while not await ctx.get(until):
            await asyncio.sleep(0.01)
    return VERSION
"""
BROKEN = "1 / 0\n"
BEGIN = """(until) => {
  const codes = {systemCode: "test-shop", businessCode: "says"};
  window.long = settle(EdgeAI.infer({...codes, extData: {until}}));
}"""


class LongCached:
    """The site's server, whose bundles a browser may keep for an hour without asking again."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["cache-control"] = "max-age=3600"
            await send(message)

        is_bundle = scope["type"] == "http" and scope["path"].endswith(".edge")
        await self._app(scope, receive, with_headers if is_bundle else send)


class Shop:
    """A site of one task, whose bundle can be replaced, and its tabs."""

    def __init__(self, folder: Path, context: BrowserContext, url: str = "") -> None:
        self._folder = folder
        self._context = context
        self._packed = 0
        self.url = url
        write_site(folder / "site", tasks=[_says("1")])

    def deploy(self, version: str, source: str = "", name: str = "Says", **options: Any) -> None:
        self._packed += 1
        packed = _says(version, source, **options).pack(self._folder / f"src-{self._packed}")
        (self._folder / "site" / "tasks" / f"{name}.edge").write_bytes(packed)

    def open(self) -> EdgePage:
        tab = EdgePage(self._context.new_page(), self.url).open()
        tab.ready()
        return tab


def _says(version: str, source: str = "", **options: Any) -> Task:
    code = source or f"VERSION = {version!r}\n{SAYS}"
    return Task("Says", "says", code, {"version": version, "timeout_ms": 100_000, **options})


@pytest.fixture
def shop(tmp_path: Path, context: BrowserContext) -> Iterator[Shop]:
    shop = Shop(tmp_path, context)
    with BackgroundServer(LongCached(create_app(tmp_path / "site", DIST))) as server:
        shop.url = server.url
        yield shop


def reloaded(tab: EdgePage) -> tuple[Mapping[str, Any], list[str]]:
    change = tab.call("reload")["ok"]
    versions = {each["taskName"]: (each["from"], each["to"]) for each in change["changed"]}
    return versions, [problem["code"] for problem in change["problems"]]


def test_runs_in_flight_end_on_their_version_and_later_ones_get_the_next(shop: Shop) -> None:
    tab = shop.open()
    tab.page.evaluate("() => { window.isSamePage = true; }")
    tab.page.evaluate(BEGIN, "go")
    tab.until("log", message="waits")
    shop.deploy("2")

    assert reloaded(tab) == ({"Says": ("1", "2")}, [])
    assert tab.value("says") == "2"
    tab.call("put", "go", True)
    assert tab.page.evaluate("() => window.long")["ok"]["value"] == "1"
    assert tab.value("says") == "2"

    shop.deploy("3", BROKEN)
    assert reloaded(tab) == ({}, ["task-raised"])
    assert tab.value("says") == "2"
    logs = [log["message"] for log in tab.seen("log") if log["level"] == "warning"]
    assert len(logs) == 1 and logs[0].startswith("reload: ")

    assert tab.page.evaluate("() => window.isSamePage") is True
    assert tab.call("statistics")["ok"]["tasks"]["Says"]["version"] == "2"
    assert len([each for each in tab.seen("status") if each["state"] == "ready"]) == 1
    assert tab.failures == []


def test_a_follower_reloads_for_all_tabs_and_for_the_next_writer(shop: Shop) -> None:
    writer, follower = shop.open(), shop.open()
    shop.deploy("2")

    assert reloaded(follower) == ({"Says": ("1", "2")}, [])
    assert [tab.value("says") for tab in (writer, follower)] == ["2", "2"]
    writer.page.close()
    follower.until("status", state="role", role="writer")

    assert follower.value("says") == "2"


def test_another_configuration_brings_bundles_from_beside_itself(
    shop: Shop, tmp_path: Path
) -> None:
    tab = shop.open()
    shop.deploy("2", name="Says-2")
    (tmp_path / "site" / "next").mkdir()
    (tmp_path / "site" / "next" / "config.json").write_text(
        json.dumps({"bundles": ["../tasks/Says-2.edge"]})
    )
    last = shop.open()

    assert last.call("reconfigure", "/next/config.json") == {"ok": []}
    assert tab.value("says") == "2"
    tab.page.close()
    last.until("status", state="role", role="writer")

    assert last.value("says") == "2"


def write_tagged(site: Path, vms: str) -> Path:
    """Write a site whose script tag says how many VMs run tasks."""
    index = write_site(site) / "index.html"
    tagged = index.read_text().replace("data-config=", f'data-vms="{vms}" data-config=')
    index.write_text(tagged)
    return site


@pytest.mark.parametrize("vms", ["0", "auto"])
def test_a_script_tag_says_how_many_vms(serve: Serve, tmp_path: Path, page: Page, vms: str) -> None:
    tab = EdgePage(page, serve(write_tagged(tmp_path / "site", vms))).open()
    tab.ready()

    assert tab.value("echo") == {"ext": {}, "trigger": "api"}
    assert tab.failures == []


def test_a_script_tag_with_no_number_of_vms_is_told(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    with page.expect_event("pageerror") as raised:
        EdgePage(page, serve(write_tagged(tmp_path / "site", "many"))).open()

    assert 'start.vms: expected auto or 0 to 8, got "many"' in str(raised.value)
