"""The workers of a page: as the browser lists them, and as the driver reaches into one."""

from collections import Counter
from typing import Final

from playwright.sync_api import Page, Worker

PATIENCE_LOOKS: Final = 1_500
PAUSE: Final = "() => new Promise((ok) => setTimeout(ok, 20))"


def running(page: Page) -> Counter[str]:
    """Count, by name, the workers that the browser has in the page's context.

    The driver's own list lacks one that has only just begun, and may keep one whose parent ended.
    """
    browser = page.context.browser
    assert browser
    page_session, session = page.context.new_cdp_session(page), browser.new_browser_cdp_session()
    try:
        context = page_session.send("Target.getTargetInfo")["targetInfo"]["browserContextId"]
        told = session.send("Target.getTargets", {"filter": [{"type": "worker"}]})["targetInfos"]
    finally:
        page_session.detach()
        session.detach()
    urls = [each["url"] for each in told if each["browserContextId"] == context]
    return Counter(url.rpartition("/")[2].partition(".")[0] for url in urls)


def running_at_last(page: Page, expected: int, *names: str) -> Counter[str]:
    """Return what is running, or of it the named, once that is as many or does not become so.

    A browser takes its time with a worker that is terminated.
    """
    for _ in range(PATIENCE_LOOKS):
        found = running(page)
        if names:
            found = Counter({name: found[name] for name in names if found[name]})
        if found.total() == expected:
            break
        page.evaluate(PAUSE)
    return found


def worker_of(page: Page, script: str = "runtime-worker") -> Worker:
    """Return the page's newest worker of this script, or the next one where it has none."""

    def is_wanted(worker: Worker) -> bool:
        return f"/{script}." in worker.url

    found = next(filter(is_wanted, reversed(page.workers)), None)
    return found or page.wait_for_event("worker", is_wanted)
