"""Every contract suite on the browser's own parts: IndexedDB, WebCrypto, fetch, engine, pictures.

The suites run in Python inside a worker, on the host that the runtime worker builds, under the
strict policy; each check is a test of its own here.
"""

import shutil
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from tests.contract import fixtures
from tests.contract.echo import ROUTE
from tests.contract.run_in_pyodide import Fixtures, checks
from web_runtime.serve import BackgroundServer, create_app

from .bundle import bundle_worker
from .conftest import DIST, ROOT

# What the module needs is made in the time of its first test.
pytestmark = pytest.mark.timeout(300)

SUITES = ROOT / "tests" / "contract"
NAMES = [name for name, _, _ in checks(Fixtures({"x": b""}, {"x": b""}, {"x": b""}, "x"))]
START = """(order) => new Promise((resolve) => {
  const worker = new Worker("/contract-worker.js", { type: "module" });
  worker.onmessage = ({ data }) => {
    if (data.running) globalThis.running = data.running;
    else resolve(data);
  };
  worker.onerror = ({ message }) => resolve({ error: message || "the worker did not load" });
  worker.postMessage({ ...order, root: new URL("/edge/", location.href).href });
})"""


# What the suites run on in Pyodide, beside themselves.
PARTS = ("__init__", "lanes", "run_in_pyodide")


def write_site(folder: Path) -> list[dict[str, str]]:
    """Fill ``folder`` with page, worker, suites and fixtures; return what the worker copies."""
    fixtures.write_all(folder)
    bundle_worker(SUITES / "contract-worker.js", folder)
    (folder / "index.html").write_text("<!doctype html><title>contract</title>")
    (folder / "suites").mkdir()
    for suite in (*SUITES.glob("*_suite.py"), *(SUITES / f"{name}.py" for name in PARTS)):
        shutil.copy(suite, folder / "suites")
    kinds = ("suites", "files", "models", "pictures")
    return [
        {"kind": kind, "name": path.name} for kind in kinds for path in (folder / kind).iterdir()
    ]


@pytest.fixture(scope="module", params=[False, True], ids=["shared", "isolated"])
def outcome(
    request: pytest.FixtureRequest, browser: Browser, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Run all suites once in a page; gives how Python booted, and the checks by name."""
    folder = tmp_path_factory.mktemp("contract")
    served = write_site(folder)
    app = create_app(folder, DIST, isolated=request.param)
    app.router.routes.insert(0, ROUTE)
    with BackgroundServer(app) as server, browser.new_context() as context:
        context.add_cookies([{"name": "user", "value": "7", "url": server.url}])
        page = context.new_page()
        page.goto(server.url)
        found = page.evaluate(START, {"served": served})
    assert "error" not in found, found["error"]
    return {**found, "checks": {check["name"]: check for check in found["checks"]}}


def test_every_suite_ran_on_the_built_snapshot(outcome: dict[str, Any]) -> None:
    assert outcome["mode"] == "snapshot"
    assert list(outcome["checks"]) == NAMES
    assert len({name.partition(".")[0] for name in NAMES}) == 11


@pytest.mark.parametrize("name", NAMES)
def test_the_browser_keeps_the_contract(outcome: dict[str, Any], name: str) -> None:
    check = outcome["checks"][name]

    assert check["ok"], check["error"]
