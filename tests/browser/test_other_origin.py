"""The runtime's files on another origin than the page: scripts, workers and what those fetch."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from web_runtime.serve import BackgroundServer, Headers, create_app

from .conftest import DIST
from .edge_page import EdgePage
from .site import ECHO, Task, double_model, write_site
from .test_inference import TASK, run_double

TAG = '<script src="/edge/edge.js" data-config="/config.json" async></script>'
CLASSIC = '<script src="{cdn}/edge/edge.js" data-config="/config.json" async></script>'
MODULE = '<script type="module" src="/main.js"></script>'
MAIN = """
import edge from "{cdn}/edge/edge.mjs";
const queued = window.EdgeAI.q;
window.EdgeAI = edge;
for (const [method, ...args] of queued) edge[method](...args);
edge.start({{ config: "/config.json" }}).catch(() => {{}});
"""
POLICY = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval' {cdn}{script}; "
    "worker-src {worker}; connect-src 'self'{connect}; object-src 'none'; base-uri 'none'; "
    "require-trusted-types-for 'script'; trusted-types edge-web-runtime"
)

Open = Callable[..., EdgePage]


def policy(cdn: str, *, script: str = "", worker: str = "blob:", connect: str | None = None) -> str:
    """Return what a page must allow, unless told otherwise."""
    return POLICY.format(
        cdn=cdn, script=script, worker=worker, connect=f" {cdn}" if connect is None else connect
    )


def without_cors(app: Any) -> Any:
    """Return the server that pages of other origins may embed, but not read."""

    async def answer(scope: Any, receive: Any, send: Any) -> None:
        async def stripped(message: Any) -> None:
            told = message.get("headers", [])
            kept = [each for each in told if each[0] != b"access-control-allow-origin"]
            await send({**message, "headers": kept} if told else message)

        await app(scope, receive, stripped)

    return answer


@pytest.fixture
def open_page(tmp_path: Path, page: Page) -> Iterator[Open]:
    """Open the site whose runtime is on another port; keywords change the policy."""
    with ExitStack() as servers:

        def start(
            tag: str = CLASSIC, *, shared: bool = True, isolated: bool = False, **allowed: str
        ) -> EdgePage:
            nothing = tmp_path / "nothing"
            nothing.mkdir()
            assets: Any = create_app(nothing, DIST, csp="off", shared=True)
            assets = assets if shared else without_cors(assets)
            cdn = servers.enter_context(BackgroundServer(assets)).url
            site = write_site(
                tmp_path / "site",
                tasks=[Task("Echo", "echo", ECHO), TASK],
                models={"double": double_model()},
                config={"vms": 1},
            )
            index = site / "index.html"
            index.write_text(index.read_text().replace(TAG, tag.format(cdn=cdn)))
            (site / "main.js").write_text(MAIN.format(cdn=cdn))
            app = create_app(site, nothing, csp="off", isolated=isolated)
            headers = {"content-security-policy": policy(cdn, **allowed)}
            url = servers.enter_context(BackgroundServer(Headers(app, headers))).url
            return EdgePage(page, url).open()

        yield start


@pytest.mark.parametrize("tag", [CLASSIC, MODULE], ids=["classic", "module"])
def test_all_workers_start_under_a_strict_policy(open_page: Open, tag: str) -> None:
    edge = open_page(tag)

    assert edge.ready()["boot"]["mode"] == "snapshot"
    assert edge.value("echo", {"a": 1})["ext"] == {"a": 1}
    value, backend = run_double(edge)

    assert value == [2, -5, 0] and backend["name"] == "wasm"
    vms = edge.call("statistics")["ok"]["vms"]
    assert vms["mode"] == "workers" and vms["ready"] >= 1, vms
    assert edge.failures == []


def test_an_isolated_page_has_threads_where_its_policy_allows_their_script(
    open_page: Open,
) -> None:
    edge = open_page(isolated=True, script=" blob:")
    edge.ready()

    value, backend = run_double(edge)

    cores: int = edge.page.evaluate("() => navigator.hardwareConcurrency")
    assert value == [2, -5, 0]
    assert backend["threads"] == min(4, (cores + 1) // 2)


@pytest.mark.parametrize(
    ("setting", "named"),
    [
        ({"worker": "'self'"}, ["blob: in worker-src", "runtime-worker"]),
        ({"shared": False}, ["Access-Control-Allow-Origin", "runtime-worker"]),
        ({"connect": ""}, ["connect-src", "pyodide.asm.wasm"]),
    ],
    ids=["worker-src", "no-cors", "connect-src"],
)
def test_what_is_not_allowed_is_said_and_the_page_lives(
    open_page: Open, setting: dict[str, Any], named: list[str]
) -> None:
    edge = open_page(**setting)
    edge.page.click("#buy")

    failed = edge.until("status", state="failed")

    assert failed["error"]["code"] == "boot-failed", failed
    assert [text for text in named if text not in failed["error"]["message"]] == [], failed
    assert edge.infer("echo")["error"]["code"] == "boot-failed"
    assert edge.failures == []
