"""Runs of real tasks on the fake host: calls of each other, supersession, waiting, what is told."""

import asyncio
from typing import Any

import pytest
from edge_runtime.testing.manual_clock import settle
from edge_runtime.types import Priority

from .task_bundles import bundle
from .test_runtime import FAIL, RANK, WAIT, Site, on_site

TOP = """
import asyncio
async def run(ctx, activation):
    calls = [ctx.call("Double", {"n": n}) for n in activation.ext_data["numbers"]]
    return await asyncio.gather(*calls)
"""
DOUBLE = """
async def run(ctx, activation):
    return {"n": 2 * activation.ext_data["n"], "by": activation.trigger.value}
"""
CALLER = """
async def run(ctx, activation):
    return await ctx.call(activation.ext_data["task"], activation.ext_data.get("data"))
"""
KEEPER = """
async def run(ctx, activation):
    return [activation.ext_data]
"""
CHANGER = """
async def run(ctx, activation):
    activation.ext_data["a"].append(2)
    return activation.ext_data
"""
LENDER = """
async def run(ctx, activation):
    lent = {"a": [1]}
    first = await ctx.call("Changer", lent)
    first["a"].append(3)
    return [lent, first, await ctx.call("Changer", lent)]
"""
STUBBORN = """
import asyncio
async def run(ctx, activation):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        await asyncio.Event().wait()
"""
ONE_SLOT = {"maxRunning": 1}


@on_site({"Top": TOP, "Double": DOUBLE}, scheduler=ONE_SLOT)
async def test_a_task_calls_others_side_by_side_in_one_slot(site: Site) -> None:
    result = await site.infer("top", ext_data={"numbers": [1, 2, 3]})

    assert result.value == [{"n": n, "by": "api"} for n in (2, 4, 6)]
    queue = site.runtime.statistics()["queues"]["regular"]
    assert (queue["finished"], queue["running"], queue["parked"]) == (4, 0, 0)
    assert site.host.page.named("result") == []


@on_site({"Lender": LENDER, "Changer": CHANGER})
async def test_tasks_that_call_each_other_share_no_objects(site: Site) -> None:
    result = await site.infer("lender")

    assert result.value == [{"a": [1]}, {"a": [1, 2, 3]}, {"a": [1, 2]}]


@on_site({"Caller": CALLER})
async def test_a_call_of_a_task_that_is_not_there_names_those_that_are(site: Site) -> None:
    error = await site.refusal("caller", ext_data={"task": "Rang"})

    assert error.code == "task-unknown"
    assert error.message == (
        'ctx.call: expected the name of a loaded task (Caller), got "Rang" (string). Correct it, '
        "or add the task's bundle."
    )


@on_site({"Caller": CALLER})
async def test_a_task_that_calls_itself_is_refused_with_the_path(site: Site) -> None:
    error = await site.refusal("caller", ext_data={"task": "Caller"})

    assert (error.code, error.details["path"]) == ("call-cycle", ["Caller", "Caller"])


@on_site({"Caller": "async def run(ctx, activation):\n    await ctx.call('Caller', {'x': {1}})\n"})
async def test_data_for_a_call_must_be_plain(site: Site) -> None:
    error = await site.refusal("caller")

    assert error.code == "argument-invalid"
    assert "expected JSON-able data or bytes at value.x, got set" in error.message


@on_site({"Caller": CALLER, "Wait": WAIT})
async def test_cancelling_a_call_cancels_what_its_task_called(site: Site) -> None:
    calling = asyncio.create_task(site.refusal("caller", 7, ext_data={"task": "Wait"}))
    await settle()

    site.runtime.cancel(7)

    assert (await calling).code == "run-cancelled"
    await settle()
    queue = site.runtime.statistics()["queues"]["regular"]
    assert (queue["cancelled"], queue["running"], queue["parked"]) == (2, 0, 0)


@pytest.mark.parametrize(
    ("supersede", "codes", "finished"),
    [("latest", ["run-superseded", "ok", "ok"], 2), ("join", ["ok", "ok", "ok"], 2)],
)
def test_what_a_task_says_of_a_run_that_waits_is_done(
    supersede: str, codes: list[str], finished: int
) -> None:
    async def play() -> None:
        site = Site({"Keeper": KEEPER}, scheduler=ONE_SLOT)
        url = "https://shop.test/edge/tasks/Keeper.edge"
        site.host.network.files[url] = bundle("Keeper", KEEPER, supersede=supersede)
        await site.runtime.start()
        site.runtime.pause()
        site.click("Keeper")
        site.click("Keeper")
        site.runtime.resume()
        other = await site.infer("keeper", supersede_key="another")
        await settle()
        told = site.host.page.notices
        heard = [body["error"]["code"] if name == "error" else "ok" for name, body in told]
        assert [*heard, "ok"] == codes
        assert other.value
        assert site.runtime.statistics()["queues"]["regular"]["finished"] == finished
        await site.runtime.stop()

    asyncio.run(play())


def test_whoever_joined_a_run_is_told_its_id() -> None:
    async def play() -> None:
        site = Site({"Keeper": KEEPER}, scheduler=ONE_SLOT)
        url = "https://shop.test/edge/tasks/Keeper.edge"
        site.host.network.files[url] = bundle("Keeper", KEEPER, supersede="join")
        await site.runtime.start()
        site.runtime.pause()
        site.click("Keeper", "tab-1")
        site.click("Keeper", "tab-2")
        site.runtime.resume()
        await settle()

        first, second = site.host.page.named("result")
        assert first["runId"] == second["runId"] == "Keeper-e1"
        assert site.host.page.clients == ["tab-1", "tab-2"]
        await site.runtime.stop()

    asyncio.run(play())


@on_site({"Rank": RANK}, scheduler={"maxRunning": 4})
async def test_requests_for_one_inference_worker_wait_for_each_other(site: Site) -> None:
    calls = [asyncio.create_task(site.infer("rank", number)) for number in range(2)]
    calls.append(asyncio.create_task(site.infer("rank", 2, priority=Priority.CORE)))
    await site.host.clock.advance(20)

    results = [await call for call in calls]

    assert [result.timings.lane_ms for result in results] == [0, 4, 2]
    assert [result.to_dict()["waitedFor"] for result in results] == [None, "lane", "lane"]
    assert site.runtime.statistics()["lanes"]["wasm"] == {
        "waiting": 0,
        "running": 0,
        "finished": 3,
        "waitMs": {"p50": 2, "p99": 4},
    }


@on_site({"Stubborn": STUBBORN}, scheduler={"maxRunning": 2})
async def test_a_worker_whose_slots_are_held_for_good_is_replaced_once_events_are_durable(
    site: Site,
) -> None:
    site.click("Stubborn")
    await site.host.clock.advance(10_999)
    assert site.host.page.replace_reasons == []

    await site.host.clock.advance(1)

    (reason,) = site.host.page.replace_reasons
    assert reason.startswith("tasks were expected to return when they were cancelled")
    assert site.runtime.statistics()["store"]["pendingOps"] == 0
    await stop_all(site)


@on_site({"Stubborn": STUBBORN}, scheduler={"maxRunning": 1})
async def test_storage_that_does_not_answer_does_not_hold_up_the_replacement(site: Site) -> None:
    site.click("Stubborn")
    await site.host.clock.advance(10_000)
    site.host.storage.may_write.clear()
    site.click("Stubborn")

    await site.host.clock.advance(1_000)
    assert site.host.page.replace_reasons == []
    await site.host.clock.advance(2_000)

    assert len(site.host.page.replace_reasons) == 1
    site.host.storage.may_write.set()
    await stop_all(site)


FAN = """
import asyncio
async def run(ctx, activation):
    given = activation.ext_data
    calls = [ctx.call("Double", {"n": n}) for n in range(given["calls"])]
    ends = await asyncio.gather(*calls, return_exceptions=given["catches"])
    return [end["n"] if isinstance(end, dict) else end.code for end in ends]
"""
NARROW = {"maxRunning": 1, "queueLimits": {"core": 2, "regular": 3, "low": 3}}


@pytest.mark.parametrize(("priority", "fit"), [(Priority.REGULAR, 4), (Priority.CORE, 3)])
def test_what_a_run_calls_at_once_waits_in_its_queue_and_the_surplus_is_refused(
    priority: Priority, fit: int
) -> None:
    @on_site({"Fan": FAN, "Double": DOUBLE}, scheduler=NARROW)
    async def play(site: Site) -> None:
        data = {"calls": 9, "catches": True}
        result = await site.infer("fan", ext_data=data, priority=priority)

        # One in the slot that the caller has given away, the others behind it.
        assert result.value == [2 * n for n in range(fit)] + ["queue-full"] * (9 - fit)
        queue = site.runtime.statistics()["queues"][priority.value]
        assert (queue["finished"], queue["refused"]) == (fit + 1, 9 - fit)
        assert (queue["waiting"], queue["running"], queue["parked"]) == (0, 0, 0)

    play()


@on_site({"Fan": FAN, "Double": DOUBLE}, scheduler=NARROW)
async def test_a_run_ends_with_the_refusal_that_it_does_not_catch(site: Site) -> None:
    data = {"calls": 9, "catches": False}

    error = await site.refusal("fan", ext_data=data)

    assert (error.code, error.details["queue"], error.details["limit"]) == (
        "queue-full",
        "regular",
        3,
    )
    await settle()
    queue = site.runtime.statistics()["queues"]["regular"]
    assert (queue["waiting"], queue["running"], queue["parked"]) == (0, 0, 0)
    assert (await site.infer("double", ext_data={"n": 1})).value["n"] == 2


DEAF = """
import asyncio
async def run(ctx, activation):
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        pass
    if activation.ext_data.get("raises"):
        raise ValueError
"""


def counts(site: Site, name: str) -> tuple[int, int]:
    figures = site.runtime.statistics()["tasks"][name]
    return figures["runs"], figures["failures"]


@on_site({"Fail": FAIL, "Set": "async def run(ctx, activation):\n    return {1}\n"})
async def test_a_run_that_raises_or_returns_what_cannot_be_sent_has_failed(site: Site) -> None:
    assert (await site.refusal("fail")).code == "task-raised"
    assert (await site.refusal("set")).code == "task-output-invalid"

    assert (counts(site, "Fail"), counts(site, "Set")) == ((1, 1), (1, 1))


@pytest.mark.parametrize("more", [{}, {"timeout_ms": 50}, {"ext_data": {"raises": True}}])
@pytest.mark.parametrize("source", [WAIT, DEAF])
def test_a_run_that_takes_too_long_has_failed_once(source: str, more: dict[str, Any]) -> None:
    @on_site({"Slow": source})
    async def play(site: Site) -> None:
        calling = asyncio.create_task(site.refusal("slow", **more))
        await site.host.clock.advance(1_000)

        assert (await calling).code == "task-timeout"
        assert counts(site, "Slow") == (1, 1)

    play()


@pytest.mark.parametrize("ext_data", [{}, {"raises": True}])
@pytest.mark.parametrize("source", [WAIT, DEAF])
def test_a_run_that_is_cancelled_or_stopped_has_not_failed(
    source: str, ext_data: dict[str, Any]
) -> None:
    @on_site({"Slow": source})
    async def play(site: Site) -> None:
        cancelled = asyncio.create_task(site.refusal("slow", 1, ext_data=ext_data))
        stopped = asyncio.create_task(site.refusal("slow", 2, ext_data=ext_data))
        await settle()
        site.runtime.cancel(1)
        await settle()
        await site.runtime.stop()

        assert [(await each).code for each in (cancelled, stopped)] == [
            "run-cancelled",
            "runtime-stopped",
        ]
        assert counts(site, "Slow") == (2, 0)

    play()


@on_site({"Caller": CALLER, "Wait": WAIT})
async def test_what_a_run_called_has_not_failed_when_that_takes_too_long(site: Site) -> None:
    calling = asyncio.create_task(site.refusal("caller", ext_data={"task": "Wait"}))
    await site.host.clock.advance(1_000)

    assert (await calling).code == "task-timeout"
    assert (counts(site, "Caller"), counts(site, "Wait")) == ((1, 1), (1, 0))


LEFT_BEHIND = """
import asyncio
from edge_runtime.task import Tensor

async def run(ctx, activation):
    left = asyncio.ensure_future(ctx.infer("ranker", {"hist": Tensor.int64([1])}))
    await asyncio.sleep(0)
    return left.done()
"""


def test_what_a_run_left_behind_starts_no_inference_once_the_model_is_there() -> None:
    @on_site({"Left": LEFT_BEHIND})
    async def play(site: Site) -> None:
        site.host.network.delays_ms["https://shop.test/models/ranker.onnx"] = 50
        assert (await site.infer("left")).value is False
        await site.host.clock.advance(100)

        assert site.host.inference.runs == []

    play()


@on_site({"Stubborn": STUBBORN})
async def test_code_that_ignores_its_end_is_told_in_the_log_once(site: Site) -> None:
    site.click("Stubborn")
    await site.host.clock.advance(10_000)

    (warning,) = site.host.page.named("log")

    assert (warning["level"], warning["taskName"]) == ("warning", "Stubborn")
    assert "expected its code to return when it was cancelled" in warning["message"]
    assert site.runtime.statistics()["queues"]["regular"]["overdue"] == 1
    await stop_all(site)


async def stop_all(site: Site) -> None:
    """The runtime does not wait for ever for what does not end; only the loop's end ends it."""
    stopping = asyncio.create_task(site.runtime.stop())
    await site.host.clock.advance(1_000)
    await stopping
    left = asyncio.all_tasks() - {asyncio.current_task()}
    for task in left:
        task.cancel()
    await asyncio.wait(left)


CALL_FROM_EVENT = 'async def run(ctx, activation):\n    await ctx.call("Keeper", {})\n'


@on_site({"Caller": CALLER, "Keeper": KEEPER, "Chain": CALL_FROM_EVENT})
async def test_the_page_hears_for_whom_code_runs(site: Site) -> None:
    await site.infer("caller", 5, ext_data={"task": "Keeper", "data": {}})
    site.click("Chain", "tab-1")
    await settle()

    watched = site.host.page.watched
    began = {(name, asker) for _, name, asker, left_ms in watched if left_ms is not None}
    # What a call calls holds that call up; an event's run is told by its own id alone.
    assert began == {("Caller", 5), ("Keeper", 5), ("Chain", "tab-1"), ("Keeper", None)}
    ended = [run_id for run_id, *_, left_ms in watched if left_ms is None]
    assert sorted(ended) == sorted({run_id for run_id, *_ in watched})
