"""page.capture_p99_us: a click on a page without us, with us, and with Snowplow's tracker.

Three pages that differ in their scripts alone: none; ours, which captures what is marked; and
Snowplow's browser tracker with its plugin for clicks on buttons, set up as documented, with a
collector that accepts. Compared is how long the dispatch of one click takes, listeners included,
each click in a task of its own. What either does behind it, batching and sending, is not in it.
"""

import json
import shutil
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Page
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from .harness import ASSETS, expect_equal, fresh_page, p50, p99, served, spread
from .npm_packages import NpmPackage, unpacked
from .report import Measure
from .sites import page_with, plain_site

TRACKER: Final = NpmPackage(
    "@snowplow/browser-tracker",
    "4.10.1",
    "sha512-1Kmi6Mtyxwn5BN7BPD63CCb8diNr/cD/ihxHVbnTVc9UQRK9xJALpkpOu90PomVH/GJN2VxVKyeNmPJhGnv9og==",
)
BUTTONS: Final = NpmPackage(
    "@snowplow/browser-plugin-button-click-tracking",
    "4.6.8",
    "sha512-hI1+oZp7/xd1SNvknNFCpZRm26zAzighgS/Q2eqFZnHtaUyDHaLYYGqHTlpELyYZc8t3Qau2Btdz+3amZuI34Q==",
)
COLLECTOR: Final = "/com.snowplowanalytics.snowplow/tp2"
ROUNDS: Final = 5
WARM_UP, CLICKS = 200, 500
GOAL_US: Final = 200
SCRIPTS: Final = {
    "bare": ("/page-clicks.js",),
    "edge": ("/edge/edge.js", "/page-clicks.js"),
    "snowplow": ("/tracker.js", "/buttons.js", "/page-snowplow.js", "/page-clicks.js"),
}
START: Final = """async () => {
  await EdgeAI.start({ config: { schemaVersion: 1, systemCode: "bench" } });
  window.captured = 0;
  EdgeAI.on("event", ({ clickId }) => (captured += clickId === "hit"));
}"""


def measure(browser: Browser, folder: Path) -> list[Measure]:
    """Visit the three pages in turns."""
    collector = Collector()
    rounds: dict[str, list[list[float]]] = {side: [] for side in SCRIPTS}
    with served(write_pages(folder), isolated=True, routes=[collector.route()]) as server:
        for _ in range(ROUNDS):
            for side in SCRIPTS:
                with fresh_page(browser) as page:
                    page.goto(f"{server.url}/{side}.html")
                    rounds[side].append(costs_us(page, side))
    if collector.clicks < ROUNDS * CLICKS:
        raise RuntimeError(f"{TRACKER}: expected its clicks, got {collector.clicks}")
    return [figure(rounds)]


class Collector:
    """Accepts what Snowplow's tracker sends, and counts clicks."""

    def __init__(self) -> None:
        self.clicks = 0

    def route(self) -> Route:
        """Return where the tracker sends to."""
        return Route(COLLECTOR, self._accept, methods=["POST"])

    async def _accept(self, request: Request) -> Response:
        events = json.loads(await request.body())["data"]
        self.clicks += sum("button_click" in json.dumps(decoded(event)) for event in events)
        return PlainTextResponse("ok")


def decoded(event: dict[str, str]) -> dict[str, str]:
    """Return an event with its own part in clear."""
    padded = event.get("ue_px", "") + "=="
    return {**event, "ue": urlsafe_b64decode(padded).decode()}


def write_pages(folder: Path) -> Path:
    """Write one page a side, and the peer's files as its packages ship them."""
    site = plain_site(folder, extra=[ASSETS / "page-clicks.js", ASSETS / "page-snowplow.js"])
    bundle = "dist/index.umd.min.js"
    shutil.copy(unpacked(TRACKER) / bundle, site / "tracker.js")
    shutil.copy(unpacked(BUTTONS) / bundle, site / "buttons.js")
    for side, scripts in SCRIPTS.items():
        (site / f"{side}.html").write_text(page_with(scripts))
    return site


def costs_us(page: Page, side: str) -> list[float]:
    """Return what clicks cost once the page has warmed up, in microseconds."""
    if side == "edge":
        page.evaluate(START)
    page.evaluate("(count) => clickCosts(count)", WARM_UP)
    costs: list[float] = page.evaluate("(count) => clickCosts(count)", CLICKS)
    if side == "edge":
        expect_equal("captured clicks", WARM_UP + CLICKS, page.evaluate("() => captured"))
    return [cost * 1_000 for cost in costs]


def figure(rounds: dict[str, list[list[float]]]) -> Measure:
    """Return our 99th percentile, the median of all rounds, with those of the others."""
    worst = {side: [p99(each) for each in costs] for side, costs in rounds.items()}
    middle = {side: p50([p50(each) for each in costs]) for side, costs in rounds.items()}
    ours, bare, theirs = (p50(worst[side]) for side in ("edge", "bare", "snowplow"))
    details = {
        "bare_us": round(bare),
        "snowplow_us": round(theirs),
        "snowplow_over_us": round(theirs / ours, 1),
        "p50_us": {side: round(value) for side, value in middle.items()},
        "rounds": spread(worst["edge"]),
        "clicks": ROUNDS * CLICKS,
    }
    peer = f"the page without us; {TRACKER} with {BUTTONS.name} {BUTTONS.version}"
    return Measure("page.capture_p99_us", ours, GOAL_US, peer, details=details)
