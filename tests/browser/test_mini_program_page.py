"""The bridge on a page as apps' web-views show it: user agents, objects, bridges that are late."""

from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from .conftest import Serve

HTML = """<!doctype html><meta charset="utf-8"><script src="/edge/edge-bridge.js"></script>
<script>
  const heard = [];
  const bridge = EdgeBridge.createBridge();
  addEventListener("popstate", () => heard.push("popstate"));
  addEventListener("hashchange", () => heard.push("hashchange"));
</script>"""
ANDROID = "Mozilla/5.0 (Linux; Android 12) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99.0 "
POST = "postMessage: (message) => posted(message), getEnv: (tell) => ENV"


@dataclass(frozen=True)
class Profile:
    """An app's web-view: ``objects`` runs before the page's scripts, ``bridge`` after them."""

    ua: str
    objects: str
    sent: str
    bridge: str = ""


def vendor(path: str, env: str = "tell({ miniprogram: true })") -> str:
    first, *rest = path.split(".")
    inner = f"{{ {POST.replace('ENV', env)} }}"
    for name in reversed(rest):
        inner = f"{{ {name}: {inner} }}"
    return f"window.{first} = {inner};"


JD = ("window.JDJSBridge = {}; ", "document.dispatchEvent(new Event('JDJSBridgeReady'));")
PROFILES = {
    "jd": Profile(ANDROID + "jdmp", vendor("jd.miniProgram"), "on-exit", "".join(JD)),
    "jd, getEnv never answers": Profile(
        ANDROID + "jdmp", vendor("jd.miniProgram", "{}"), "on-exit", "".join(JD)
    ),
    "jd, bridge never comes": Profile(ANDROID + "jdmp", vendor("jd.miniProgram"), "none"),
    "baidu": Profile(
        ANDROID + "swan/2.480.0 baiduboxapp/13.35",
        vendor("swan.webView", "tell({ smartprogram: true })"),
        "on-exit",
    ),
    "douyin": Profile(ANDROID + "ToutiaoMicroApp/2.80.0", vendor("tt.miniProgram"), "on-exit"),
    "alipay": Profile(ANDROID + "AlipayClient/10.5.0 MiniProgram", vendor("my"), "live"),
    "alipay, plain page": Profile(
        ANDROID + "AlipayClient/10.5.0", vendor("my", "tell({ miniprogram: false })"), "none"
    ),
    "a browser": Profile(ANDROID, vendor("wx.miniProgram"), "none"),
}


# What the app was handed, in order; it outlives the page.
TAKE = """window.posted = (message) => {
  const { type } = message.data ?? message;
  localStorage.handed = JSON.stringify([...JSON.parse(localStorage.handed ?? "[]"), type]);
};"""
HANDED = "() => JSON.parse(localStorage.handed ?? '[]')"


def open_page(context: BrowserContext, profile: Profile, url: str) -> Page:
    """Open the page, and let the app's bridge come after the page's own scripts."""
    context.add_init_script(TAKE + profile.objects)
    page = context.new_page()
    page.goto(url)
    page.evaluate(f"() => {{ {profile.bridge} }}")
    page.evaluate("async () => { await bridge.ready; }")
    return page


@pytest.mark.parametrize("name", PROFILES)
def test_what_send_promises_is_what_the_app_has(
    browser: Browser, serve: Serve, tmp_path: Path, name: str
) -> None:
    profile = PROFILES[name]
    (tmp_path / "index.html").write_text(HTML)
    context = browser.new_context(user_agent=profile.ua)
    url = serve(tmp_path, csp="off")
    page = open_page(context, profile, url)

    sent, at_once = page.evaluate(f"() => [bridge.send('result', {{ n: 1 }}), ({HANDED})()]")
    # Not flush(): what waits is handed over because the page is left.
    page.goto(f"{url}/?left")
    handed = page.evaluate(HANDED)
    context.close()

    assert sent == profile.sent
    assert at_once == (["result"] if sent == "live" else [])
    assert handed == ([] if sent == "none" else ["result"])


def listeners(page: Page) -> int:
    """Count the listeners of window and document, as the debugger sees them."""
    debugger = page.context.new_cdp_session(page)
    count = 0
    for expression in ("window", "document"):
        target = debugger.send("Runtime.evaluate", {"expression": expression})["result"]
        found = debugger.send("DOMDebugger.getEventListeners", {"objectId": target["objectId"]})
        count += len(found["listeners"])
    debugger.detach()
    return count


def test_stop_leaves_no_listener_and_an_address_to_its_page(
    browser: Browser, serve: Serve, tmp_path: Path
) -> None:
    profile = PROFILES["jd"]
    made_later = HTML.replace("const bridge =", "let bridge; window.make = () => bridge =")
    (tmp_path / "index.html").write_text(made_later)
    context = browser.new_context(user_agent=profile.ua)
    context.add_init_script(TAKE + profile.objects)
    page = context.new_page()
    page.goto(serve(tmp_path, csp="off"))
    before = listeners(page)
    page.evaluate("async () => { make(); bridge.onCommand(() => {}); await bridge.ready; }")
    during = listeners(page)
    page.evaluate("() => bridge.stop()")

    assert (listeners(page), during > before) == (before, True)
    page.evaluate("() => new Promise((ok) => { onhashchange = ok; location.hash = '#edge=x'; })")
    assert page.evaluate("() => [heard, location.hash]") == [["popstate", "hashchange"], "#edge=x"]
    context.close()
