"""Breakers and fallbacks in a whole runtime: who is refused, who gets what instead, and reloads."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from edge_runtime.errors import EdgeError, RefusedError
from edge_runtime.testing.fake_host import FakeHost, create_fake_host
from edge_runtime.testing.manual_clock import settle

from .task_bundles import bundle
from .test_runtime import Site

BREAKER = {"minCalls": 2, "openMs": 1_000, "halfOpenCalls": 1}
RISKY = """
import asyncio
async def run(ctx, activation):
    given = activation.ext_data if activation.event is None else activation.event.props
    if given["n"] is None:
        await asyncio.Event().wait()
    return {"rest": 12 % given["n"]}
"""
HANG = """
import asyncio
async def run(ctx, activation):
    await asyncio.Event().wait()
"""
SIMPLE = "async def run(ctx, activation):\n    return [activation.task_name, activation.run_id]\n"
CALLER = """
async def run(ctx, activation):
    value = await ctx.call("Risky", activation.ext_data)
    value["mine"] = True
    return value
"""


def on_site(
    fallback: dict[str, Any] | None = None, **manifest: Any
) -> Callable[[Callable[[Site], Awaitable[None]]], Callable[[], None]]:
    def decorate(test: Callable[[Site], Awaitable[None]]) -> Callable[[], None]:
        async def play() -> None:
            site = await started(fallback, None, **manifest)
            await test(site)
            await site.runtime.stop()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        def run() -> None:
            asyncio.run(play())

        run.__name__ = test.__name__
        return run

    return decorate


async def started(fallback: Any = None, host: FakeHost | None = None, **manifest: Any) -> Site:
    sources = {"Risky": RISKY, "Simple": SIMPLE, "Caller": CALLER, "Hang": HANG}
    site = Site(sources, host, scheduler={"breaker": BREAKER, "maxRunning": 1})
    fields = manifest if fallback is None else {"fallback": fallback, **manifest}
    url = "https://shop.test/edge/tasks/Risky.edge"
    site.host.network.files[url] = bundle("Risky", RISKY, **fields)
    assert await site.runtime.start() == []
    return site


async def trip(site: Site) -> None:
    for _ in range(2):
        assert (await site.refusal("risky", ext_data={"n": 0})).code == "task-raised"


@on_site()
async def test_a_task_that_fails_again_and_again_is_refused_and_then_tried(site: Site) -> None:
    await trip(site)

    refused = await site.refusal("risky", ext_data={"n": 5})

    assert isinstance(refused, RefusedError) and refused.code == "circuit-open"
    assert refused.details["breaker"] == "Risky"
    assert 800 <= refused.details["retryAfterMs"] <= 1_200
    await site.host.clock.advance(1_200)
    result = (await site.infer("risky", ext_data={"n": 5})).to_dict()
    assert (result["value"], result["fallback"]) == ({"rest": 2}, None)
    assert site.runtime.statistics()["breakers"]["Risky"]["state"] == "closed"


@on_site(timeoutMs=50)
async def test_runs_that_take_too_long_count_and_what_the_caller_ends_does_not(site: Site) -> None:
    for hangs in (True, True, False, False):
        calling = asyncio.create_task(site.infer("risky", ext_data={"n": None}))
        await site.host.clock.advance(10 if hangs else 50)
        calling.cancel()
        await asyncio.gather(calling, return_exceptions=True)

    figures = site.runtime.statistics()["breakers"]["Risky"]
    assert (figures["state"], figures["opens"]) == ("open", 1)


@on_site({"value": {"rest": -1}})
async def test_a_fixed_value_stands_in_for_callers_and_for_events(site: Site) -> None:
    await trip(site)

    result = (await site.infer("risky", ext_data={"n": 5})).to_dict()
    site.click("Risky", n=5)

    assert (result["value"], result["fallback"]) == ({"rest": -1}, "value")
    (told,) = site.host.page.named("result")
    assert (told["value"], told["fallback"]) == ({"rest": -1}, "value")
    assert (told["taskName"], told["trigger"]) == ("Risky", "event")
    assert site.host.page.named("error") == []


@on_site({"last": True})
async def test_the_last_good_result_stands_in(site: Site) -> None:
    await site.infer("risky", ext_data={"n": 5})
    await site.refusal("risky", ext_data={"n": 0})

    result = await site.infer("risky", ext_data={"n": 7})

    assert (result.value, result.fallback) == ({"rest": 2}, "last")


@on_site({"last": True})
async def test_an_erased_result_stands_in_for_nothing(site: Site) -> None:
    await site.infer("risky", ext_data={"n": 5})
    await site.refusal("risky", ext_data={"n": 0})
    await site.runtime.erase()

    assert (await site.refusal("risky", ext_data={"n": 7})).code == "circuit-open"


@on_site({"last": True})
async def test_without_a_last_good_result_the_refusal_stands(site: Site) -> None:
    await trip(site)

    assert (await site.refusal("risky", ext_data={"n": 5})).code == "circuit-open"


@on_site({"task": "Simple"})
async def test_another_task_stands_in_under_the_name_and_id_of_the_run(site: Site) -> None:
    await trip(site)

    result = await site.infer("risky", ext_data={"n": 5})
    site.click("Risky", n=5)
    await site.host.clock.advance(10)

    assert (result.task_name, result.fallback) == ("Risky", "task")
    assert result.value == ["Simple", result.run_id]
    (told,) = site.host.page.named("result")
    assert (told["taskName"], told["fallback"]) == ("Risky", "task")
    assert told["value"] == ["Simple", told["runId"]]


@on_site({"task": "Hang"}, timeoutMs=60)
async def test_what_stands_in_has_only_the_time_that_the_caller_has_left(site: Site) -> None:
    await site.refusal("risky", ext_data={"n": 0})
    first = asyncio.create_task(site.refusal("risky", 1, ext_data={"n": None}))
    second = asyncio.create_task(site.refusal("risky", 2, ext_data={"n": 5}, timeout_ms=100))
    await site.host.clock.advance(99)
    assert (first.done(), second.done()) == (True, False)

    await site.host.clock.advance(1)

    assert (await second).code == "task-timeout"


@on_site()
async def test_other_settings_hold_at_once(site: Site) -> None:
    site.runtime.reconfigure({"scheduler": {"breaker": {**BREAKER, "minCalls": 1}}})

    await site.refusal("risky", ext_data={"n": 0})

    assert (await site.refusal("risky", ext_data={"n": 5})).code == "circuit-open"


@on_site({"value": {"rest": -1}})
async def test_an_operator_stops_a_task_at_run_time_and_lets_it_go_again(site: Site) -> None:
    forced = {"scheduler": {"breaker": {**BREAKER, "forcedOpen": ["Risky", "Rysky"]}}}

    (problem,) = site.runtime.reconfigure(forced)

    assert (problem.code, problem.details["path"]) == (
        "config-invalid",
        "scheduler.breaker.forcedOpen[1]",
    )
    assert (await site.infer("risky", ext_data={"n": 5})).fallback == "value"
    assert site.runtime.statistics()["breakers"]["Risky"]["state"] == "forced-open"
    assert site.runtime.reconfigure({"scheduler": {"breaker": BREAKER}}) == []
    assert (await site.infer("risky", ext_data={"n": 5})).value == {"rest": 2}


@on_site()
async def test_what_waits_for_more_slots_does_not_start_when_its_task_is_stopped(
    site: Site,
) -> None:
    first = asyncio.create_task(site.refusal("hang", 1, timeout_ms=500))
    second = asyncio.create_task(site.refusal("risky", 2, ext_data={"n": None}))
    await settle()

    breaker = {**BREAKER, "forcedOpen": ["Risky"]}
    site.runtime.reconfigure({"scheduler": {"maxRunning": 4, "breaker": breaker}})

    assert (await second).code == "circuit-open"
    await site.host.clock.advance(500)
    await first


def test_a_task_that_is_to_be_stopped_from_the_start_never_runs() -> None:
    async def play() -> None:
        breaker = {**BREAKER, "forcedOpen": ["Risky", "ranker@gpu"]}
        site = Site({"Risky": RISKY}, scheduler={"breaker": breaker})

        (problem,) = await site.runtime.start()

        assert problem.message.startswith(
            "config at scheduler.breaker.forcedOpen[1]: expected a loaded task or a model on a "
            "backend (ranker@wasm, ranker@webgpu, ranker@webnn, Risky), got"
        )
        assert (await site.refusal("risky", ext_data={"n": 5})).code == "circuit-open"
        await site.runtime.stop()

    asyncio.run(play())


@on_site({"value": {"rest": -1}})
async def test_a_nested_call_gets_a_copy_of_what_stands_in(site: Site) -> None:
    await trip(site)

    for _ in range(2):
        result = await site.infer("caller", ext_data={"n": 5})
        assert result.value == {"rest": -1, "mine": True}
        assert result.fallback is None
    assert (await site.infer("risky", ext_data={"n": 5})).value == {"rest": -1}


@on_site()
async def test_a_refusal_that_a_task_lets_through_is_not_its_own_failure(site: Site) -> None:
    await trip(site)

    for _ in range(3):
        assert (await site.refusal("caller", ext_data={"n": 5})).details["breaker"] == "Risky"

    figures = site.runtime.statistics()["breakers"]["Caller"]
    assert (figures["state"], figures["failures"]) == ("closed", 0)


def test_a_fallback_on_a_task_that_is_not_there_is_told_at_the_start() -> None:
    async def play() -> None:
        site = Site({"Risky": RISKY}, scheduler={"breaker": BREAKER})
        url = "https://shop.test/edge/tasks/Risky.edge"
        site.host.network.files[url] = bundle("Risky", RISKY, fallback={"task": "Nobody"})

        (problem,) = await site.runtime.start()

        assert (problem.code, problem.details["fallback"]) == ("task-unknown", "Nobody")
        await trip(site)
        assert (await site.refusal("risky", ext_data={"n": 5})).code == "circuit-open"
        await site.runtime.stop()

    asyncio.run(play())


def test_a_breaker_is_open_after_a_reload_and_doubles_on() -> None:
    async def play() -> None:
        site = await started()
        await trip(site)
        await site.runtime.stop()

        later = await started(None, create_fake_host(site.host.disk, site.host.clock))
        refused: EdgeError = await later.refusal("risky", ext_data={"n": 5})

        assert refused.code == "circuit-open"
        await later.host.clock.advance(1_200)
        assert (await later.refusal("risky", ext_data={"n": 0})).code == "task-raised"
        again = await later.refusal("risky", ext_data={"n": 5})
        assert 1_600 <= again.details["retryAfterMs"] <= 2_400
        await later.runtime.stop()

    asyncio.run(play())
