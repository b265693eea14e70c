"""Model files and tensors as pages meet them: without TLS, in two tabs, offline, of every dtype."""

from pathlib import Path
from typing import Any

from playwright.sync_api import BrowserContext, BrowserType, Page
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route

from web_runtime.browser import launch_options
from web_runtime.serve import BackgroundServer, create_app

from ..contract.tensor_models import tensor_models
from .conftest import DIST, Serve
from .edge_page import EdgePage
from .inference_stage import PrefixedWorker
from .lanes import matmul
from .site import SYSTEM
from .test_model_variants import HALVES, ONES, entry, feed, opened, site_with

ORDER = {
    "systemCode": SYSTEM,
    "businessCode": "feed",
    "extData": {"model": "m", "feeds": {"x": ONES}},
}
VALUES: dict[str, list[Any]] = {
    "bool": [True, False] * 3,
    "float16": [0.5, -2.0, 65504.0, 0.0, 1.0, 2.0],
    "int64": [-(2**53) + 1, 2**53 - 1, 0, 1, 2, 3],
    "string": ["a", "", "\U0001f600é", "中", "\ufeffx", "z\n"],
}
BEGIN = "(order) => { window.running = settle(EdgeAI.infer(order)); }"


def write(folder: Path, data: bytes) -> Path:
    """Write a site whose model ``m`` is ``data``."""
    (folder / "m.onnx").write_bytes(data)
    models = {"m": {"variants": [entry(folder, "m.onnx")]}}
    return site_with(folder / "site", models, {"m.onnx": data})


def kept(edge: EdgePage) -> dict[str, Any]:
    found: dict[str, Any] = edge.call("statistics")["ok"]["modelFiles"]
    return found


def test_a_page_without_tls_runs_models_and_keeps_them(
    serve: Serve, tmp_path: Path, browser_type: BrowserType
) -> None:
    url = serve(write(tmp_path, matmul(1))).replace("127.0.0.1", "shop.example")
    options = launch_options()
    options["args"] = [*options["args"], "--host-resolver-rules=MAP shop.example 127.0.0.1"]
    browser = browser_type.launch(**options)
    edge = EdgePage(browser.new_page(), url).open()
    edge.ready()

    assert edge.page.evaluate("[isSecureContext, 'subtle' in crypto]") == [False, False]
    assert feed(edge, "m", x=ONES) == HALVES
    edge.open().ready()
    assert feed(edge, "m", x=ONES) == HALVES
    assert (kept(edge)["hits"], kept(edge)["misses"]) == (1, 0)
    browser.close()


def test_tabs_share_a_file_that_needs_no_network_then_and_goes_when_it_is_erased(
    serve: Serve, tmp_path: Path, page: Page, context: BrowserContext
) -> None:
    edge = opened(page, serve(write(tmp_path, matmul(1))))
    follower = EdgePage(context.new_page(), edge.url).open()
    assert follower.ready()["role"] == "follower"
    edge.page.evaluate(BEGIN, ORDER)
    follower.page.evaluate(BEGIN, ORDER)
    for each in (edge, follower):
        assert each.page.evaluate("() => running")["ok"]["value"] == HALVES
    assert (kept(edge)["misses"], kept(edge)["files"]) == (1, 1)

    follower.page.close()
    context.route("**/models/*", lambda route: route.abort())
    edge.open().ready()
    assert feed(edge, "m", x=ONES) == HALVES

    assert edge.call("erase") == {"ok": None}
    names = edge.page.evaluate("async () => (await indexedDB.databases()).map((db) => db.name)")
    assert "edge-models" not in names


def test_a_new_file_under_an_old_address_is_not_taken_from_the_browsers_cache(
    tmp_path: Path, page: Page
) -> None:
    served = {"data": matmul(2)}

    async def model(_: Request) -> Response:
        headers = {"cache-control": "public, max-age=86400"}
        return Response(served["data"], headers=headers)

    site = write(tmp_path, matmul(1))
    [script] = DIST.glob("runtime-worker.*.js")
    # Where nothing is kept, the browser's own cache is what helps.
    blocked = "Object.defineProperty(self, 'indexedDB', { value: undefined });"
    app = PrefixedWorker(create_app(site, DIST), script, blocked)
    routes = [Route("/models/m.onnx", model), Mount("/", app)]
    with BackgroundServer(Starlette(routes=routes)) as server:
        edge = opened_without_store(page, server.url)
        error = edge.infer("feed", ORDER["extData"])["error"]
        assert error["code"] == "digest-mismatch"

        served["data"] = matmul(1)
        # As an earlier visit leaves it there.
        page.evaluate("() => fetch('/models/m.onnx')")
        assert feed(edge, "m", x=ONES) == HALVES


def opened_without_store(page: Page, url: str) -> EdgePage:
    edge = EdgePage(page, url).open()
    edge.ready()
    return edge


def test_every_dtype_passes_a_task_as_scalar_as_nothing_and_as_a_cube(
    serve: Serve, tmp_path: Path, page: Page
) -> None:
    files = {name: data for name, data in tensor_models().items() if name.startswith("tensors_")}
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    models = {name: {"variants": [entry(tmp_path, name)]} for name in files}
    edge = opened(page, serve(site_with(tmp_path / "site", models, files)))

    for name in files:
        dtype = name.removeprefix("tensors_")
        six = VALUES.get(dtype, [1, 2, 3, 4, 5, 6])
        fed = {"scalar": [dtype, six[:1], []], "line": [dtype, [], [0]]}
        given = feed(edge, name, **fed, cube=[dtype, six, [1, 2, 3]])
        texts = [str(float(each) if dtype.startswith("float") else each) for each in six]
        assert given == {
            "scalar_out": [dtype, [], texts[:1]],
            "line_out": [dtype, [0], []],
            "cube_out": [dtype, [1, 2, 3], texts],
        }
