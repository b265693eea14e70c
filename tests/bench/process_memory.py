"""What a page's process takes, as the operating system counts it."""

from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page

KIB: Final = 2**10


def renderer_bytes(browser: Browser, page: Page) -> int:
    """Return the proportional set size of the largest renderer, its workers included.

    The page's garbage is collected first. 0 where the system does not tell.

    Args:
        browser: Without other pages.
        page: Its only one.
    """
    session = page.context.new_cdp_session(page)
    session.send("HeapProfiler.collectGarbage")
    session.detach()
    whole = browser.new_browser_cdp_session()
    found = whole.send("SystemInfo.getProcessInfo")["processInfo"]
    whole.detach()
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
