"""The demo shop in a real browser: the shopper's path, parity with CPython, and nothing leaving."""

import asyncio
import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from edge_runtime.config import parse_config
from edge_runtime.host.native import create_native_host
from edge_runtime.runtime import Runtime
from playwright.sync_api import Page, Request

from demo_h5 import tour

from .conftest import DEMO_DIST, Serve

ACTIVATIONS = 100

NEXT_RESULT = """(event) => new Promise((resolve) => {
  const off = EdgeAI.on("result", (result) => {
    if (result.taskName === "RankFeed") { off(); resolve(result.value); }
  });
  EdgeAI.track(event);
})"""


def clicks(count: int) -> list[dict[str, Any]]:
    """Return seeded clicks on random products of the demo catalogue."""
    catalogue = json.loads((DEMO_DIST / "catalogue.json").read_text())
    items = [product["item"] for product in catalogue]
    chosen = np.random.default_rng(11).choice(items, count)
    return [
        {"type": "mta", "pageId": "Home", "clickId": "item", "props": {"sku": int(item)}}
        for item in chosen
    ]


async def replay(site: Path, events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run the same core with the demo's configuration on CPython and return the task's values."""
    values: list[dict[str, Any]] = []
    finished = asyncio.Event()

    def on_notice(name: str, body: Any) -> None:
        assert name != "error", body
        if name == "result":
            values.append(body["value"])
            finished.set()

    host = create_native_host(root=site, on_notice=on_notice)
    config = parse_config(json.loads((site / "config.json").read_text()))
    runtime = Runtime(host, config, site.as_uri() + "/config.json")
    assert await runtime.start() == []
    for number, event in enumerate(events):
        finished.clear()
        kind, page_id, click_id = event["type"], event["pageId"], event["clickId"]
        row = [f"e{number}", 1.8e12 + number, kind, page_id, click_id, 0, event["props"]]
        runtime.track(json.dumps([row]))
        await asyncio.wait_for(finished.wait(), 20)
    await runtime.stop()
    return values


def test_the_shopper_path_holds_what_the_demo_promises(
    serve: Serve, page: Page, tmp_path: Path
) -> None:
    story = tour.run_shopper(page, serve(DEMO_DIST), screenshots=tmp_path)

    assert story.rank_after <= story.rank_before / 2
    assert sum(photo.is_right for photo in story.photos) >= 2
    assert [label.banned == label.expected for label in story.labels] == [True, True]
    assert [photo.near for photo in story.photos] == ["Coffee & Tea", ""]
    assert [found.category for found in story.searches] == ["", "Pets"]
    assert tour.problems_of(story) == []
    assert len(list(tmp_path.glob("*.png"))) >= 4


def test_scores_equal_onnxruntime_in_cpython(
    serve: Serve, page: Page, demo_in_source: Path
) -> None:
    events = clicks(ACTIVATIONS)
    page.goto(serve(DEMO_DIST))
    tour.wait_until_ready(page)

    in_browser = [page.evaluate(NEXT_RESULT, event) for event in events]
    # Playwright's own event loop runs in this thread.
    with ThreadPoolExecutor(1) as pool:
        in_cpython = pool.submit(asyncio.run, replay(demo_in_source, events)).result()

    assert [v["hist"] for v in in_browser] == [v["hist"] for v in in_cpython]
    for browser_value, python_value in zip(in_browser, in_cpython, strict=True):
        browser_scores = dict(zip(browser_value["order"], browser_value["scores"], strict=True))
        python_scores = dict(zip(python_value["order"], python_value["scores"], strict=True))
        assert browser_scores.keys() == python_scores.keys()
        for item, score in browser_scores.items():
            assert abs(score - python_scores[item]) <= 1e-4


def test_nothing_leaves_the_serving_origin(serve: Serve, page: Page, tmp_path: Path) -> None:
    url = serve(DEMO_DIST)
    requested: list[str] = []

    def remember(request: Request) -> None:
        requested.append(request.url)

    page.context.on("request", remember)
    tour.run_shopper(page, url, screenshots=tmp_path)

    outside = [
        u for u in requested if urlsplit(u).scheme not in {"blob", "data"} and not u.startswith(url)
    ]
    assert len(requested) > 10
    assert outside == []


def test_the_strict_policy_is_never_violated(serve: Serve, page: Page, tmp_path: Path) -> None:
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    page.on("pageerror", lambda error: messages.append(str(error)))

    response = page.goto(serve(DEMO_DIST))
    assert response is not None
    tour.wait_until_ready(page)

    assert "'wasm-unsafe-eval'" in response.headers["content-security-policy"]
    assert "'unsafe-eval'" not in response.headers["content-security-policy"]
    assert not [text for text in messages if "Content Security Policy" in text]


def test_the_panel_shows_queues_lanes_and_breakers_as_they_are(serve: Serve, page: Page) -> None:
    page.goto(serve(DEMO_DIST))
    tour.wait_until_ready(page)
    page.click("#panel-toggle")
    done = '#panel-queues [data-queue="core"] td:nth-of-type(3)'
    page.locator(done).wait_for()

    page.evaluate(NEXT_RESULT, clicks(1)[0])
    page.locator(done, has_text="2").wait_for()

    queues = page.locator("#panel-queues tr")
    assert [row.get_attribute("data-queue") for row in queues.all()] == ["core", "regular", "low"]
    assert "wasm" in page.locator("#panel-lanes").inner_text()
    breaker = page.locator('#panel-breakers [data-breaker="RankFeed"] .state')
    assert breaker.inner_text() == "closed"


def test_the_panel_asks_nothing_while_it_is_closed(serve: Serve, page: Page) -> None:
    page.goto(serve(DEMO_DIST))
    tour.wait_until_ready(page)
    page.evaluate(
        """() => {
          window.asked = 0;
          const { statistics } = EdgeAI;
          EdgeAI.statistics = () => { asked++; return statistics(); };
          // The panel's pauses are cut short, so that one too many is seen.
          const { setTimeout } = window;
          window.setTimeout = (action, ms) => setTimeout(action, ms === 300 ? 0 : ms);
        }"""
    )

    page.click("#panel-toggle")
    page.locator("#panel-store [data-fact]").first.wait_for()
    page.click("#panel-close")
    asked = page.evaluate("() => asked")
    for event in clicks(5):
        page.evaluate(NEXT_RESULT, event)

    assert asked >= 1
    assert page.evaluate("() => asked") == asked


def test_the_panel_shows_how_the_store_is_doing(serve: Serve, page: Page) -> None:
    page.goto(serve(DEMO_DIST))
    tour.wait_until_ready(page)

    page.click("#panel-toggle")
    facts = page.locator("#panel-store [data-fact]")
    facts.nth(7).wait_for()

    shown = {each.get_attribute("data-fact"): each.inner_text() for each in facts.all()}
    assert "durable" in shown["mode"] and shown["generation"].endswith("1")
    assert shown["quarantined"].endswith("0") and "checkpoint" in shown
