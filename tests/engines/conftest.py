"""Engines, tabs and servers of the shared suite; what it finds is written down for the table."""

import contextlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Playwright

from tests.browser.conftest import DIST
from web_runtime.serve import BackgroundServer, create_app

from .driver import Engine, EngineError
from .found import Kind, installed
from .results import RESULTS, Results
from .shop import Shop, write_shop

OpenShop = Callable[[], Shop]
SEEN = Results()


class Running:
    """One engine, started when it is first needed and again when it has ended."""

    def __init__(self, kind: Kind, playwright: Playwright) -> None:
        self._kind = kind
        self._playwright = playwright
        self._engine: Engine | None = None
        self._refusals: list[EngineError] = []

    def engine(self) -> Engine:
        """Return the engine, which answers.

        Raises:
            EngineError: It does not start, or did not when it was tried twice before.
        """
        if len(self._refusals) > 1:
            raise self._refusals[-1]
        if self._engine and not self._engine.is_alive():
            self.close()
        if self._engine is None:
            try:
                self._engine = self._kind.start(self._playwright)
            except EngineError as error:
                self._refusals.append(error)
                raise
            SEEN.versions[self._kind.name] = self._engine.version
        return self._engine

    def close(self) -> None:
        """End the engine, if there is one."""
        if self._engine is not None:
            self._engine.close()
        self._engine = None


@pytest.fixture(scope="session", params=installed(), ids=lambda kind: kind.name)
def kind(request: pytest.FixtureRequest) -> Kind:
    """What is expected of the engine under test."""
    chosen: Kind = request.param
    return chosen


@pytest.fixture(scope="session")
def running(kind: Kind, playwright: Playwright) -> Iterator[Running]:
    browser = Running(kind, playwright)
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_shop(tmp_path_factory.mktemp("shop") / "site")


@pytest.fixture
def url(site: Path) -> Iterator[str]:
    """A port of its own for each test, and with it an origin and storage of its own."""
    with BackgroundServer(create_app(site, DIST)) as server:
        yield server.url


@pytest.fixture
def open_shop(running: Running, url: str) -> Iterator[OpenShop]:
    """Open one page after the other; at its end none may have had an uncaught error."""
    shops: list[Shop] = []
    with ExitStack() as tabs:

        def start() -> Shop:
            shop = Shop(running.engine().open_tab(), url)
            tabs.callback(_closed, shop)
            shops.append(shop)
            return shop

        yield start
        assert [each for shop in shops if not shop.is_closed for each in shop.failures()] == []


@pytest.fixture
def shop(open_shop: OpenShop) -> Shop:
    return open_shop().open()


def _closed(shop: Shop) -> None:
    # A browser that has ended, which each driver words in its own way, has failed its test already.
    with contextlib.suppress(Exception):
        if not shop.is_closed:
            shop.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Iterator[None]:
    report = yield
    feature = item.get_closest_marker("feature")
    if feature and isinstance(item, pytest.Function) and (call.when == "call" or report.failed):
        chosen = item.callspec.params["kind"]
        SEEN.add(chosen, feature.args[0], report.passed)
    return report


def pytest_sessionfinish() -> None:
    if SEEN.versions:
        SEEN.write(RESULTS)
