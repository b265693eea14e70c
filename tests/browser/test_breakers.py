"""Breakers in the browser: they open, are tried with care, and are remembered across reloads."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from .conftest import Serve
from .edge_page import EdgePage
from .site import Task, click_trigger, write_site

FRAIL = """
async def run(ctx, activation):
    if await ctx.get("broken") and activation.ext_data.get("well") is None:
        raise ValueError("broken")
    return {"ran": True}
"""
PLAIN = "async def run(ctx, activation):\n    return 'instead'\n"
TASKS = [
    Task("Frail", "frail", FRAIL),
    Task("Fixed", "fixed", FRAIL, {"fallback": {"value": {"ran": False}}}),
    Task("Last", "last", FRAIL, {"fallback": {"last": True}}),
    Task("Other", "other", FRAIL, {"fallback": {"task": "Plain"}}),
    Task("Plain", "plain", PLAIN),
]
LONG = {"minCalls": 2, "openMs": 3_600_000, "maxOpenMs": 3_600_000}
SHORT = {"minCalls": 2, "openMs": 20, "maxOpenMs": 20, "halfOpenCalls": 1}
# Without a word of the breaker's own: it is asked when it would let a call through.
UNTIL_TRIED = """async (name) => {
  for (;;) {
    const { breakers } = await EdgeAI.statistics();
    if (breakers[name].retryAfterMs === 0) return breakers[name].state;
  }
}"""

Open = Callable[[dict[str, Any]], EdgePage]


@pytest.fixture
def open_page(serve: Serve, tmp_path: Path, page: Page) -> Open:
    def open_one(breaker: dict[str, Any]) -> EdgePage:
        triggers = [click_trigger("Fixed", "buy")]
        config = {"scheduler": {"breaker": breaker}, "triggers": triggers}
        edge = EdgePage(page, serve(write_site(tmp_path / "site", tasks=TASKS, config=config)))
        edge.open().ready()
        edge.call("put", "broken", True)
        return edge

    return open_one


def outcome(settled: dict[str, Any]) -> str:
    return str(settled["error"]["code"]) if "error" in settled else "ok"


def fail(edge: EdgePage, business: str, times: int = 2) -> None:
    """Call a task until its breaker opens."""
    assert [outcome(edge.infer(business)) for _ in range(times)] == ["task-raised"] * times


def breaker(edge: EdgePage, name: str) -> dict[str, Any]:
    figures: dict[str, Any] = edge.call("statistics")["ok"]["breakers"][name]
    return figures


def test_a_breaker_that_opened_stays_open_across_a_reload(open_page: Open) -> None:
    edge = open_page(LONG)
    fail(edge, "frail")

    refused = edge.infer("frail")["error"]
    edge.call("flush")
    edge.page.reload()
    edge.ready()
    edge.call("delete", "broken")
    refused_again = edge.infer("frail")["error"]

    assert (refused["code"], refused["number"]) == ("circuit-open", 5010)
    assert 0 < refused["details"]["retryAfterMs"] <= 1.2 * LONG["openMs"]
    assert refused_again["code"] == "circuit-open"
    assert refused_again["details"]["retryAfterMs"] < refused["details"]["retryAfterMs"]
    assert breaker(edge, "Frail")["state"] == "open"
    assert edge.value("plain") == "instead"


def test_a_breaker_is_tried_and_closes_or_opens_again(open_page: Open) -> None:
    edge = open_page(SHORT)
    fail(edge, "frail")

    tried_in = edge.page.evaluate(UNTIL_TRIED, "Frail")
    assert outcome(edge.infer("frail")) == "task-raised"
    opens = breaker(edge, "Frail")["opens"]
    edge.page.evaluate(UNTIL_TRIED, "Frail")
    assert edge.value("frail", {"well": True}) == {"ran": True}

    assert (tried_in, opens) == ("half-open", 2)
    assert breaker(edge, "Frail")["state"] == "closed"


def test_what_stands_in_for_a_refused_run_says_so(open_page: Open) -> None:
    edge = open_page(LONG)
    own = edge.infer("last", {"well": True})["ok"]
    for business in ("fixed", "other"):
        fail(edge, business)
    fail(edge, "last", times=1)

    fixed, last, other = (edge.infer(business)["ok"] for business in ("fixed", "last", "other"))

    assert (own["value"], own["fallback"]) == ({"ran": True}, None)
    assert (fixed["value"], fixed["fallback"]) == ({"ran": False}, "value")
    assert (last["value"], last["fallback"]) == ({"ran": True}, "last")
    assert (other["value"], other["fallback"]) == ("instead", "task")


def test_erase_forgets_what_stood_in(open_page: Open) -> None:
    edge = open_page(LONG)
    edge.value("last", {"well": True})
    fail(edge, "last", times=1)
    before = edge.infer("last")["ok"]["fallback"]

    edge.call("erase")

    assert (before, outcome(edge.infer("last"))) == ("last", "circuit-open")


def test_a_click_gets_what_stands_in_too(open_page: Open) -> None:
    edge = open_page(LONG)
    fail(edge, "fixed")

    edge.page.click("#buy")
    result = edge.until("result", taskName="Fixed")

    assert (result["value"], result["fallback"]) == ({"ran": False}, "value")
