"""What the script leaves on a page of any engine, and what it does where it cannot work."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.conftest import DIST
from tests.browser.inference_stage import PrefixedWorker
from web_runtime.serve import BackgroundServer, create_app

from .conftest import OpenShop
from .shop import Shop

REMEMBER = """async () => {
  window.before = [...Reflect.ownKeys(window), "before", "changed"];
  const { pushState, replaceState } = history;
  window.changed = () => [
    ...Reflect.ownKeys(window).filter((key) => !before.includes(key)),
    ...(history.pushState === pushState ? [] : ["pushState"]),
    ...(history.replaceState === replaceState ? [] : ["replaceState"]),
  ];
  const script = document.createElement("script");
  script.src = "/edge/edge.js";
  const loaded = new Promise((ok, fail) => Object.assign(script, { onload: ok, onerror: fail }));
  document.head.append(script);
  await loaded;
}"""
USE = """async () => {
  await EdgeAI.start({ config: "/config.json" });
  history.pushState({}, "", "/other");
  const params = { systemCode: "test-shop", businessCode: "echo", extData: { a: 1 } };
  const { value } = await EdgeAI.infer(params);
  const running = changed();
  await EdgeAI.stop();
  return { value: value.ext.a, running, stopped: changed() };
}"""


@pytest.mark.feature("stop")
def test_stop_leaves_one_name_and_it_starts_again(shop: Shop) -> None:
    shop.open("/bare.html")
    shop.evaluate(REMEMBER)

    lives = [shop.evaluate(USE), shop.evaluate(USE)]

    # The page's recorder made the name before the script came.
    assert lives == [{"value": 1, "running": ["pushState", "replaceState"], "stopped": []}] * 2


@pytest.fixture
def no_wasm(site: Path) -> Iterator[str]:
    """The shop, whose runtime worker finds no WebAssembly."""
    (script,) = DIST.glob("runtime-worker.*.js")
    app = PrefixedWorker(create_app(site, DIST), script, "delete self.WebAssembly;")
    with BackgroundServer(app) as server:
        yield server.url


def check_refusal(shop: Shop, feature: str) -> None:
    shop.tab.click("#buy")

    told = shop.until("status", state="unsupported")

    assert told["error"]["code"] == "feature-missing"
    assert told["reason"].startswith(f"{feature}: expected"), told
    for refused in (shop.infer("echo"), shop.call("flush"), shop.call("get", "a")):
        assert refused["error"]["code"] == "feature-missing" and refused["error"]["isEdgeError"]


@pytest.mark.feature("unsupported")
def test_without_workers_it_says_so_and_refuses(shop: Shop) -> None:
    check_refusal(shop.open("/lacking.html"), "Worker")


@pytest.mark.feature("unsupported")
def test_without_webassembly_it_says_so_and_refuses(open_shop: OpenShop, no_wasm: str) -> None:
    shop = open_shop()
    shop.url = no_wasm

    check_refusal(shop.open(), "WebAssembly")
