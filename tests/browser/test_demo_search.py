"""Search and nearest products in a real browser: the pages, and parity with CPython."""

import asyncio
import io
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from edge_runtime.config import parse_config
from edge_runtime.host.native import create_native_host
from edge_runtime.runtime import InferRequest, Runtime
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from demo_h5 import shopper

from .conftest import DEMO_DIST, Serve

TIMEOUT_MS = 120_000
SIDE_PX = 224
COSINE = 0.999
QUERIES = ("my cat is hungry", "drumsticks", "Café?!", "laptop", "☕ 鲜牛奶")
PHOTOS = ("coffee.jpg", "cat.jpg", "palace.jpg")

INFER = """async ([businessCode, extData]) => {
  const { photo } = extData;
  const given = photo ? { ...extData, photo: Uint8Array.from(photo) } : extData;
  const call = { systemCode: "demo-shop", businessCode, extData: given };
  return (await EdgeAI.infer(call)).value;
}"""

# The first question is held up, as on a slow device, until the second was answered.
HOLD_FIRST = """() => {
  const { infer } = EdgeAI;
  window.aborted = [];
  window.held = new Promise((resolve) => { window.noteHeld = resolve; });
  EdgeAI.infer = (call) => {
    const { query } = call.extData;
    call.signal?.addEventListener("abort", () => aborted.push(query));
    const answer = infer(call);
    if (query !== "caffeine") return answer;
    noteHeld();
    return new Promise((resolve) => { window.answerFirst = () => resolve(
      infer({ systemCode: "demo-shop", businessCode: "search", extData: { query } })); });
  };
}"""


@pytest.fixture
def shop(serve: Serve, page: Page) -> Page:
    """Open the shop; its feed may still be on its way."""
    page.goto(serve(DEMO_DIST))
    page.locator('html[data-edge-state="ready"]').wait_for(state="attached", timeout=TIMEOUT_MS)
    return page


def answered(page: Page, query: str) -> Locator:
    """Return the results once they are those of ``query``."""
    found = page.locator(f'#search-results[data-state="done"][data-query="{query}"]')
    found.wait_for(timeout=TIMEOUT_MS)
    return found.get_by_test_id("found-row")


def categories(rows: Locator) -> set[str | None]:
    return {row.get_attribute("data-category") for row in rows.all()}


def same_pixels(file: str) -> bytes:
    """Return a sample photo as a PNG of the classifier's size: no decoder has a choice."""
    with Image.open(DEMO_DIST / "photos" / file) as photo:
        side = min(photo.size)
        left, top = (photo.width - side) // 2, (photo.height - side) // 2
        square = photo.convert("RGB").crop((left, top, left + side, top + side))
    png = io.BytesIO()
    square.resize((SIDE_PX, SIDE_PX)).save(png, "PNG")
    return png.getvalue()


def in_cpython(site: Path, calls: list[tuple[str, dict[str, Any]]]) -> list[Any]:
    """Run the same bundles and models on CPython and return the tasks' values."""

    async def run() -> list[Any]:
        host = create_native_host(root=site, on_notice=lambda name, body: None)
        config = parse_config(json.loads((site / "config.json").read_text()))
        runtime = Runtime(host, config, site.as_uri() + "/config.json")
        assert await runtime.start() == []
        values = [
            (await runtime.infer(InferRequest(number, "demo-shop", code, ext_data=data))).value
            for number, (code, data) in enumerate(calls, 1)
        ]
        await runtime.stop()
        return values

    # Playwright's own event loop runs in this thread.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, run()).result()


def cosine(one: list[float], other: list[float]) -> float:
    return float(np.dot(one, other) / np.linalg.norm(one) / np.linalg.norm(other))


def test_embeddings_and_results_equal_those_of_onnxruntime_in_cpython(
    shop: Page, demo_in_source: Path
) -> None:
    searches = [("search", {"query": query, "embed": True}) for query in QUERIES]
    pictures = [("recognise", {"photo": same_pixels(file), "embed": True}) for file in PHOTOS]
    sent = [*searches, *((code, {**data, "photo": [*data["photo"]]}) for code, data in pictures)]

    browser_values = [shop.evaluate(INFER, list(call)) for call in sent]
    python_values = in_cpython(demo_in_source, [*searches, *pictures])

    for given, expected in zip(browser_values, python_values, strict=True):
        name = "results" if "results" in expected else "nearest"
        assert cosine(given["embedding"], expected["embedding"]) >= COSINE
        assert [row["item"] for row in given[name]] == [row["item"] for row in expected[name]]
    assert [len(value["embedding"]) for value in python_values] == [384] * 5 + [1280] * 3
    assert [bool(value["results"]) for value in browser_values[:5]] == [True] * 3 + [False, True]


def test_results_come_while_one_types_and_go_with_the_text(shop: Page) -> None:
    box = shop.get_by_test_id("search-input")
    box.press_sequentially("my cat is hungry")
    assert categories(answered(shop, "my cat is hungry")) == {"Pets"}
    expect(shop.get_by_test_id("feed")).to_be_hidden()
    expect(shop.get_by_test_id("search-note")).to_contain_text("3 件商品")

    box.fill("laptop")
    assert answered(shop, "laptop").count() == 0
    expect(shop.get_by_test_id("search-note")).to_contain_text("laptop")

    box.fill("<b>lipstick</b>")
    assert answered(shop, "<b>lipstick</b>").count() == 0
    expect(shop.get_by_test_id("search-note")).to_contain_text("<b>lipstick</b>")

    box.fill("")
    expect(shop.get_by_test_id("search-results")).to_be_hidden()
    expect(shop.get_by_test_id("feed")).to_be_visible()


# All at once: a pause before the submission would be a question of its own.
SUBMIT = """(box, text) => {
  box.focus();
  box.value = text;
  box.dispatchEvent(new Event("input", { bubbles: true }));
  box.form.requestSubmit();
}"""


def test_the_latest_question_wins(shop: Page) -> None:
    shop.evaluate(HOLD_FIRST)
    box = shop.get_by_test_id("search-input")
    box.evaluate(SUBMIT, "caffeine")
    shop.evaluate("() => held")
    box.evaluate(SUBMIT, "prawns")
    rows = answered(shop, "prawns")
    before = [row.get_attribute("data-item") for row in rows.all()]

    shop.evaluate("async () => { await answerFirst(); await new Promise(requestAnimationFrame); }")

    assert shop.evaluate("() => aborted") == ["caffeine"]
    assert [row.get_attribute("data-item") for row in rows.all()] == before
    assert categories(rows) == {"Seafood"}


def test_a_suggestion_is_one_tap_in_both_languages_and_stays_while_a_product_is_looked_at(
    shop: Page,
) -> None:
    shop.get_by_test_id("search-idea").first.click()
    rows = answered(shop, "my cat is hungry")
    names = [row.locator(".name").inner_text() for row in rows.all()]

    shop.get_by_test_id("language").click()

    assert sorted(names) == ["猫粮", "猫罐头", "猫零食"]
    english = [row.locator(".name").inner_text() for row in rows.all()]
    assert sorted(english) == ["Canned Cat Food", "Cat Treats", "Dry Cat Food"]
    expect(shop.get_by_test_id("search-note")).to_contain_text("3 products")
    rows.first.locator("a").click()
    shop.get_by_test_id("item-name").wait_for()
    shop.go_back()
    expect(rows.first).to_be_visible()


def test_products_like_a_photo_are_shown_beneath_it(shop: Page) -> None:
    catalogue = json.loads((DEMO_DIST / "catalogue.json").read_text())
    category_of = {str(row["item"]): row["category"] for row in catalogue}
    cards = shop.locator('#photo-result [data-testid="similar-card"]')
    result = shop.get_by_test_id("photo-result")

    shopper.recognise(shop, {"file": "coffee.jpg", "expected": {"name": ""}})
    near = [category_of[card.get_attribute("data-item") or ""] for card in cards.all()]
    assert near[:3] == ["Coffee & Tea"] * 3
    expect(result).to_contain_text("60 件商品中有 46 件")

    shopper.recognise(shop, {"file": "rocket.jpg", "expected": {"name": ""}})
    expect(result).to_contain_text("店里没有和它相近的商品")
    assert cards.count() == 0


def test_nothing_is_wider_than_the_screen(shop: Page) -> None:
    query = "chocolate milk, small"
    shop.get_by_test_id("search-input").fill(query)
    answered(shop, query)
    check_widths(shop)

    shopper.recognise(shop, {"file": "coffee.jpg", "expected": {"name": ""}})
    check_widths(shop)


def check_widths(page: Page) -> None:
    for width_px in (320, 390, 1280):
        page.set_viewport_size({"width": width_px, "height": 800})
        assert page.evaluate("() => document.documentElement.scrollWidth") == width_px
