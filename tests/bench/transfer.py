"""transfer.first_result_bytes: compressed bytes a first visit to the demo shop fetches."""

from pathlib import Path

from playwright.sync_api import Browser

from demo_h5.shopper import wait_until_ready

from .harness import DEMO_DIST, fresh_page, served
from .report import Measure


def measure(browser: Browser, _folder: Path) -> list[Measure]:
    """Open the demo shop with empty caches and count what was sent until the first result."""
    with served(DEMO_DIST) as server, fresh_page(browser) as page:
        page.goto(server.url)
        wait_until_ready(page)
        sent = dict(server.counter.bytes_by_path)
    runtime = {path: count for path, count in sent.items() if path.startswith("/edge/")}
    largest = sorted(runtime.items(), key=lambda item: -item[1])[:4]
    details = {path.rsplit("/", 1)[-1]: count for path, count in largest}
    total = sum(sent.values())
    return [Measure("transfer.first_result_bytes", total, None, "none (absolute)", details=details)]
