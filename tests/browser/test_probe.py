"""The probe in a worker of a real browser: what that offers, and what its policy allows."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.pure.candidates import candidates
from edge_runtime.pure.device import DeviceFacts
from playwright.sync_api import Browser, BrowserType

from web_runtime.browser import launch_options

from .bundle import bundle_worker
from .conftest import Serve

PROBE = """() => new Promise((resolve) => {
  const worker = new Worker("/probe-worker.js", { type: "module" });
  worker.onmessage = ({ data }) => resolve({ facts: data, cores: navigator.hardwareConcurrency });
  worker.onerror = ({ message }) => resolve({ error: message || "the worker did not load" });
  worker.postMessage("probe");
})"""
NOT_OFFERED = {"reason": "this browser or page does not offer it"}
IN_ITS_PLACE = {"reason": "the browser gave the CPU's in its place"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("probe")
    bundle_worker(Path(__file__).parent / "probe-worker.js", folder)
    (folder / "index.html").write_text("<!doctype html><title>probe</title>")
    return folder


@pytest.fixture(scope="module")
def accelerated(browser_type: BrowserType) -> Iterator[Browser]:
    browser = browser_type.launch(**launch_options(webgpu=True, webnn=True))
    yield browser
    browser.close()


def probed(browser: Browser, url: str) -> dict[str, Any]:
    """Return the facts that a worker of a page of ``url`` finds."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url)
        told = page.evaluate(PROBE)
    assert "error" not in told, told
    facts: dict[str, Any] = told["facts"]
    assert facts["cores"] == told["cores"]
    return facts


def offered(facts: dict[str, Any]) -> set[str]:
    return {it.key for it in candidates(DeviceFacts.from_plain(facts)).candidates}


def test_a_plain_browser_offers_wasm(serve: Serve, site: Path, browser: Browser) -> None:
    facts = probed(browser, serve(site, csp="off"))

    assert facts["engine"] == "blink"
    assert facts["browserVersion"].startswith(browser.version.rpartition(".")[0])
    assert facts["simd"] and facts["relaxedSimd"] and facts["jspi"]
    assert facts["memoryGb"] >= 0.25
    assert not facts["mobile"] and not facts["isolated"] and not facts["evalAllowed"]
    assert facts["webgpu"] == {"reason": "no adapter on this device"}
    assert facts["webnn"] == NOT_OFFERED
    assert offered(facts) == {"wasm"}


def test_accelerators_are_told_for_what_they_are(
    serve: Serve, site: Path, accelerated: Browser
) -> None:
    facts = probed(accelerated, serve(site, csp="off"))

    webgpu = facts["webgpu"]
    assert (webgpu["vendor"], webgpu["architecture"]) == ("google", "swiftshader")
    assert webgpu["fallback"]
    assert "core-features-and-limits" in webgpu["features"]
    assert webgpu["maxBufferBytes"] >= webgpu["maxStorageBytes"] >= 2**27
    assert facts["webnn"]["devices"] == {"cpu": {}, "gpu": IN_ITS_PLACE, "npu": IN_ITS_PLACE}
    assert facts["evalAllowed"]
    assert offered(facts) == {"wasm", "webnn-cpu"}


def test_a_strict_policy_keeps_webnn_away(serve: Serve, site: Path, accelerated: Browser) -> None:
    facts = probed(accelerated, serve(site, csp="strict"))

    assert facts["webnn"]["devices"]["cpu"] == {}
    assert not facts["evalAllowed"]
    assert facts["simd"]
    assert offered(facts) == {"wasm"}


def test_an_isolated_page_is_told(serve: Serve, site: Path, accelerated: Browser) -> None:
    facts = probed(accelerated, serve(site, isolated=True))

    assert facts["isolated"]


def test_probing_leaves_no_report_of_the_policy_where_webnn_is_not(
    serve: Serve, site: Path, browser: Browser
) -> None:
    url = serve(site, csp="strict")
    reports: list[str] = []
    with browser.new_context() as context:
        page = context.new_page()
        page.on("console", lambda message: reports.append(message.text))
        page.goto(url)
        page.evaluate(PROBE)

    assert reports == []


def test_probing_again_and_again_holds_on_to_nothing(
    serve: Serve, site: Path, accelerated: Browser
) -> None:
    url = serve(site, csp="off")

    first, *others = [probed(accelerated, url) for _ in range(4)]

    assert all(facts == first for facts in others)
