"""The site of the store's figures: our page and the peers', in a profile on disk."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.site import SYSTEM, Task
from web_runtime.browser import launch_options

from .harness import ASSETS, ROOT
from .sites import plain_site

PEERS_PAGE = "peers.html"
MAX_ROWS = 1_000_000
QUERIES = 500

_SQL = """
SQL = (
    "select count(*) as n from events "
    "where type = :type and page_id = :pageId and ts >= :since and ts < :until"
)

def question_of(data, page=None):
    names = ("type", "pageId", "since", "until")
    return {**{name: data[name] for name in names}, **({"pageId": page} if page else {})}
"""

COUNT = f"""{_SQL}
async def run(ctx, activation):
    return (await ctx.query(SQL, question_of(activation.ext_data)))[0]["n"]
"""

# 8 % of the events, as the peers' window has: some 400 of 100,000 are one page's.
WINDOW = """
async def run(ctx, activation):
    count = (await ctx.query("select count(*) as n from events"))[0]["n"]
    sql = "select ts from events order by ts limit 1 offset :n"
    since, until = [
        (await ctx.query(sql, {"n": int(count * share)}))[0]["ts"] for share in (0.46, 0.54)
    ]
    return {"since": since, "until": until}
"""

TIMED = f"""{_SQL}
import time

async def run(ctx, activation):
    pages = activation.ext_data["pages"]
    taken_ms, counts = [], []
    for turn in range({QUERIES}):
        question = question_of(activation.ext_data, pages[turn % len(pages)])
        started = time.perf_counter()
        rows = await ctx.query(SQL, question)
        taken_ms.append((time.perf_counter() - started) * 1000)
        counts.append(rows[0]["n"])
    return {{"takenMs": taken_ms, "mostRows": max(counts)}}
"""


def store_site(folder: Path) -> Path:
    """Write the site: ``index.html`` is our page, ``peers.html`` the peers'."""
    tasks = [
        Task("Count", "count", COUNT),
        Task("Window", "window", WINDOW),
        Task("Timed", "timed", TIMED, {"timeout_ms": 60_000}),
    ]
    config = {"data": {"events": {"maxRows": MAX_ROWS}}}
    scripts = ("/edge/edge.js", "/store-edge.js")
    site = plain_site(folder, tasks=tasks, config=config, scripts=scripts)
    for name in ("store-edge", "store-peers"):
        bundle(ASSETS / f"{name}.js", site / f"{name}.js")
    (site / PEERS_PAGE).write_text(
        '<!doctype html><meta charset="utf-8" /><script src="/store-peers.js"></script>'
    )
    return site


def bundle(entry: Path, out: Path) -> None:
    """Bundle a page script with what it imports from node_modules."""
    esbuild = ROOT / "node_modules" / ".bin" / "esbuild"
    options = ["--bundle", "--minify", "--format=iife", "--target=es2022", "--log-level=warning"]
    subprocess.run([esbuild, entry, *options, f"--outfile={out}"], cwd=ROOT, check=True)


@contextmanager
def profile_on_disk(browser: Browser, folder: Path) -> Iterator[BrowserContext]:
    """Open the same browser with a profile: other contexts keep IndexedDB in memory only.

    Each served site is an origin of its own, so each has databases of its own.
    """
    context = browser.browser_type.launch_persistent_context(folder, **launch_options())
    try:
        yield context
    finally:
        context.close()


@contextmanager
def page_of(context: BrowserContext, url: str) -> Iterator[Page]:
    """Open ``url`` in a page that is closed at the block's end."""
    page = context.new_page()
    try:
        page.goto(url)
        yield page
    finally:
        page.close()


def ask(page: Page, business: str, question: dict[str, Any] | None = None) -> Any:
    """Return what our task answers."""
    call = "([system, business, question]) => askEdge(system, business, question)"
    return page.evaluate(call, [SYSTEM, business, question or {}])


def statistics_of(page: Page) -> dict[str, Any]:
    """Return what our page's ``EdgeAI.statistics()`` says."""
    return dict(page.evaluate("() => EdgeAI.statistics()"))
