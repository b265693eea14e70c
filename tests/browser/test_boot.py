"""Starting: snapshot, cold boot, isolation, and every way a start can fail."""

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from web_runtime.serve import POLICIES, BackgroundServer, Headers, create_app

from .conftest import DIST, Serve
from .edge_page import EdgePage
from .site import write_site


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return write_site(tmp_path / "site")


def test_python_is_restored_from_the_snapshot(serve: Serve, site: Path, page: Page) -> None:
    boot = EdgePage(page, serve(site)).open().ready()["boot"]

    assert boot["mode"] == "snapshot", boot
    assert boot["totalMs"] > 0
    assert {"assets", "python", "core"} <= set(boot["stepsMs"])


def test_a_broken_snapshot_means_a_cold_boot_that_says_why(
    serve: Serve, site: Path, page: Page
) -> None:
    page.route("**/snapshot.*", lambda route: route.fulfill(status=200, body=b"no snapshot"))
    edge = EdgePage(page, serve(site)).open()

    boot = edge.ready()["boot"]

    assert boot["mode"] == "cold"
    assert boot["coldReason"]
    assert edge.value("echo", {"a": 1})["ext"] == {"a": 1}


@pytest.mark.parametrize("isolated", [False, True], ids=["shared", "isolated"])
def test_the_whole_path_works_with_and_without_isolation(
    serve: Serve, site: Path, page: Page, isolated: bool
) -> None:
    edge = EdgePage(page, serve(site, isolated=isolated)).open()

    boot = edge.ready()["boot"]

    assert boot["crossOriginIsolated"] is isolated
    assert edge.value("echo", {"a": [1, None, "二"]})["ext"] == {"a": [1, None, "二"]}
    assert edge.failures == []


def test_a_missing_worker_script_ends_in_failed_and_the_page_lives(
    serve: Serve, site: Path, page: Page
) -> None:
    page.route("**/runtime-worker.*.js", lambda route: route.fulfill(status=404))
    edge = EdgePage(page, serve(site)).open()
    edge.page.click("#buy")

    failed = edge.until("status", state="failed")

    assert failed["error"]["code"] == "boot-failed"
    assert "runtime-worker" in failed["error"]["message"]
    assert edge.infer("echo")["error"]["code"] == "boot-failed"
    edge.page.click("#other")
    assert edge.failures == []


def test_wasm_forbidden_by_csp_ends_in_failed(serve: Serve, site: Path, page: Page) -> None:
    edge = EdgePage(page, serve(site, csp="none-wasm")).open()

    failed = edge.until("status", state="failed")

    assert failed["error"]["code"] == "feature-missing"
    assert "wasm-unsafe-eval" in failed["error"]["message"]
    assert edge.infer("echo")["error"]["code"] == "feature-missing"


def test_a_worker_that_never_answers_fails_within_its_deadline(
    serve: Serve, site: Path, page: Page
) -> None:
    silent = {"status": 200, "content_type": "text/javascript", "body": "// says nothing"}
    page.route("**/runtime-worker.*.js", lambda route: route.fulfill(**silent))
    edge = EdgePage(page, serve(site)).open()

    failed = edge.until("status", state="failed")

    assert failed["error"]["code"] == "boot-timeout"


def test_a_missing_asset_is_named(serve: Serve, site: Path, page: Page) -> None:
    page.route("**/pyodide.asm.wasm", lambda route: route.fulfill(status=404))
    edge = EdgePage(page, serve(site)).open()

    failed = edge.until("status", state="failed")

    assert failed["error"]["code"] in {"boot-failed", "boot-timeout"}
    assert failed["error"]["message"]


@pytest.mark.parametrize(
    "answer", [{"status": 404}, {"status": 200, "body": "<html>"}], ids=["missing", "other"]
)
def test_a_missing_library_is_named_although_the_snapshot_runs(
    serve: Serve, site: Path, page: Page, answer: dict[str, Any]
) -> None:
    page.route("**/python_stdlib.zip", lambda route: route.fulfill(**answer))
    edge = EdgePage(page, serve(site)).open()

    failed = edge.until("status", state="failed")

    assert failed["error"]["code"] == "boot-failed"
    assert "python_stdlib.zip" in failed["error"]["message"]


def test_trusted_types_may_be_required(site: Path, page: Page) -> None:
    policy = f"{POLICIES['strict']}; require-trusted-types-for 'script'; {{}}"
    for allowed, state in (("edge-web-runtime", "ready"), ("'none'", "failed")):
        trusted = {"content-security-policy": policy.format(f"trusted-types {allowed}")}
        with BackgroundServer(Headers(create_app(site, DIST, csp="off"), trusted)) as server:
            edge = EdgePage(page, server.url).open()
            status = edge.page.evaluate(
                "() => { EdgeAI.q ? EdgeAI.q.push(['flush']) : EdgeAI.flush();"
                " return untilStarted(); }"
            )
            assert status["state"] == state, status
            assert state == "ready" or "edge-web-runtime" in status["error"]["message"]


def test_calls_and_clicks_from_before_the_start_are_kept(
    serve: Serve, site: Path, page: Page
) -> None:
    edge = EdgePage(page, serve(site)).open()
    edge.page.evaluate(
        "() => EdgeAI.q ? EdgeAI.q.push(['track', {type: 'mta', pageId: 'Early'}])"
        " : EdgeAI.track({type: 'mta', pageId: 'Early'})"
    )
    edge.page.click("#buy")
    edge.ready()

    edge.call("flush")

    assert edge.call("statistics")["ok"]["store"]["events"] >= 3
