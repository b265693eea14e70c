"""A page whose ad changed what scripts stand on: it goes on, the runtime works or refuses."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext

from .conftest import Serve
from .hostile_ads import ADS, DEAF, WORKS, Ad
from .site import ECHO, Task, write_site

EVENTS = """
async def run(ctx, activation):
    rows = await ctx.query("select click_id from events where click_id is not null")
    return [row["click_id"] for row in rows]
"""
TASKS = [Task("Echo", "echo", ECHO), Task("Clicks", "clicks", EVENTS)]
PAGE = """<!doctype html><meta charset="utf-8" /><title>Shop</title>
<script src="/hostile-page.js"></script>{scripts}
<body data-edge-page="Shop">
  <button id="buy" data-edge-click="buy">Buy</button>
  <button id="use">Use</button><button id="tell">Tell</button>
</body>
"""
AD = '<script src="/ad.js"></script>'
TAG = '<script src="/edge/edge.js" data-config="/config.json"></script>'
# Through the queue, which is there even if the name is not the runtime's.
INFERS = 2
BEFORE = [(ad, ad.before) for ad in ADS.values()]
AFTER = [(name, ad, ad.after) for name, ad in ADS.items() if ad.after]


@pytest.mark.parametrize(("ad", "expected"), BEFORE, ids=list(ADS))
def test_an_ad_that_was_first(
    serve: Serve, tmp_path: Path, context: BrowserContext, ad: Ad, expected: str
) -> None:
    judge(serve(page_with(tmp_path, ad, AD + TAG)), context, expected)


@pytest.mark.parametrize(
    ("ad", "expected"), [row[1:] for row in AFTER], ids=[row[0] for row in AFTER]
)
def test_an_ad_that_comes_later(
    serve: Serve, tmp_path: Path, context: BrowserContext, ad: Ad, expected: str
) -> None:
    judge(serve(page_with(tmp_path, ad, TAG + AD)), context, expected)


def page_with(folder: Path, ad: Ad, scripts: str) -> Path:
    """Write the page with the runtime and without it."""
    site = write_site(folder / "site", tasks=TASKS)
    (site / "ad.js").write_text(ad.script)
    (site / "with.html").write_text(PAGE.format(scripts=scripts))
    (site / "without.html").write_text(PAGE.format(scripts=scripts.replace(TAG, "")))
    return site


def judge(url: str, context: BrowserContext, expected: str) -> None:
    """Compare what a shopper does on both pages."""
    alone, said_alone = visit(context, f"{url}/without.html", "tell")
    found, said = visit(context, f"{url}/with.html", "use")

    # The ad alone breaks what it breaks; nothing is thrown or printed because of us.
    assert found["business"] == alone["business"]
    assert said == said_alone
    infer, put, get, clicks, stop = found["runtime"]["answers"]
    if expected not in {WORKS, DEAF}:
        return refused(found["runtime"], expected)
    assert infer["ok"]["value"] == {"ext": {"list": [1, "two"]}, "trigger": "api"}, infer
    assert (put, get, stop) == ({}, {"ok": {"skus": [1, 2]}}, {})
    assert clicks["ok"]["value"] == (["buy", "buy"] if expected == WORKS else []), clicks


def refused(runtime: dict[str, Any], reason: str) -> None:
    """Check that every call tells the reason, and `status` where it may be told."""
    asked = [answer for answer in runtime["answers"][:-1] if "absent" not in answer]
    assert len(asked) >= INFERS
    for answer in asked:
        assert reason in answer["error"]["message"], answer
        assert answer["error"]["number"], answer
    told = [status["error"]["message"] for status in runtime["status"] if "error" in status]
    assert all(reason in text for text in told), told


def visit(context: BrowserContext, url: str, button: str) -> tuple[dict[str, Any], list[str]]:
    """Buy twice, then press the button; return what happened and what was printed."""
    page = context.new_page()
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(url)
    page.wait_for_selector("#business", state="attached")
    for clicked in ("buy", "buy", button):
        # Without the looks at the element that a page's fields may deceive.
        page.click(f"#{clicked}", force=True)
    page.wait_for_selector("#report", state="attached", timeout=60_000)
    report: dict[str, Any] = json.loads(page.locator("#report").text_content() or "")
    page.close()
    return report, said
