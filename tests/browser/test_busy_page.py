"""A page of ten thousand nodes and an animation in every frame: the runtime holds none up."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from .conftest import Serve
from .edge_page import EdgePage
from .page_work import traced
from .site import ECHO, Task, with_prefix, write_site

LONG_MS = 50
CLICKS = 10
SCRIPT = "/edge/edge.js"
PATTERN = {"type": "mta", "pageId": "Test", "needPv": False, "clickIds": ["buy"]}
TRIGGERS = [{"taskName": "Echo", "events": [PATTERN]}]
BUSY = '<p id="moving">moving</p><ol id="list"></ol><script src="/busy-page.js"></script></body>'
SLOW = """
addEventListener("click", () => {
  let x = 0;
  for (const end = performance.now() + 200; performance.now() < end; ) x += Math.random();
});
"""


@pytest.fixture
def url(serve: Serve, tmp_path: Path) -> str:
    task = Task("Echo", "echo", ECHO)
    site = write_site(tmp_path / "site", tasks=[task], config={"triggers": TRIGGERS})
    index = (site / "index.html").read_text().replace("</body>", BUSY)
    index = index.replace(" data-config", ' data-exposure="on" data-config')
    (site / "index.html").write_text(index)
    return serve(site)


def use(edge: EdgePage) -> None:
    """Boot, click, run tasks, and show ten thousand nodes that are marked."""
    edge.ready()
    for _ in range(CLICKS):
        edge.page.click("#buy")
    edge.value("echo")
    edge.page.evaluate("(clicks) => captured(clicks, 0)", CLICKS)


def test_nothing_of_the_runtime_is_a_long_task(url: str, page: Page, browser: Browser) -> None:
    with traced(browser, page, SCRIPT) as work:
        use(EdgePage(page, url).open())
        page.evaluate("() => until('result', {}, 10)")

    assert len(work.calls_ms) > CLICKS
    assert work.longest_ms < LONG_MS


def test_ten_thousand_marked_nodes_are_no_long_task(url: str, page: Page, browser: Browser) -> None:
    edge = EdgePage(page, url).open()
    edge.ready()
    with traced(browser, page, SCRIPT) as work:
        page.evaluate("() => { addMarked(); return captured(0, 3); }")

    assert work.longest_ms < LONG_MS


def test_work_that_is_long_would_be_found(url: str, page: Page, browser: Browser) -> None:
    page.route(f"**{SCRIPT}", with_prefix(SLOW))
    with traced(browser, page, SCRIPT) as work:
        use(EdgePage(page, url).open())

    assert work.longest_ms >= LONG_MS
