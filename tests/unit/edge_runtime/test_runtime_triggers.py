"""The whole runtime on the fake host: which runs events start, over restarts and other rules."""

import asyncio
from typing import Any

import pytest
from edge_runtime.errors import ConfigError, RefusedError
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.manual_clock import settle

from .test_runtime import FAIL, WAIT, Site, on_site, trigger

ECHO = "async def run(ctx, activation):\n    return activation.run_id\n"
ITEM = {"type": "mta", "pageId": "Home", "clickIds": ["item"]}
BUY = {"type": "mta", "pageId": "Home", "clickIds": ["buy"]}
PAIR = {"taskName": "Echo", "sequence": [ITEM, BUY]}


async def ran(site: Site) -> list[Any]:
    await site.host.clock.advance(10)
    found = [result["runId"] for result in site.host.page.named("result")]
    site.host.page.notices.clear()
    return found


@on_site({"Echo": ECHO}, triggers=[PAIR])
async def test_a_sequence_runs_its_task_under_the_id_of_its_last_event(site: Site) -> None:
    site.click("item")
    site.click("buy")
    assert await ran(site) == ["Echo-e2"]


@on_site({"Wait": WAIT}, triggers=[{**trigger("Wait"), "priority": "core"}])
async def test_a_run_waits_in_the_queue_of_its_trigger(site: Site) -> None:
    site.click("Wait")
    await site.host.clock.advance(1)
    queues = site.runtime.statistics()["queues"]
    assert (queues["core"]["running"], queues["regular"]["running"]) == (1, 0)


def test_a_restart_goes_on_in_the_middle_of_a_sequence() -> None:
    async def play() -> None:
        first = Site({"Echo": ECHO}, triggers=[PAIR])
        await first.runtime.start()
        first.click("item")
        await first.runtime.stop()
        again = create_fake_host(first.host.disk, first.host.clock)
        second = Site({"Echo": ECHO}, host=again, triggers=[PAIR])
        assert await second.runtime.start() == []
        second.events = first.events
        second.click("buy")
        assert await ran(second) == ["Echo-e2"]
        await second.runtime.stop()

    asyncio.run(play())


async def after_a_crash(site: Site, **config: Any) -> Site:
    """Start a site on what the disk holds right now."""
    again = create_fake_host(site.host.disk.copy(), site.host.clock)
    later = Site({"Echo": ECHO, "Fail": FAIL, "Bad": FAIL}, host=again, **config)
    assert await later.runtime.start() == []
    later.events = site.events
    return later


COOLED = {
    "triggers": [
        {"taskName": "Echo", "events": [pattern], "cooldownMs": 60_000} for pattern in (BUY, ITEM)
    ]
}


@on_site({"Echo": ECHO, "Fail": FAIL, "Bad": FAIL}, **COOLED)
async def test_a_flush_keeps_what_triggers_remember_of_the_last_second(site: Site) -> None:
    site.click("buy")
    await settle()
    site.click("item")
    await site.runtime.flush()

    later = await after_a_crash(site, **COOLED)
    later.click("item")

    assert await ran(later) == []
    await later.runtime.stop()


BREAKING = {"scheduler": {"breaker": {"minCalls": 1}}}


@on_site({"Echo": ECHO, "Fail": FAIL, "Bad": FAIL}, **BREAKING)
async def test_a_flush_keeps_breakers_that_opened_during_a_write(site: Site) -> None:
    gate = asyncio.Event()
    site.host.storage.steps.hold_at = lambda _: gate.wait()
    for code in ("fail", "bad"):
        assert (await site.refusal(code)).code == "task-raised"
        await settle()
    flushing = asyncio.create_task(site.runtime.flush())
    await settle()
    gate.set()
    await flushing

    later = await after_a_crash(site, **BREAKING)

    for code in ("fail", "bad"):
        assert (await later.refusal(code)).code == "circuit-open"
    await later.runtime.stop()


@on_site({"Echo": ECHO, "Fail": FAIL}, struck=("Echo",))
async def test_a_task_that_cost_the_workers_before_begins_with_an_open_breaker(site: Site) -> None:
    assert (await site.refusal("echo")).code == "circuit-open"
    assert (await site.refusal("fail")).code == "task-raised"


@on_site({"Echo": ECHO}, triggers=[PAIR])
async def test_another_configuration_keeps_what_equal_triggers_remember(site: Site) -> None:
    site.click("item")
    other = {"taskName": "Echo", "events": [{**ITEM, "clickIds": ["other"]}]}
    assert site.runtime.reconfigure({**site.config, "triggers": [other, PAIR]}) == []
    site.click("other")
    site.click("buy")
    assert await ran(site) == ["Echo-e2", "Echo-e3"]
    assert site.runtime.statistics()["triggers"] == {"count": 2, "matches": 2}


@on_site({"Echo": ECHO}, triggers=[PAIR])
async def test_an_invalid_configuration_is_refused_as_a_whole(site: Site) -> None:
    site.click("item")
    with pytest.raises(ConfigError, match="at triggers"):
        site.runtime.reconfigure({"triggers": [PAIR, {**PAIR, "withinMs": 0}]})
    site.click("buy")
    assert await ran(site) == ["Echo-e2"]


@on_site({"Echo": ECHO}, triggers=[PAIR])
async def test_what_another_configuration_cannot_change_is_told(site: Site) -> None:
    absent = {**PAIR, "taskName": "Gone"}
    rules = {"events": {"encrypted": False}}
    trust = {"seals": {"s1": f"{'A' * 43}="}}
    fixed = {"data": rules, "vms": 2, "trust": trust, "bundles": ["other.edge"]}
    problems = site.runtime.reconfigure({"triggers": [absent], **fixed})
    paths = [problem.details["path"] for problem in problems]
    assert paths == ["triggers[0].taskName", "bundles", "data", "container", "trust"]
    site.click("item")
    site.click("buy")
    assert await ran(site) == []


@on_site({"Wait": WAIT}, scheduler={"maxRunning": 1, "queueLimits": {"regular": 1}})
async def test_another_configuration_brings_its_limits(site: Site) -> None:
    for _ in range(2):
        site.click("Wait")
    site.runtime.reconfigure({**site.config, "scheduler": {"maxRunning": 3}})
    await site.host.clock.advance(1)
    site.click("Wait")
    await site.host.clock.advance(1)
    assert site.host.page.named("error") == []
    assert site.runtime.statistics()["queues"]["regular"]["running"] == 2


def test_only_a_started_runtime_takes_another_configuration() -> None:
    with pytest.raises(RefusedError, match="expected a started one"):
        Site({}).runtime.reconfigure({})
