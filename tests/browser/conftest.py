"""Fixtures of the browser tests: servers that end with the test."""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from playwright.sync_api import Browser, BrowserType, Page

from demo_h5.build import pack_tasks
from web_runtime.browser import launch_options
from web_runtime.serve import BackgroundServer, create_app

from .inference_stage import InferencePage, PrefixedWorker, write_models_site
from .lanes import Lanes, write_lanes_site
from .site import Model

ROOT = Path(__file__).parents[2]
DIST = ROOT / "web_runtime" / "dist"
DEMO_DIST = ROOT / "demo_h5" / "dist"


class OpenModels(Protocol):
    """Opens a page of a site with these models.

    Without a ``page``, it is one of the browser with accelerators; ``worker`` is code that
    inference workers run before their own.
    """

    def __call__(
        self,
        models: Mapping[str, bytes | Model],
        *,
        config: Mapping[str, Any] | None = None,
        csp: str = "off",
        isolated: bool = False,
        worker: str = "",
        page: Page | None = None,
    ) -> InferencePage: ...


class Serve(Protocol):
    """Serves a folder until the test ends and returns its origin."""

    def __call__(self, site: Path, *, isolated: bool = False, csp: str = "strict") -> str: ...


@pytest.fixture(scope="session")
def demo_in_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the built demo with its tasks as source text, which CPython runs, too."""
    site = tmp_path_factory.mktemp("demo") / "site"
    shutil.copytree(DEMO_DIST, site, ignore=shutil.ignore_patterns("tasks"))
    config = json.loads((site / "config.json").read_text())
    (site / "config.json").write_text(json.dumps({**config, "trust": {"unsigned": True}}))
    pack_tasks(site, json.loads((site / "catalogue.json").read_text()))
    return site


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, Any]:
    """Use the pinned browser instead of one that Playwright would have to download."""
    return launch_options()


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as servers:

        def start(site: Path, *, isolated: bool = False, csp: str = "strict") -> str:
            app = create_app(site, DIST, isolated=isolated, csp=csp)
            return servers.enter_context(BackgroundServer(app)).url

        yield start


@pytest.fixture(scope="module")
def lanes_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_lanes_site(tmp_path_factory.mktemp("lanes") / "site")


@pytest.fixture(scope="module")
def lanes_url(lanes_site: Path) -> Iterator[str]:
    with BackgroundServer(create_app(lanes_site, DIST, csp="off")) as server:
        yield server.url


@pytest.fixture
def isolated_lanes_url(lanes_site: Path) -> Iterator[str]:
    with BackgroundServer(create_app(lanes_site, DIST, isolated=True)) as server:
        yield server.url


@pytest.fixture(scope="module")
def accelerated(browser_type: BrowserType) -> Iterator[Browser]:
    """A browser with WebGPU in software and WebNN on the CPU."""
    browser = browser_type.launch(**launch_options(webgpu=True, webnn=True))
    yield browser
    browser.close()


@pytest.fixture
def tab(accelerated: Browser) -> Iterator[Page]:
    page = accelerated.new_page()
    yield page
    page.close()


@pytest.fixture
def lanes(tab: Page, lanes_url: str) -> Lanes:
    return Lanes(tab, lanes_url)


@pytest.fixture
def open_models(tab: Page, tmp_path: Path) -> Iterator[OpenModels]:
    with ExitStack() as servers:

        def start(
            models: Mapping[str, bytes | Model],
            *,
            config: Mapping[str, Any] | None = None,
            csp: str = "off",
            isolated: bool = False,
            worker: str = "",
            page: Page | None = None,
        ) -> InferencePage:
            site = write_models_site(tmp_path / "site", models, config or {})
            app = create_app(site, DIST, isolated=isolated, csp=csp)
            [script] = DIST.glob("inference-worker.*.js")
            server = BackgroundServer(PrefixedWorker(app, script, worker) if worker else app)
            opened = InferencePage(page or tab, servers.enter_context(server).url).open()
            opened.ready()
            return opened

        yield start
