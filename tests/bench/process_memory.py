"""What a page's process takes, as the operating system counts it."""

from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, Page

from web_runtime.browser import launch_options

KIB: Final = 2**10
COLLECT: Final = "() => { for (let i = 0; i < 3; i++) gc(); }"
SETTLE_MS: Final = 1_500
PRESSES: Final = 3


def launch_collectable(browser: Browser, **offered: bool) -> Browser:
    """Start another browser like ``browser`` whose pages and workers can collect their garbage.

    Args:
        browser: Whose kind.
        offered: As :func:`launch_options`.
    """
    options: dict[str, Any] = launch_options(**offered)
    args = [*options.pop("args"), "--js-flags=--expose-gc"]
    return browser.browser_type.launch(args=args, **options)


def renderer_bytes(browser: Browser, page: Page) -> int:
    """Return the proportional set size of the largest renderer after it collected its garbage.

    0 where the system does not tell.

    Args:
        browser: Of :func:`launch_collectable`, without other pages.
        page: Its only one; its workers count, too.
    """
    for realm in (page, *page.workers):
        realm.evaluate(COLLECT)
    return _largest_bytes(browser, page)


def pressed_renderer_bytes(browser: Browser, page: Page) -> int:
    """Return what :func:`renderer_bytes` does, for a browser that does not offer ``gc``.

    A realm cannot give ``gc`` away, so no VM starts beside it: the garbage goes under pressure.
    """
    session = page.context.new_cdp_session(page)
    for _ in range(PRESSES):
        session.send("Memory.simulatePressureNotification", {"level": "critical"})
    session.detach()
    return _largest_bytes(browser, page)


def _largest_bytes(browser: Browser, page: Page) -> int:
    page.wait_for_timeout(SETTLE_MS)
    session = browser.new_browser_cdp_session()
    found = session.send("SystemInfo.getProcessInfo")["processInfo"]
    session.detach()
    renderers = [int(each["id"]) for each in found if each["type"] == "renderer"]
    return max(map(_pss_bytes, renderers), default=0)


def _pss_bytes(pid: int) -> int:
    rollup = Path(f"/proc/{pid}/smaps_rollup")
    if not rollup.exists():
        return 0
    for line in rollup.read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "Pss":
            return int(value.split()[0]) * KIB
    return 0
