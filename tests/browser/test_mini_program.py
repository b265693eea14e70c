"""The demo's mini-program on its vendor's component framework, with the vendor's page script."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Frame, Page

from .conftest import DEMO_DIST, DIST, ROOT, Serve

UA = (
    "Mozilla/5.0 (Linux; Android 14) AppleWebKit/537.36 (KHTML, like Gecko) Version/4.0 "
    "Chrome/134.0.6998.136 Mobile Safari/537.36 XWEB/1340095 MicroMessenger/8.0.57 miniProgram"
)
HERE = Path(__file__).parent / "mini_program"
VENDOR = (ROOT / "node_modules" / "weixin-js-sdk" / "index.js").read_text()
# The app's bridge comes after the page's own scripts, as it may in the app.
BRIDGE = """
  window.__wxjs_environment = "miniprogram";
  addEventListener("DOMContentLoaded", () => {
    window.WeixinJSBridge = {
      on() {},
      invoke(name, request, done) {
        if (name === "invokeMiniProgramAPI") parent.postMessage(request, "*");
        done?.({ err_msg: `${name}:ok` });
      },
    };
    document.dispatchEvent(new Event("WeixinJSBridgeReady"));
  });
"""
IN_WEB_VIEW = f"""if (window !== top) {{
  {BRIDGE}
  const module = {{}};
  {VENDOR}
  window.wx = module.exports;
  // As a router does that is loaded behind the bridge.
  window.routed = [];
  addEventListener("DOMContentLoaded", () => {{
    for (const name of ["popstate", "hashchange"])
      addEventListener(name, () => routed.push(`${{name}} ${{location.hash}}`));
  }});
}}"""
HOST = '<!doctype html><meta charset="utf-8"><body><script src="/host.js"></script></body>'


@pytest.fixture(scope="module")
def host_script() -> bytes:
    """Return the mini-program compiled for the browser, with the receiver of the built runtime."""
    receiver = DIST / "miniprogram" / "receiver.js"
    parts = (HERE / "bundle.mjs", ROOT / "demo_h5" / "miniprogram", receiver)
    command = ["node", *map(str, parts)]
    return subprocess.run(command, capture_output=True, check=True).stdout


@pytest.fixture
def app(browser: Browser, serve: Serve, host_script: bytes) -> Iterator[Page]:
    """Open the app on its first page; the web-view will show the demo shop."""
    context = browser.new_context(user_agent=UA, viewport={"width": 390, "height": 844})
    context.add_init_script(IN_WEB_VIEW)
    page = context.new_page()
    url = serve(DEMO_DIST)
    page.route("**/host.html", lambda route: route.fulfill(body=HOST, content_type="text/html"))
    page.route(
        "**/host.js", lambda route: route.fulfill(body=host_script, content_type="text/javascript")
    )
    page.goto(f"{url}/host.html")
    page.evaluate("(shop) => launch(shop)", f"{url}/")
    yield page
    context.close()


def open_shop(app: Page) -> Frame:
    """Tap the button, and wait until the shop in the web-view runs tasks."""
    app.get_by_text("进入商城").click()
    app.wait_for_selector("iframe")
    frame = app.frames[-1]
    frame.wait_for_selector("html[data-edge-state=ready]", timeout=60_000)
    return frame


def until_posted(app: Page, *types: str) -> None:
    """Wait until the app was handed messages of these types; it has not delivered them."""
    app.wait_for_function(
        "(types) => types.every((type) => postedTypes().includes(type))", arg=types, timeout=60_000
    )


def rows(app: Page) -> list[str]:
    shown: list[str] = app.locator(".row .name").all_inner_texts()
    return shown


def messages(app: Page) -> list[dict[str, Any]]:
    plain: list[dict[str, Any]] = app.evaluate("() => getApp().globalData.messages")
    return plain


def test_what_the_shopper_does_reaches_the_mini_program_when_the_shop_is_left(app: Page) -> None:
    shop = open_shop(app)
    shop.locator("[data-edge-click=item]").first.click()
    until_posted(app, "result", "answer")

    assert messages(app) == []
    app.evaluate("() => share()")
    shared = messages(app)
    app.evaluate("() => tapBack()")

    answer = next(each["body"] for each in shared if each["type"] == "answer")
    assert sorted(answer["result"]["value"]["order"]) == [1, 2, 3]
    assert "RankFeed · answer" in rows(app)
    assert "RankFeed · result" in rows(app)
    # The app brings all messages again at each occasion.
    assert len({each["id"] for each in messages(app)}) == len(messages(app)) >= len(shared)


def test_a_command_in_the_address_is_seen_by_nobody_but_the_bridge(app: Page) -> None:
    shop = open_shop(app)
    until_posted(app, "answer")

    assert shop.evaluate("() => [location.hash, routed]") == ["", []]
    assert app.evaluate("() => webViewLoads()") == 1


def test_a_shop_that_is_left_in_the_middle_harms_nothing_and_opens_again(app: Page) -> None:
    failures: list[str] = []
    app.on("pageerror", lambda error: failures.append(str(error)))
    app.get_by_text("进入商城").click()
    app.wait_for_selector("iframe")
    app.evaluate("() => tapBack()")
    assert rows(app) == []

    open_shop(app)
    until_posted(app, "answer")
    app.evaluate("() => tapBack()")

    assert "RankFeed · answer" in rows(app)
    assert failures == []
