"""Engines that lack something: what the runtime cannot be without, and what it goes on without."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserType, Page

from web_runtime.browser import launch_options

from .conftest import Serve
from .edge_page import EdgePage
from .site import with_prefix, write_site
from .workers import running_at_last

HOST = "shop.test"
# As engines that know no module workers: they do not look at the type.
CLASSIC = """
const Native = window.Worker;
window.Worker = function (url) { return new Native(url); };
"""
LACKING = [
    ("workers", "delete window.Worker", "", "Worker"),
    ("module workers", CLASSIC, "", "module workers"),
    ("WebAssembly", "delete window.WebAssembly", "delete self.WebAssembly;", "WebAssembly"),
    ("SIMD", "", "WebAssembly.validate = () => false;", "WebAssembly SIMD"),
]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site(tmp_path / "site")


@pytest.fixture
def insecure_page(browser_type: BrowserType, serve: Serve, site: Path) -> Iterator[EdgePage]:
    """A page without https, of another host than the browser's own machine."""
    options = launch_options()
    options["args"] = [*options["args"], f"--host-resolver-rules=MAP {HOST} 127.0.0.1"]
    browser = browser_type.launch(**options)
    yield EdgePage(browser.new_page(), serve(site).replace("127.0.0.1", HOST))
    browser.close()


def listeners(page: Page, target: str) -> list[str]:
    """Return what is listened to on the page's ``window`` or ``document``."""
    session = page.context.new_cdp_session(page)
    found = session.send("Runtime.evaluate", {"expression": target})
    told = session.send("DOMDebugger.getEventListeners", {"objectId": found["result"]["objectId"]})
    return [each["type"] for each in told["listeners"]]


@pytest.mark.parametrize(
    ("in_page", "in_worker", "feature"),
    [row[1:] for row in LACKING],
    ids=[row[0] for row in LACKING],
)
def test_without_what_it_needs_it_says_so_and_leaves_the_page_alone(
    serve: Serve, site: Path, page: Page, in_page: str, in_worker: str, feature: str
) -> None:
    if in_page:
        page.add_init_script(in_page)
    if in_worker:
        page.route("**/runtime-worker.*.js", with_prefix(in_worker))
    edge = EdgePage(page, serve(site)).open()
    page.click("#buy")

    told = edge.until("status", state="unsupported")

    assert told["reason"].startswith(f"{feature}: expected"), told
    assert told["error"]["code"] == "feature-missing"
    page.click("#other")
    for call in (edge.infer("echo"), edge.call("flush"), edge.call("get", "a")):
        assert call["error"]["code"] == "feature-missing" and call["error"]["isEdgeError"], call
    assert (
        page.evaluate(
            """() => new Promise((onError) => EdgeAI.router.to("JDEdgeAI", "infer")
          .putString("systemCode", "s").putString("businessCode", "b")
          .callBackListener({ onError }).jump())"""
        )
        == 3005
    )
    assert page.evaluate("() => Object.keys(history).length") == 0
    assert listeners(page, "window") == [] and listeners(page, "document") == []
    assert running_at_last(page, 0) == {} and edge.failures == []


def in_memory(edge: EdgePage) -> dict[str, Any]:
    """Check that all but keeping works, and return the status of the boot."""
    status = edge.ready()
    assert edge.value("echo", {"a": 1})["ext"] == {"a": 1}
    assert edge.call("put", "a", 1)["error"]["code"] == "store-unavailable"
    assert edge.call("statistics")["ok"]["store"]["mode"] == "memory-only"
    assert edge.failures == []
    return status


def test_without_indexeddb_it_keeps_everything_in_memory(
    serve: Serve, site: Path, page: Page
) -> None:
    gone = "Object.defineProperty(self, 'indexedDB', { value: undefined });"
    page.route("**/runtime-worker.*.js", with_prefix(gone))
    edge = EdgePage(page, serve(site)).open()

    (problem,) = in_memory(edge)["problems"]

    assert problem["code"] in {"storage-failed", "feature-missing"}, problem


def test_without_https_there_is_no_crypto_and_it_keeps_everything_in_memory(
    insecure_page: EdgePage,
) -> None:
    edge = insecure_page.open()
    assert not edge.page.evaluate("() => isSecureContext || crypto.subtle")

    problems = in_memory(edge)["problems"]

    assert "feature-missing" in {problem["code"] for problem in problems}, problems
