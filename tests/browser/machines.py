"""A page with VMs alone: no core between a test and what happens inside."""

from pathlib import Path
from typing import Any

from playwright.sync_api import Page

from .bundle import bundle_worker

ROOT = Path(__file__).parents[2]
MEMORY_BYTES = 512 * 1024 * 1024
ANSWER_MS = 30_000


def write_machines_site(folder: Path) -> Path:
    """Fill ``folder`` with the page and the worker whose guest runs the Python it is sent."""
    folder.mkdir(parents=True)
    for name in ("machine-worker.js", "machines-page.js"):
        bundle_worker(ROOT / "tests" / "browser" / name, folder)
    (folder / "index.html").write_text(
        '<!doctype html><meta http-equiv="Content-Security-Policy" content="'
        "require-trusted-types-for 'script'; trusted-types edge-web-runtime"
        '"><title>VMs</title><script type="module" src="machines-page.js"></script>'
    )
    return folder


class Vm:
    """One VM of the page; ``url`` is its worker's script.

    Raises:
        AssertionError: It did not start.
    """

    def __init__(
        self, page: Page, url: str = "/machine-worker.js", memory_bytes: int = MEMORY_BYTES
    ) -> None:
        self.page = page
        started = page.evaluate(
            "(order) => startMachine(order)", {"url": url, "memoryBytes": memory_bytes}
        )
        assert "error" not in started, started
        self._id = started["id"]

    def post(self, text: str, buffers: tuple[bytes, ...] = ()) -> None:
        """Send a message."""
        parts = [list(each) for each in buffers]
        self.page.evaluate("([id, text, parts]) => post(id, text, parts)", [self._id, text, parts])

    def post_file(self, text: str, url: str) -> None:
        """Send a message with a file of the site."""
        self.page.evaluate("([id, text, url]) => postFile(id, text, url)", [self._id, text, url])

    def next(self) -> Any:
        """Return the next message as ``json`` and ``buffers``, or why it ``ended``."""
        self.page.set_default_timeout(ANSWER_MS)
        return self.page.evaluate("(id) => next(id)", self._id)

    def run(self, source: str, buffers: tuple[bytes, ...] = ()) -> Any:
        """Run Python that leaves plain data in ``value``; return that, or ``error`` as text."""
        self.post(source, buffers)
        said = self.next()
        return said["json"] if "json" in said else said

    def kill(self) -> None:
        """End it."""
        self.page.evaluate("(id) => kill(id)", self._id)

    def endings(self) -> list[str]:
        """Return the reasons that were told of its end."""
        reasons: list[str] = self.page.evaluate("(id) => endings(id)", self._id)
        return reasons


def open_machines(page: Page, url: str) -> None:
    """Open the page of :func:`write_machines_site`."""
    page.goto(url)
    page.wait_for_function("globalThis.isLoaded")
