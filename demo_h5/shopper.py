"""One shopper's visit, step by step; every step takes a Playwright page, so that tests reuse it."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from playwright.sync_api import Locator, Page, Request

from demo_h5.story import CheckedLabel, Recognised, Searched, Step, Story

CATEGORY: Final = "Pets"
CLICKS: Final = 3
# The classifier is sure of these; how a browser scales a photo cannot turn the answer.
PHOTOS: Final = ("coffee.jpg", "palace.jpg")
# The sample labels and the banned words that are written on them.
LABELS: Final = {"tea": ("国家级", "销量第一", "降血压", "无副作用"), "honey": ()}
# In English, as the model is, with the category meant. The shop has no laptop.
QUERIES: Final = {"laptop": "", "my cat is hungry": "Pets"}
SIZES: Final = {"phone": (390, 844), "desktop": (1280, 800)}
STEP_TIMEOUT_MS: Final = 120_000

# The site's policy forbids the eval that Playwright's own polling needs: this waits in the page.
# start.js keeps every notice, and hears it before a listener that is added here.
RUN: Final = """([task, count, timeoutMs]) => new Promise((resolve, reject) => {
  const stops = [];
  const settle = (settled, outcome) => {
    for (const stop of stops) stop?.();
    settled(outcome);
  };
  const check = () => {
    const runs = shopNotices.backlog.filter((n) => n.name === "result" && n.body.taskName === task);
    if (runs.length >= count) settle(resolve, runs[count - 1].body);
  };
  const fail = (text) => settle(reject, new Error(text));
  const timer = setTimeout(() => fail(`${task}: expected run ${count}, got none`), timeoutMs);
  stops.push(EdgeAI.on("result", check), () => clearTimeout(timer));
  stops.push(EdgeAI.on("error", (body) => fail(JSON.stringify(body))));
  check();
})"""

# A page that is left within 50 ms is no view (docs/capture.md): nobody who looks is that quick.
LOOK: Final = """(timeoutMs) => {
  shopNotices.looked = new Promise((resolve, reject) => {
    const fail = () => reject(new Error("Item: expected its view to be counted, got none"));
    const timer = setTimeout(fail, timeoutMs);
    const off = EdgeAI.on("event", ({ pageId, pv }) => {
      if (pageId !== "Item" || !pv) return;
      clearTimeout(timer);
      off();
      resolve();
    });
  });
}"""
LOOKED: Final = "() => shopNotices.looked"

STATUS: Final = "() => shopNotices.backlog.findLast(({ body }) => body.state === 'ready')?.body"

SETTLED: Final = """async () => {
  window.scrollTo(0, 0);
  await document.fonts.ready;
  const moving = document.getAnimations().filter((a) => a.effect?.getTiming().iterations === 1);
  await Promise.all(moving.map((animation) => animation.finished.catch(() => {})));
}"""


def run_shopper(page: Page, url: str, screenshots: Path) -> Story:
    """Visit the shop at ``url``: look, click three products, search, photos, labels."""
    story = Story()
    watch_requests(page, url, story)
    page.goto(url)
    story.status = wait_until_ready(page)
    story.steps.append(step_of(page, "view Home", 1))
    shoot(page, "home", screenshots, story)
    for number, item in enumerate(category_items(page)[:CLICKS]):
        look_at_product(page, item, story)
        if number == 0:
            shoot(page, "item", screenshots, story)
        page.go_back()
        story.steps.append(step_of(page, "view Home", len(story.steps) + 1))
    shoot(page, "after-clicks", screenshots, story)
    story.searches += [search(page, query, category) for query, category in QUERIES.items()]
    shoot(page, "search", screenshots, story)
    story.photos += [recognise(page, photo) for photo in read_photos(page)]
    shoot(page, "photo", screenshots, story)
    for sample, expected in LABELS.items():
        story.labels.append(check_label(page, sample, expected))
        shoot(page, f"label-{sample}", screenshots, story)
    open_panel(page)
    shoot(page, "panel", screenshots, story)
    return story


def watch_requests(page: Page, url: str, story: Story) -> None:
    """Note every request of the page and its workers, and those that leave its origin."""

    def note(request: Request) -> None:
        story.requested.append(request.url)
        if urlsplit(request.url).scheme not in {"blob", "data"}:
            if urlsplit(request.url).netloc != urlsplit(url).netloc:
                story.outside.append(request.url)

    page.context.on("request", note)


def wait_until_ready(page: Page) -> dict[str, Any]:
    """Wait for the runtime and the first ranked feed; return the status, boot timings included.

    Raises:
        AssertionError: It failed, or edge.js never came.
    """
    settled = (
        "html:is([data-edge-state=ready], [data-edge-state=failed], [data-edge-state=missing])"
    )
    page.locator(settled).wait_for(state="attached", timeout=STEP_TIMEOUT_MS)
    status: dict[str, Any] | None = page.evaluate(STATUS)
    if status is None:
        raise AssertionError("runtime: expected it to be ready, got no such status")
    page.evaluate(RUN, ["RankFeed", 1, STEP_TIMEOUT_MS])
    return status


def step_of(page: Page, event: str, run: int) -> Step:
    """Wait for the given RankFeed run, counted from 1, and note where it put the category."""
    result = page.evaluate(RUN, ["RankFeed", run, STEP_TIMEOUT_MS])
    return Step(event, result, mean_rank(category_items(page), result["value"]["order"]))


def category_items(page: Page) -> list[int]:
    """Return the category's products as the feed has them now."""
    cards = page.locator(f'[data-testid="feed-card"][data-category="{CATEGORY}"]')
    return [int(card.get_attribute("data-item") or 0) for card in cards.all()]


def mean_rank(items: list[int], order: list[int]) -> float:
    """Return the mean place of products in an order; 1 is the top."""
    return sum(order.index(item) + 1 for item in items) / len(items)


def look_at_product(page: Page, item: int, story: Story) -> None:
    """Open one product from the feed; the click ranks the feed anew."""
    page.evaluate(LOOK, STEP_TIMEOUT_MS)
    page.locator(f'[data-testid="feed-card"][data-item="{item}"] a').click()
    story.steps.append(step_of(page, f"click item {item} on Home", len(story.steps) + 1))
    page.get_by_test_id("item-name").wait_for()
    page.evaluate(LOOKED)


def search(page: Page, query: str, expected: str) -> Searched:
    """Type a query and read the best product off the page."""
    page.get_by_test_id("search-input").fill(query)
    results = page.get_by_test_id("search-results")
    answered = f'[data-query="{query}"]:is([data-state="done"], [data-state="failed"])'
    page.locator(f'[data-testid="search-results"]{answered}').wait_for(timeout=STEP_TIMEOUT_MS)
    if results.get_attribute("data-state") == "failed":
        return Searched(query, expected, "no answer", "", results.inner_text())
    best = page.get_by_test_id("found-row").first
    if best.count() == 0:
        return Searched(query, expected, "", "", cost_of(results))
    category = best.get_attribute("data-category") or ""
    product = best.get_attribute("data-item") or ""
    return Searched(query, expected, category, product, cost_of(results))


def read_photos(page: Page) -> list[dict[str, Any]]:
    """Return the site's entries of the photos to recognise."""
    text: str = page.evaluate("async () => (await fetch('/photos.json')).text()")
    photos: list[dict[str, Any]] = json.loads(text)
    return [photo for photo in photos if photo["file"] in PHOTOS]


def recognise(page: Page, photo: Mapping[str, Any]) -> Recognised:
    """Choose a sample photo and read the answer off the page."""
    page.get_by_test_id("nav-photo").click()
    page.locator(f'[data-testid="photo-tile"][data-photo="{photo["file"]}"]').click()
    result = page.get_by_test_id("photo-result")
    answered = f'[data-photo="{photo["file"]}"]:is([data-state="done"], [data-state="failed"])'
    page.locator(f'[data-testid="photo-result"]{answered}').wait_for(timeout=STEP_TIMEOUT_MS)
    best = page.get_by_test_id("photo-label").first
    near = result.get_by_test_id("similar-card").first
    if best.count() == 0:
        return Recognised(photo["file"], photo["expected"]["name"], "", 0.0, result.inner_text())
    return Recognised(
        photo["file"],
        photo["expected"]["name"],
        best.get_attribute("data-label") or "",
        float(best.get_attribute("data-probability") or 0),
        cost_of(result),
        near.get_attribute("data-category") or "" if near.count() else "",
    )


def check_label(page: Page, sample: str, expected: tuple[str, ...]) -> CheckedLabel:
    """Choose a sample label and read off the page which banned words were found on it."""
    page.get_by_test_id("nav-label").click()
    page.locator(f'[data-testid="label-tile"][data-sample="{sample}"]').click()
    answered = f'[data-sample="{sample}"]:is([data-state="done"], [data-state="failed"])'
    result = page.locator(f'[data-testid="label-result"]{answered}')
    result.wait_for(timeout=STEP_TIMEOUT_MS)
    rows = page.get_by_test_id("label-line").all()
    banned = " ".join(row.get_attribute("data-banned") or "" for row in rows).split()
    return CheckedLabel(sample, len(rows), tuple(banned), expected, cost_of(result))


def cost_of(result: Locator) -> str:
    """Say what a run took, in the trace's language whatever the page's is."""
    total_ms, infer_ms, backend = (
        result.get_attribute(f"data-{name}") for name in ("total-ms", "infer-ms", "backend")
    )
    return f"{total_ms} ms, inference {infer_ms} ms on {backend}"


def open_panel(page: Page) -> None:
    """Go home and open the live panel; its first statistics are there."""
    page.get_by_test_id("nav-home").click()
    page.get_by_test_id("panel-toggle").click()
    page.locator('#panel-store [data-testid="panel-fact"]').first.wait_for()


def shoot(page: Page, name: str, folder: Path, story: Story) -> None:
    """Take a picture in every size, from the top, once fonts and movements have settled."""
    folder.mkdir(parents=True, exist_ok=True)
    for size, (width_px, height_px) in reversed(SIZES.items()):
        page.set_viewport_size({"width": width_px, "height": height_px})
        page.evaluate(SETTLED)
        path = folder / f"{name}-{size}.png"
        page.screenshot(path=path)
        story.screenshots.append(path)
