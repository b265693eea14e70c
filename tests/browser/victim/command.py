"""Pages whose workers run Python and command victims: opens them and puts orders to them."""

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page

from tests.browser.bundle import bundle_worker
from tests.browser.conftest import DIST, ROOT
from tests.contract.store_scripts import SCRIPTS, commits, migration
from web_runtime.serve import BackgroundServer, create_app

Blow = dict[str, Any]
Calls = dict[str, list[str]]

NAMES = [script.__name__ for script in (*SCRIPTS, migration)]
SIZE = {"rounds": 2, "events": 20, "piece_bytes": 32 * 1024, "reserve_uses": 16}
HERE = Path(__file__).parent
SERVED = (
    *("tests/__init__.py", "tests/contract/__init__.py", "tests/contract/store_scripts.py"),
    *("tests/browser/__init__.py", "tests/browser/victim/__init__.py"),
    "tests/browser/victim/store_blows.py",
)
TESTING = ("testing/__init__.py", "testing/manual_clock.py")
OLD_STORES = json.loads((ROOT / "tests" / "vectors" / "stores" / "schema-1.json").read_text())
BEGIN = """(files) => {
  window.worker = new Worker("/store-worker.js", { type: "module" });
  window.put = (order) => (window.answered = new Promise((resolve) => {
    worker.onmessage = ({ data }) => resolve(data);
    worker.onerror = ({ message }) => resolve({ error: message || "the worker did not load" });
    worker.postMessage({ root: new URL("/edge/", location.href).href, files, order });
  }));
  put(undefined);
}"""


class Commander:
    """A page and the worker in it; orders are put first and answered later."""

    def __init__(self, page: Page, url: str, files: list[str]) -> None:
        self._page = page
        page.goto(url)
        page.evaluate(BEGIN, files)

    def put(self, order: dict[str, Any]) -> None:
        """Begin with an order, once the one before is done."""
        self._page.evaluate(
            "(order) => void (window.next = answered.then(() => put(order)))",
            {"size": SIZE, "old": OLD_STORES["sealed-events"], **order},
        )

    def answer(self) -> Any:
        """Return the answer to the last order."""
        found = self._page.evaluate("() => next")
        assert "error" not in found, found["error"]
        return found["answer"]


@contextmanager
def commanders(browser: Browser, folder: Path, count: int) -> Iterator[list[Commander]]:
    """Open pages, each in a profile and a process of its own."""
    files = _write_site(folder)
    with ExitStack() as ends:
        url = ends.enter_context(BackgroundServer(create_app(folder, DIST))).url
        pages = [ends.enter_context(browser.new_context()).new_page() for _ in range(count)]
        yield [Commander(page, url, files) for page in pages]


def counted(pages: list[Commander]) -> Calls:
    """Return what each script asks of storage and keys, in order."""
    for number, each in enumerate(pages):
        each.put({"count": NAMES[number :: len(pages)]})
    return {name: found for each in pages for name, found in each.answer().items()}


def own_calls(calls: Calls, name: str) -> list[int]:
    """Return the calls of a script behind the first start, which most have in common."""
    first_start = calls[name].index("crypto.writeNote") + 1
    is_alike = name not in {commits.__name__, migration.__name__}
    return list(range(first_start if is_alike else 0, len(calls[name])))


def strike(pages: list[Commander], blows: list[Blow]) -> None:
    """Let all blows fall, spread over the pages; nothing may be lost or torn."""
    for number, each in enumerate(pages):
        each.put({"blows": blows[number :: len(pages)]})
    answers = [each.answer() for each in pages]
    failures = [failure for answer in answers for failure in answer["failures"]]
    assert not failures, f"{len(failures)} of {len(blows)}, the first:\n{failures[0]}"
    assert [answer["missed"] for answer in answers] == [[]] * len(pages)


def _write_site(folder: Path) -> list[str]:
    bundle_worker(HERE / "store-worker.js", folder)
    bundle_worker(HERE / "victim-worker.js", folder)
    (folder / "index.html").write_text("<!doctype html><title>victims</title>")
    sources = {name: ROOT / name for name in SERVED}
    sources |= {f"edge_runtime/{name}": ROOT / "py" / "edge_runtime" / name for name in TESTING}
    for name, source in sources.items():
        target = folder / "served" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(source, target)
    return list(sources)
