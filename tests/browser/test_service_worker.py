"""The recipe for a service worker: starts without a server, and takes a new version."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page
from starlette.responses import Response

from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST
from .edge_page import EdgePage
from .site import write_site

RECIPE = Path(__file__).parents[2] / "docs" / "recipes" / "service-worker.js"
CONTROLLED = """async () => {
  const { serviceWorker } = navigator;
  await serviceWorker.register("/service-worker.js");
  const { active } = await serviceWorker.ready;
  if (active.state !== "activated")
    await new Promise((ok) => (active.onstatechange = () => active.state === "activated" && ok()));
}"""
KEPT = """async () => {
  const cache = await caches.open("edge-web-runtime");
  return (await cache.keys()).map(({ url }) => new URL(url).pathname.slice("/edge/".length));
}"""

# A response is handed out before it is kept.
UNTIL_KEPT = """async (paths) => {
  const cache = await caches.open("edge-web-runtime");
  for (const path of paths)
    while (!(await cache.match(path))) await new Promise((ok) => setTimeout(ok, 20));
}"""


class Server:
    """Serves without the browser's own cache; its runtime's files may be out of reach."""

    def __init__(self, app: Any) -> None:
        self._app = app
        self.is_down = False
        self.asked: list[str] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        async def uncached(message: Any) -> None:
            if message["type"] == "http.response.start":
                told = [(n, v) for n, v in message["headers"] if n != b"cache-control"]
                message["headers"] = [*told, (b"cache-control", b"no-store")]
            await send(message)

        path = scope.get("path", "")
        self.asked.append(path)
        is_out = self.is_down and path.startswith("/edge/")
        await (Response(status_code=503) if is_out else self._app)(scope, receive, uncached)


@pytest.fixture
def runtime(tmp_path: Path) -> Path:
    return Path(shutil.copytree(DIST, tmp_path / "edge"))


@pytest.fixture
def server(tmp_path: Path, runtime: Path) -> Server:
    site = write_site(tmp_path / "site")
    shutil.copy(RECIPE, site)
    return Server(create_app(site, runtime))


@pytest.fixture
def edge(server: Server, page: Page) -> Iterator[EdgePage]:
    """A page whose files its service worker has kept."""
    with BackgroundServer(server) as background:
        opened = EdgePage(page, background.url).open("/blank.html")
        page.evaluate(CONTROLLED)
        opened.open().ready()
        opened.value("echo")
        asked = {path for path in server.asked if path.startswith("/edge/")}
        page.evaluate(UNTIL_KEPT, sorted(asked))
        yield opened


def test_the_runtime_starts_while_its_server_is_down(server: Server, edge: EdgePage) -> None:
    server.is_down = True

    assert edge.open().ready()["boot"]["mode"] == "snapshot"
    assert edge.value("echo", {"a": 1})["ext"] == {"a": 1}
    assert edge.failures == []


def test_what_has_a_digest_is_not_asked_for_again_and_the_script_is(
    server: Server, edge: EdgePage
) -> None:
    server.asked.clear()

    edge.open().ready()

    assert [path for path in server.asked if path.startswith("/edge/")] == ["/edge/edge.js"]


def test_another_version_is_taken_at_once_and_the_earlier_one_forgotten(
    server: Server, edge: EdgePage, runtime: Path
) -> None:
    before = edge.page.evaluate(KEPT)
    (script,) = [path for path in before if path.startswith("runtime-worker.")]
    renamed = "runtime-worker.00000000.js"
    for name in ("edge.js", "manifest.json"):
        text = (runtime / name).read_text()
        assert script in text
        (runtime / name).write_text(text.replace(script, renamed))
        for variant in runtime.glob(f"{name}.*"):
            variant.unlink()
    for path in runtime.glob(f"{script}*"):
        path.rename(runtime / path.name.replace(script, renamed))

    edge.open().ready()

    kept = edge.page.evaluate(
        """async (old) => {
          const cache = await caches.open("edge-web-runtime");
          while (await cache.match("/edge/" + old)) await new Promise((ok) => setTimeout(ok, 20));
          return (await cache.keys()).map(({ url }) => url.split("/").pop());
        }""",
        script,
    )
    assert renamed in kept and script not in kept
