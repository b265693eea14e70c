"""What becomes of runs that events asked for when their worker ends: the next one goes on."""

import asyncio
import json
from collections import Counter
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.run_events import TAKEN_UP_MS
from edge_runtime.runtime import Runtime
from edge_runtime.services.unfinished import AFTER_MS, KEY, SAVE_MS
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.manual_clock import START_MS
from edge_runtime.testing.replay import QUIET, Replay
from edge_runtime.testing.replay_report import ReplayReport
from edge_runtime.testing.trace_lines import parse_trace
from edge_runtime.testing.virtual_device import VirtualDevice

from tests.effort import EFFORT

from .task_bundles import UNSIGNED, bundle
from .test_runs import STUBBORN
from .test_runtime import BASE, WAIT, Site, trigger

TASKS = "https://shop.test/edge/tasks"
DAY_MS = 86_400_000
ECHO = """
async def run(ctx, activation):
    return [activation.run_id, activation.event.id, activation.event.props]
"""
FAILS = "async def run(ctx, activation):\n    return 1 / 0\n"
SOURCES = {"Wait": WAIT, "Echo": ECHO, "Other": ECHO}
ONE_SLOT = {"maxRunning": 1}


def crashing(test: Callable[[Site], Awaitable[None]]) -> Callable[[], None]:
    """Run a test on a started site of one slot, whose worker the test leaves to its end."""

    def run() -> None:
        async def play() -> None:
            site = Site(SOURCES, scheduler=ONE_SLOT)
            assert await site.runtime.start() == []
            await test(site)

        asyncio.run(play())

    run.__name__ = test.__name__
    return run


async def crash(site: Site) -> None:
    """End a worker where it is: nothing that it does later reaches the disk."""

    def gone(_name: str) -> None:
        raise asyncio.CancelledError

    site.host.storage.steps.on_step = gone
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    await asyncio.sleep(0)


async def next_life(
    former: Site,
    *,
    sources: dict[str, str] = SOURCES,
    files: dict[str, bytes] | None = None,
    is_served: bool = True,
    **config: Any,
) -> Site:
    """Start the next worker on the same device."""
    host = create_fake_host(former.host.disk, former.host.clock)
    site = Site(sources, host=host, **{"scheduler": ONE_SLOT, **config})
    host.network.files |= files or {}
    site.events = former.events
    await site.runtime.start()
    if is_served:
        site.runtime.take_up()
        await host.clock.advance(1)
    return site


def told(site: Site) -> list[Any]:
    """Return whom the site has told what."""
    found = []
    for (name, body), client in zip(site.host.page.notices, site.host.page.clients, strict=True):
        if name in ("result", "error"):
            code = body["error"]["code"] if name == "error" else "ok"
            found.append((client, body["runId"], code))
    return found


@crashing
async def test_what_waits_is_run_by_the_next_worker_and_what_has_begun_is_told(site: Site) -> None:
    site.click("Wait", "one")
    site.click("Other", "two", n=1)
    site.click("Echo", "three")
    site.click("Other", "two", n=2)
    await site.host.clock.advance(AFTER_MS)
    assert told(site) == []
    await crash(site)

    after = await next_life(site)

    assert told(after) == [
        ("one", "Wait-e1", "worker-lost"),
        ("two", "Other-e2", "ok"),
        ("three", "Echo-e3", "ok"),
        ("two", "Other-e4", "ok"),
    ]
    assert after.host.page.named("result")[0]["value"] == ["Other-e2", "e2", {"n": 1}]
    (lost,) = after.host.page.named("error")
    assert lost["error"]["details"] == {"mayHaveBegun": True}
    assert "Its code may have had effects, so it is not run again" in lost["error"]["message"]
    await after.host.clock.advance(2 * SAVE_MS)
    assert after.runtime.data.get(KEY) == []
    await after.runtime.stop()
    assert told(await next_life(after)) == []


def test_a_worker_that_is_replaced_because_code_does_not_end_leaves_what_waits() -> None:
    async def play() -> None:
        stubborn = {**SOURCES, "Stubborn": STUBBORN}
        site = Site(stubborn, scheduler=ONE_SLOT)
        await site.runtime.start()
        site.click("Stubborn", "one")
        await site.host.clock.advance(10_990)
        site.click("Echo", "two")
        await site.host.clock.advance(20)
        assert len(site.host.page.replace_reasons) == 1
        await crash(site)

        after = await next_life(site, sources=stubborn)

        assert ("two", "Echo-e2", "ok") in told(after)
        await after.runtime.stop()

    asyncio.run(play())


@crashing
async def test_what_is_left_goes_before_what_new_events_ask_for(site: Site) -> None:
    site.click("Wait")
    site.click("Echo")
    await site.host.clock.advance(AFTER_MS)
    await crash(site)
    after = await next_life(site, is_served=False)

    after.click("Other")
    after.runtime.take_up()
    await after.host.clock.advance(1)

    ends = [("Wait-e1", "worker-lost"), ("Echo-e2", "ok"), ("Other-e3", "ok")]
    assert [each[1:] for each in told(after)] == ends
    await after.runtime.stop()


@crashing
async def test_a_run_waits_again_in_the_queue_of_its_trigger(site: Site) -> None:
    site.runtime.reconfigure(
        {**site.config, "triggers": [trigger("Wait"), {**trigger("Echo"), "priority": "low"}]}
    )
    site.click("Wait")
    site.click("Echo")
    await site.host.clock.advance(AFTER_MS)
    await crash(site)
    after = await next_life(site, is_served=False)
    after.runtime.pause()
    after.runtime.take_up()

    queues = after.runtime.statistics()["queues"]
    assert (queues["low"]["waiting"], queues["regular"]["waiting"]) == (1, 0)
    await after.runtime.stop()


@crashing
async def test_a_run_that_ends_its_worker_is_taken_up_once(site: Site) -> None:
    site.click("Wait")
    site.click("Echo")
    await site.host.clock.advance(AFTER_MS)
    await crash(site)
    second = await next_life(site, is_served=False)
    second.runtime.pause()
    second.runtime.take_up()
    await second.host.clock.advance(3 * SAVE_MS)
    assert told(second) == [("", "Wait-e1", "worker-lost")]
    await crash(second)

    # Nobody knows whether the second worker had begun it.
    third = await next_life(second)

    assert told(third) == [("", "Echo-e2", "worker-lost")]
    await third.runtime.stop()


@pytest.mark.parametrize(
    ("sources", "age_ms", "why"),
    [
        ({"Wait": WAIT}, 0, "Its task is not loaded any more"),
        (SOURCES, TAKEN_UP_MS + 1, "Its event is older than 600000 ms"),
        (SOURCES, 2 * DAY_MS, "Its event is not stored any more"),
    ],
)
def test_what_cannot_be_run_any_more_is_told(
    sources: dict[str, str], age_ms: float, why: str
) -> None:
    async def play() -> None:
        site = Site(SOURCES, scheduler=ONE_SLOT)
        await site.runtime.start()
        site.click("Wait")
        site.click("Echo", "tab")
        await site.host.clock.advance(AFTER_MS)
        await crash(site)
        site.host.clock.set_now(site.host.clock.now_ms() - AFTER_MS + age_ms)

        after = await next_life(site, sources=sources, data={"events": {"maxAgeDays": 1}})

        assert told(after)[1:] == [("tab", "Echo-e2", "worker-lost")]
        error = after.host.page.named("error")[1]["error"]
        assert why in error["message"]
        assert error["details"] == {"mayHaveBegun": False}
        await after.runtime.stop()

    asyncio.run(play())


@crashing
async def test_a_flush_keeps_runs_that_were_only_just_asked_for(site: Site) -> None:
    site.click("Wait")
    site.click("Echo")
    await site.runtime.flush()
    await crash(site)

    after = await next_life(site)

    assert told(after) == [("", "Wait-e1", "worker-lost"), ("", "Echo-e2", "ok")]
    await after.runtime.stop()


@crashing
async def test_a_stop_leaves_what_waits_to_the_next_worker(site: Site) -> None:
    site.click("Wait")
    site.click("Echo", "tab")
    await site.host.clock.advance(1)
    await site.runtime.stop()
    assert told(site) == []

    after = await next_life(site)

    assert told(after) == [("", "Wait-e1", "worker-lost"), ("tab", "Echo-e2", "ok")]
    await after.runtime.stop()


@crashing
async def test_what_is_left_stays_left_if_the_next_worker_stops_before_pages_are_served(
    site: Site,
) -> None:
    site.click("Wait")
    site.click("Echo")
    await site.runtime.stop()
    between = await next_life(site, is_served=False)
    await between.runtime.stop()

    after = await next_life(site)

    assert told(after) == [("", "Wait-e1", "worker-lost"), ("", "Echo-e2", "ok")]
    await after.runtime.stop()


@crashing
async def test_what_is_erased_is_not_gone_on_with(site: Site) -> None:
    site.click("Wait")
    site.click("Echo")
    await site.host.clock.advance(AFTER_MS)
    await site.runtime.erase()
    await site.host.clock.advance(3 * SAVE_MS)
    assert site.runtime.data.query("select key from keys") == []
    await crash(site)

    assert told(await next_life(site)) == []


def test_a_run_that_another_task_stands_in_for_is_kept_under_its_own_name() -> None:
    async def play() -> None:
        sources = {**SOURCES, "Fails": FAILS}
        limits = {**ONE_SLOT, "breaker": {"forcedOpen": ["Fails"]}}
        files = {f"{TASKS}/Fails.edge": bundle("Fails", FAILS, fallback={"task": "Echo"})}
        site = Site(sources, scheduler=limits)
        site.host.network.files |= files
        await site.runtime.start()
        site.click("Wait")
        site.click("Fails", "tab")
        await site.host.clock.advance(AFTER_MS)
        assert site.runtime.data.get(KEY)[1] == ["Fails", "e2", "tab", None, False]
        await crash(site)

        after = await next_life(site, sources=sources, files=files, scheduler=limits)

        assert told(after)[1:] == [("tab", "Fails-e2", "ok")]
        (result,) = after.host.page.named("result")
        assert (result["taskName"], result["fallback"]) == ("Fails", "task")
        await after.host.clock.advance(3 * SAVE_MS)
        assert after.runtime.data.get(KEY) == []
        await after.runtime.stop()

    asyncio.run(play())


SLOW = """
import asyncio
async def run(ctx, activation):
    await asyncio.sleep(0.3)
"""
STRIDE = max(1, 4 // EFFORT)
CLICKS = ["Slow", "Echo", "Other"]
RUNS = {f"{name}-e{number}" for number, name in enumerate(CLICKS)}


@crashing
async def test_what_a_lost_worker_had_is_noted_before_it_is_run(site: Site) -> None:
    rows = [["e1", site.host.clock.now_ms(), "mta", "Home", "Echo", 0, {}]]
    site.host.storage.may_write.clear()
    site.runtime.track(json.dumps(rows), "tab", is_again=True)
    await site.host.clock.advance(1)
    assert told(site) == []
    site.host.storage.may_write.set()
    await site.host.clock.advance(1)
    assert told(site) == [("tab", "Echo-e1", "ok")]
    assert site.runtime.data.get(KEY) == []
    await site.runtime.stop()


@crashing
async def test_what_a_lost_worker_had_is_not_run_if_that_cannot_be_noted(site: Site) -> None:
    rows = [["e1", site.host.clock.now_ms(), "mta", "Home", "Echo", 0, {}]]
    site.host.storage.quota_bytes = 0
    site.runtime.track(json.dumps(rows), "tab", is_again=True)
    await site.host.clock.advance(1)

    assert told(site) == [("tab", "Echo-e1", "worker-lost")]
    await site.runtime.stop()


@crashing
async def test_a_stop_leaves_what_is_not_noted_yet_to_the_next_worker(site: Site) -> None:
    rows = [["e1", site.host.clock.now_ms(), "mta", "Home", "Echo", 0, {}]]
    site.runtime.track(json.dumps(rows), "tab", is_again=True)
    await site.runtime.stop()
    assert told(site) == []

    after = await next_life(site)

    assert told(after) == [("tab", "Echo-e1", "ok")]
    await after.runtime.stop()


class Story:
    """One slot, a slow run in it and others that wait, on a device whose workers die."""

    def __init__(self) -> None:
        self.device = VirtualDevice()
        self.told: dict[str, str] = {}
        self.begun: list[tuple[int, str]] = []
        self.life = 0
        sources = {"Slow": SLOW, "Echo": ECHO, "Other": ECHO}
        for name, source in sources.items():
            self.device.files[f"{TASKS}/{name}.edge"] = bundle(name, source)
        self.config = parse_config(
            {
                "bundles": [f"{TASKS}/{name}.edge" for name in sources],
                "triggers": [trigger(name) for name in sources],
                "scheduler": ONE_SLOT,
                "trust": UNSIGNED,
            }
        )

    def note(self, kind: str, **fields: Any) -> None:
        """Keep in which life a run begins."""
        if kind == "begin":
            self.begun.append((self.life, fields["runId"]))

    def live(
        self, ms: float, rounds: int = 0, *, click: bool = False, is_again: bool = False
    ) -> None:
        """Start another worker; it dies after ``ms``, and so many rounds of ready callbacks."""
        self.life += 1
        host, journal = self.device.host(), self.device.journal(self)
        runtime = Runtime(host, self.config, BASE, journal=journal, limits=QUIET)

        async def serve() -> None:
            await runtime.start()
            runtime.take_up()

        loop, page = self.device.loop, self.device.page
        if click:
            self.device.wait_for(serve())
            loop.call_soon(partial(runtime.track, self.rows(), is_again=is_again))
        else:
            serving = loop.create_task(serve())
        end_ms = loop.now_ms + ms
        loop.call_at_ms(end_ms, self.count_down, rounds)
        loop.run_until_idle(end_ms)
        for name, body in page.notices:
            if name in ("result", "error"):  # A page hears of a run once: js_shim/delivery.js.
                self.told.setdefault(body["runId"], name)
        self.device.reload(runtime.stop)
        assert click or serving.done() or ms == 0

    def count_down(self, rounds: int) -> None:
        loop = self.device.loop
        loop.stop() if rounds == 0 else loop.call_soon(self.count_down, rounds - 1)

    def rows(self) -> str:
        """Return the clicks, at once."""
        now_ms = self.device.clock.now_ms()
        return json.dumps(
            [[f"e{n}", now_ms, "mta", "Home", name, 0, {}] for n, name in enumerate(CLICKS)]
        )

    def check(self, told: set[str]) -> None:
        """Look whether of these runs all are told, and none was taken up twice."""
        assert told <= self.told.keys()
        again = Counter(run_id for life, run_id in self.begun if life > 1)
        assert all(lives == 1 for lives in again.values()), self.begun


@pytest.mark.parametrize("at_ms", [0, 50, 99, 100, 101, 300, 310, 1_100, 1_300])
def test_a_worker_may_die_at_any_time(at_ms: float) -> None:
    for rounds in range(0, 40, STRIDE):
        story = Story()
        story.live(at_ms, rounds, click=True)
        story.live(5_000)

        story.check(RUNS if at_ms > AFTER_MS else set())
        if at_ms == 101:
            assert story.told == {"Slow-e0": "error", "Echo-e1": "result", "Other-e2": "result"}
        if at_ms >= 310:
            assert set(story.told.values()) == {"result"}


@pytest.mark.parametrize("at_ms", [0, 1, 99, 1_000, 1_001])
def test_the_next_worker_may_die_at_any_time_as_well(at_ms: float) -> None:
    for rounds in range(0, 60, STRIDE):
        story = Story()
        story.live(200, click=True)
        story.live(at_ms, rounds)
        story.live(5_000)

        story.check(RUNS)


@pytest.mark.parametrize("at_ms", [0, 1, 299, 300, 1_400])
def test_what_ended_a_worker_is_tried_once_more(at_ms: float) -> None:
    for rounds in range(0, 60, STRIDE):
        story = Story()
        story.life = 1
        story.live(at_ms, rounds, click=True, is_again=True)
        story.live(5_000, click=True, is_again=True)

        story.check(RUNS)


@pytest.mark.parametrize("seed", [None, *range(5)])
def test_a_replay_goes_on_after_a_reload(seed: int | None) -> None:
    names = ["Slow", "Echo", "Other"]
    rows = [[f"e{n}", START_MS, "mta", "Home", name, 0, {}] for n, name in enumerate(names)]
    lines: list[dict[str, Any]] = [
        {"atMs": 0, "kind": "track", "events": rows},
        {"atMs": 0, "kind": "run", "runId": "Slow-e0", "runMs": 5_000},
        {"atMs": 1_000, "kind": "reload"},
    ]
    config = parse_config({"scheduler": ONE_SLOT, "triggers": [trigger(name) for name in names]})

    log = Replay(parse_trace("\n".join(map(json.dumps, lines))), config, seed=seed).run()

    second = [(each.kind, each.run_id) for each in log.decisions if each.at_ms == 1_000]
    assert second == [
        ("start", ""),
        ("lost", "Slow-e0"),
        ("activation", "Echo-e1"),
        ("activation", "Other-e2"),
        ("begin", "Echo-e1"),
    ]
    assert ReplayReport(log).tasks["Slow"].outcomes == {"worker-lost": 1}
    assert ReplayReport(log).tasks["Echo"].outcomes == {"ok": 1}
