"""Fixtures of the browser tests: servers that end with the test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from web_runtime.browser import launch_options
from web_runtime.serve import BackgroundServer, create_app

ROOT = Path(__file__).parents[2]
DIST = ROOT / "web_runtime" / "dist"
DEMO_DIST = ROOT / "demo_h5" / "dist"


class Serve(Protocol):
    """Serves a folder until the test ends and returns its origin."""

    def __call__(self, site: Path, *, isolated: bool = False, csp: str = "strict") -> str: ...


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
