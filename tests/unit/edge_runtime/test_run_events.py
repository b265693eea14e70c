"""Runs that events asked for, in a flood: what costs less must come to the same."""

import asyncio
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.pure.trace import Journal
from edge_runtime.runtime import Runtime
from edge_runtime.services.recorder import Recorder

from .test_runtime import BASE, WAIT, Site

RAISES = "async def run(ctx, activation):\n    raise ValueError\n"
LIMITS = {"core": 1, "regular": 3, "low": 1}


async def flooded(source: str, journal: bool, **task: Any) -> tuple[Any, Any, Any]:
    """Return what pages were told, the queue and the breakers after a flood of clicks."""
    site = Site({"Task": source}, scheduler={"maxRunning": 1, "queueLimits": LIMITS})
    heard: Journal | None = Recorder(site.host.clock) if journal else None
    site.runtime = Runtime(site.host, parse_config(site.config), BASE, journal=heard, life="a")
    assert await site.runtime.start() == []
    for moment in range(4):
        for number in range(20):
            site.click("Task", client=f"tab {number % 2}")
        await site.host.clock.advance(200 + 300 * moment)
    page = site.host.page
    told = [(*each, who) for each, who in zip(page.notices, page.clients, strict=True)]
    statistics = site.runtime.statistics()
    await site.runtime.stop()
    return told, statistics["queues"], statistics["breakers"]


@pytest.mark.parametrize("source", [WAIT, RAISES], ids=["full", "its breaker opens"])
def test_what_is_refused_for_less_is_told_and_counted_as_ever(source: str) -> None:
    for_less = asyncio.run(flooded(source, journal=False))
    in_full = asyncio.run(flooded(source, journal=True))

    assert for_less == in_full
    told, queues, breakers = for_less
    errors = [body["error"] for name, body, _ in told if name == "error"]
    others = {"task-raised", "circuit-open"} if source is RAISES else {"task-timeout"}
    assert {error["code"] for error in errors} == {"queue-full", *others}
    assert any(error["details"].get("more") for error in errors) == (source is WAIT)
    assert queues["regular"]["refused"] > 40
