"""The whole runtime on the fake host: from an event or a call to a result, and what goes wrong."""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.errors import EdgeError, HostError
from edge_runtime.runtime import InferRequest, Runtime
from edge_runtime.testing.fake_host import FakeHost, create_fake_host
from edge_runtime.testing.fake_inference import FakeModel
from edge_runtime.testing.manual_clock import settle
from edge_runtime.types import Priority, TensorSpec

from .task_bundles import UNSIGNED, bundle

BASE = "https://shop.test/edge/config.json"
MODEL = b"ranker file"

RANK = """
from edge_runtime.task import Activation, Context, Tensor

async def run(ctx: Context, activation: Activation) -> object:
    rows = await ctx.query("select props->>'sku' as sku from events where click_id is not null")
    scores = await ctx.infer("ranker", {"hist": Tensor.int64([row["sku"] for row in rows])})
    return {"scores": scores["score"].tolist(), "extra": activation.ext_data.get("extra")}
"""
WAIT = """
import asyncio
async def run(ctx, activation):
    await asyncio.Event().wait()
"""
FAIL = "async def run(ctx, activation):\n    return 1 / 0\n"
BYTES = "async def run(ctx, activation):\n    return activation.ext_data['photo']\n"


class Site:
    """A runtime with its host; sources become bundles, each triggered by a click on its name."""

    def __init__(
        self,
        sources: dict[str, str],
        host: FakeHost | None = None,
        struck: tuple[str, ...] = (),
        **config: Any,
    ) -> None:
        self.host = host or create_fake_host()
        for name, source in sources.items():
            models = ["ranker"] if "ranker" in source else []
            url = f"https://shop.test/edge/tasks/{name}.edge"
            self.host.network.files[url] = bundle(name, source, models=models)
        self.host.network.files["https://shop.test/models/ranker.onnx"] = MODEL
        self.host.inference.define(MODEL, halving_model())
        self.config = {
            "bundles": [f"tasks/{name}.edge" for name in sources],
            "triggers": [trigger(name) for name in sources],
            "models": {"ranker": {"variants": [variant(MODEL)]}},
            "trust": UNSIGNED,
            **config,
        }
        self.runtime = Runtime(self.host, parse_config(self.config), BASE, struck=struck)
        self.events = 0

    def click(self, click_id: str, client: str = "", **props: Any) -> None:
        self.events += 1
        row = [f"e{self.events}", self.host.clock.now_ms(), "mta", "Home", click_id, 0, props]
        self.runtime.track(json.dumps([row]), client)

    async def infer(self, code: str, call_id: int = 1, **request: Any) -> Any:
        return await self.runtime.infer(InferRequest(call_id, "demo", code, **request))

    async def refusal(self, code: str, call_id: int = 1, **request: Any) -> EdgeError:
        with pytest.raises(EdgeError) as refused:
            await self.infer(code, call_id, **request)
        return refused.value


def halving_model() -> FakeModel:
    spec = TensorSpec("hist", "int64", (None,))
    output = TensorSpec("score", "int64", (None,))
    return FakeModel((spec,), (output,), lambda feeds: {"score": feeds["hist"]}, infer_ms=2.0)


def variant(data: bytes) -> dict[str, str]:
    return {"url": "../models/ranker.onnx", "sha256": hashlib.sha256(data).hexdigest()}


def trigger(task_name: str) -> dict[str, Any]:
    pattern = {"type": "mta", "pageId": "Home", "needPv": False, "clickIds": [task_name]}
    return {"taskName": task_name, "events": [pattern]}


def on_site(
    sources: dict[str, str], **config: Any
) -> Callable[[Callable[[Site], Awaitable[None]]], Callable[[], None]]:
    """Run a test on a started site, stop it, and look whether anything is left behind."""

    def decorate(test: Callable[[Site], Awaitable[None]]) -> Callable[[], None]:
        async def play() -> None:
            site = Site(sources, **config)
            assert await site.runtime.start() == []
            await test(site)
            await site.runtime.stop()
            assert asyncio.all_tasks() == {asyncio.current_task()}

        def run() -> None:
            asyncio.run(play())

        run.__name__ = test.__name__
        return run

    return decorate


@on_site({"Rank": RANK})
async def test_a_click_runs_the_task_and_the_page_gets_its_result(site: Site) -> None:
    site.click("Rank", sku=7)
    await site.host.clock.advance(10)

    (result,) = site.host.page.named("result")

    assert (result["taskName"], result["trigger"]) == ("Rank", "event")
    assert result["value"] == {"scores": [7], "extra": None}
    assert result["timings"] == {
        "queuedMs": 0,
        "runMs": 2,
        "inferMs": 2,
        "laneMs": 0,
        "totalMs": 2,
    }
    assert result["backend"]["ranker"]["name"] == "wasm"


@on_site({"Rank": RANK})
async def test_a_call_runs_the_task_of_its_codes(site: Site) -> None:
    site.click("other", sku=3)
    calling = asyncio.create_task(site.infer("rank", ext_data={"extra": "yes"}))
    await site.host.clock.advance(10)

    result = await calling

    assert result.value == {"scores": [3], "extra": "yes"}
    assert result.to_dict()["trigger"] == "api"
    assert site.host.page.named("result") == []


@on_site({"Bytes": BYTES})
async def test_bytes_go_in_and_come_out(site: Site) -> None:
    assert (await site.infer("bytes", ext_data={"photo": b"\x00\xff"})).value == b"\x00\xff"


@on_site({"Rank": RANK})
async def test_one_event_counts_once_however_often_it_is_sent(site: Site) -> None:
    for _ in range(3):
        site.events = 0
        site.click("Rank", sku=1)
    await site.host.clock.advance(10)

    assert len(site.host.page.named("result")) == 1
    assert site.runtime.statistics()["triggers"] == {"count": 1, "matches": 1}


@on_site({"Rank": RANK})
async def test_bad_events_are_dropped_with_a_warning(site: Site) -> None:
    site.runtime.track('[["e", 1, "mta", "A", null, 2, {}], ["e", 1, "mta", "A", null, 1, {}]]')
    site.runtime.track("no json", "tab-2")

    first, second = site.host.page.named("log")
    assert (first["level"], second["level"]) == ("warning", "warning")
    assert first["message"].startswith(
        "1 of the tracked events dropped, the first because: event.pv: expected 0 or 1, got 2"
    )
    assert second["message"].startswith(
        "a batch of tracked events dropped, because: batch: expected a JSON array of events"
    )
    assert "All of it was dropped" in second["message"]
    assert site.host.page.clients == ["", "tab-2"]
    assert site.runtime.statistics()["store"]["events"] == 1


@on_site({"Rank": RANK, "Fail": FAIL})
async def test_results_and_errors_go_to_the_tab_that_tracked_the_event(site: Site) -> None:
    site.click("Rank", "tab-2", sku=7)
    site.click("Fail", "tab-3", sku=7)
    site.click("Rank", sku=7)
    await site.host.clock.advance(10)

    told = zip(site.host.page.notices, site.host.page.clients, strict=True)
    assert sorted((name, client) for (name, _), client in told) == [
        ("error", "tab-3"),
        ("result", ""),
        ("result", "tab-2"),
    ]


@on_site({})
async def test_who_tracks_is_told_when_the_events_are_durable(site: Site) -> None:
    told: list[str] = []
    row = ["e1", 5, "mta", "Home", None, 1, {}]
    for name, text in (("new", json.dumps([row])), ("known", json.dumps([row])), ("bad", "")):
        site.runtime.track(text, done=lambda name=name: told.append(name))
    await settle()
    assert told == []

    await site.host.clock.advance(50)

    assert told == ["new", "known", "bad"]


@on_site({})
async def test_the_pages_hear_what_becomes_of_the_store(site: Site) -> None:
    site.host.storage.quota_bytes = 0
    site.click("other", sku=1)
    await site.host.clock.advance(100)
    assert site.host.page.clients == [None]
    (status,) = site.host.page.named("status")
    assert (status["state"], status["store"]["mode"]) == ("store", "memory-only")
    assert status["store"]["reason"]["code"] == "storage-full"

    site.host.storage.quota_bytes = None
    await site.host.clock.advance(10_000)

    assert [each["store"]["mode"] for each in site.host.page.named("status")] == [
        "memory-only",
        "durable",
    ]
    assert site.runtime.statistics()["store"]["pendingOps"] == 0


@on_site({})
async def test_a_runtime_whose_place_another_took_says_so(site: Site) -> None:
    other = Site({}, host=create_fake_host(site.host.disk, site.host.clock))
    await other.runtime.start()

    site.click("other", sku=1)
    await site.host.clock.advance(100)

    assert site.host.page.superseded_calls == 1
    assert site.host.page.named("status") == []
    assert other.host.page.superseded_calls == 0
    await other.runtime.stop()


@on_site({"Rank": RANK})
async def test_unknown_codes_are_refused_with_the_known_ones(site: Site) -> None:
    error = await site.refusal("rang")

    assert error.code == "task-unknown"
    assert error.message == (
        "infer: expected the codes of a loaded task (demo/rank), got demo/rang. Correct the call, "
        "or add the task's bundle."
    )


@on_site({"Fail": FAIL})
async def test_a_triggered_task_that_raises_reaches_the_page_as_an_error(site: Site) -> None:
    site.click("Fail")
    await settle()

    (failure,) = site.host.page.named("error")

    assert failure["taskName"] == "Fail" and failure["runId"]
    assert failure["error"]["code"] == "task-raised"
    assert 'File "Fail/main.py", line 2, in run' in failure["error"]["details"]["traceback"]
    assert (await site.refusal("fail")).code == "task-raised"
    assert site.runtime.statistics()["tasks"]["Fail"] == {
        "version": "1.0.0",
        "runs": 2,
        "failures": 2,
        "strikes": 0,
    }


@on_site({"Wait": WAIT})
async def test_a_task_that_takes_too_long_is_ended(site: Site) -> None:
    site.click("Wait")
    await site.host.clock.advance(1_000)

    (failure,) = site.host.page.named("error")

    assert failure["error"]["code"] == "task-timeout"


@on_site({"Wait": WAIT})
async def test_the_callers_timeout_counts_too(site: Site) -> None:
    calling = asyncio.create_task(site.refusal("wait", timeout_ms=50))
    await site.host.clock.advance(50)

    assert (await calling).code == "task-timeout"


@on_site({"Wait": WAIT})
async def test_cancelling_a_call_ends_its_run(site: Site) -> None:
    calling = asyncio.create_task(site.refusal("wait", call_id=9))
    await settle()

    site.runtime.cancel(9)
    site.runtime.cancel(10)

    assert (await calling).code == "run-cancelled"


@on_site({"Wait": WAIT})
async def test_a_call_id_can_be_used_again_only_after_its_answer(site: Site) -> None:
    first = asyncio.create_task(site.refusal("wait", call_id=9))
    await settle()

    assert (await site.refusal("wait", call_id=9)).code == "argument-invalid"
    site.runtime.cancel(9)
    assert (await first).code == "run-cancelled"


@on_site({"Wait": WAIT}, scheduler={"maxRunning": 1, "queueLimits": {"core": 1}})
async def test_the_callers_priority_wins_over_the_tasks(site: Site) -> None:
    calls = [asyncio.create_task(site.refusal("wait", 1)) for _ in range(1)]
    calls.append(asyncio.create_task(site.refusal("wait", 2, priority=Priority.CORE)))
    await settle()

    error = await site.refusal("wait", 3, priority=Priority.CORE)

    assert (error.code, error.details) == ("queue-full", {"queue": "core", "limit": 1})
    await site.runtime.stop()
    assert [(await call).code for call in calls] == ["runtime-stopped"] * 2


@on_site({"Wait": WAIT}, scheduler={"maxRunning": 1, "queueLimits": {"regular": 1}})
async def test_a_triggered_run_without_a_place_is_reported(site: Site) -> None:
    for _ in range(3):
        site.click("Wait")

    (failure,) = site.host.page.named("error")

    assert failure["error"]["code"] == "queue-full"


@on_site({"Wait": WAIT}, scheduler={"maxRunning": 1, "queueLimits": {"regular": 1}})
async def test_of_a_flood_of_refusals_a_tab_hears_once_a_second_and_how_many(site: Site) -> None:
    for client in ("a", "b"):
        for _ in range(10):
            site.click("Wait", client)
    # Those that ran and waited go on to the next.
    await site.host.clock.advance(1_000)
    for _ in range(2):
        site.click("Wait", "a")

    errors = [failure["error"] for failure in site.host.page.named("error")]
    full = [error["details"]["more"] for error in errors if error["code"] == "queue-full"]
    assert full == [0, 0, 7]
    assert site.runtime.statistics()["queues"]["regular"]["refused"] == 19


@on_site({"Rank": RANK})
async def test_a_paused_runtime_refuses_calls_and_holds_triggered_runs(site: Site) -> None:
    site.runtime.pause()
    site.click("Rank", sku=1)
    await site.host.clock.advance(10)
    assert site.host.page.named("result") == []
    assert (await site.refusal("rank")).code == "runtime-paused"
    assert site.runtime.statistics()["paused"]

    site.runtime.resume()
    await site.host.clock.advance(10)

    assert len(site.host.page.named("result")) == 1


@on_site({"Rank": RANK})
async def test_values_are_kept_by_key(site: Site) -> None:
    await site.runtime.data.put("profile.size", {"shoe": 42})
    await site.runtime.data.put("ui.theme", "dark", encrypted=False)
    await site.runtime.data.delete("ui.theme")

    assert site.runtime.data.get("profile.size") == {"shoe": 42}
    assert site.runtime.data.get("ui.theme") is None


def test_a_missing_bundle_is_a_problem_and_the_others_live() -> None:
    async def play() -> None:
        site = Site({"Fail": FAIL, "Rank": RANK})
        del site.host.network.files["https://shop.test/edge/tasks/Fail.edge"]
        missing, unused_trigger = await site.runtime.start()
        assert (missing.code, missing.details["bundle"]) == ("network-failed", "tasks/Fail.edge")
        assert unused_trigger.message == (
            'config at triggers[0].taskName: expected the name of a loaded task (Rank), got "Fail" '
            "(string). Correct it, or list the task's bundle."
        )
        site.click("Fail", sku=1)
        site.click("Rank", sku=2)
        await site.host.clock.advance(10)
        assert [result["taskName"] for result in site.host.page.named("result")] == ["Rank"]
        await site.runtime.stop()

    asyncio.run(play())


def test_an_address_that_is_none_harms_no_other_bundle() -> None:
    async def play() -> None:
        site = Site({"Rank": RANK}, bundles=["http://[rank", "tasks/Rank.edge"])
        (problem,) = await site.runtime.start()
        assert problem.code == "config-invalid" and "http://[rank" in problem.message
        assert list(site.runtime.statistics()["tasks"]) == ["Rank"]
        await site.runtime.stop()

    asyncio.run(play())


@pytest.mark.parametrize(
    ("broken", "code"),
    [
        (b"no bundle", "bundle-invalid"),
        (bundle("Fail", "raise SystemExit"), "task-raised"),
        (bundle("Fail", "def run(): ..."), "bundle-invalid"),
        (bundle("Fail", FAIL, packages=[{"name": "numpy"}]), "feature-missing"),
        (bundle("Rank", FAIL, businessCode="other"), "config-invalid"),
        (bundle("Other", FAIL, businessCode="rank"), "config-invalid"),
    ],
)
def test_a_bad_bundle_harms_no_other(broken: bytes, code: str) -> None:
    async def play() -> None:
        site = Site({"Rank": RANK}, bundles=["tasks/Rank.edge", "tasks/broken.edge"])
        site.host.network.files["https://shop.test/edge/tasks/broken.edge"] = broken
        problems = await site.runtime.start()
        assert [problem.code for problem in problems] == [code]
        assert list(site.runtime.statistics()["tasks"]) == ["Rank"]
        await site.runtime.stop()

    asyncio.run(play())


def test_a_model_with_another_digest_is_never_run() -> None:
    async def play() -> None:
        site = Site({"Rank": RANK}, models={"ranker": {"variants": [variant(b"another")]}})
        assert await site.runtime.start() == []
        error = await site.refusal("rank")
        assert error.code == "digest-mismatch"
        assert error.details["got"] == hashlib.sha256(MODEL).hexdigest()
        assert site.host.inference.opened == []
        await site.runtime.stop()

    asyncio.run(play())


def test_a_model_that_is_not_configured_is_a_problem_told_at_the_start() -> None:
    async def play() -> None:
        site = Site({"Rank": RANK}, models={})
        (problem,) = await site.runtime.start()
        assert (problem.code, problem.details) == (
            "model-unknown",
            {"taskName": "Rank", "model": "ranker"},
        )
        await site.runtime.stop()

    asyncio.run(play())


def test_without_durable_storage_the_rest_works_and_says_so() -> None:
    async def play() -> None:
        site = Site({"Rank": RANK})
        site.host.storage.open_error = HostError("storage-failed", "private mode")
        (problem,) = await site.runtime.start()
        assert problem.code == "storage-failed"
        site.click("Rank", sku=4)
        await site.host.clock.advance(10)
        assert site.host.page.named("result")[0]["value"]["scores"] == [4]
        await site.runtime.stop()

    asyncio.run(play())


def test_what_was_flushed_is_there_after_a_restart() -> None:
    async def play() -> None:
        first = Site({"Rank": RANK})
        await first.runtime.start()
        first.click("other", sku=8)
        await first.runtime.flush()
        again = create_fake_host(first.host.disk, first.host.clock)
        second = Site({"Rank": RANK}, host=again)
        assert await second.runtime.start() == []
        calling = asyncio.create_task(second.infer("rank"))
        await second.host.clock.advance(10)
        assert (await calling).value["scores"] == [8]
        await first.runtime.stop()
        await second.runtime.stop()

    asyncio.run(play())


def test_a_cooldown_goes_on_over_stops_however_often_it_was_asked_for() -> None:
    async def life(host: FakeHost) -> tuple[FakeHost, int]:
        site = Site({"Fail": FAIL}, host, triggers=[{**trigger("Fail"), "cooldownMs": 10_000}])
        assert await site.runtime.start() == []
        site.events = int(host.clock.now_ms())
        site.click("Fail")
        matches = site.runtime.statistics()["triggers"]["matches"]
        await host.clock.advance(4_000)
        await site.runtime.stop()
        return create_fake_host(host.disk, host.clock), matches

    async def play() -> None:
        host, found = create_fake_host(), []
        for _ in range(8):
            host, matches = await life(host)
            found.append(matches)
        assert found == [1, 0, 0, 1, 0, 0, 1, 0]

    asyncio.run(play())


def test_a_stopped_runtime_answers_waiting_calls_and_refuses_new_ones() -> None:
    async def play() -> None:
        site = Site({"Wait": WAIT}, scheduler={"maxRunning": 1})
        await site.runtime.start()
        calls = [asyncio.create_task(site.refusal("wait", number)) for number in range(2)]
        site.click("Wait")
        await settle()

        await site.runtime.stop()
        await site.runtime.stop()

        assert [(await call).code for call in calls] == ["runtime-stopped"] * 2
        assert (await site.refusal("wait")).code == "runtime-stopped"
        with pytest.raises(EdgeError, match="expected a started one"):
            await site.runtime.flush()
        site.click("Wait")
        assert site.host.page.named("error") == []
        assert asyncio.all_tasks() == {asyncio.current_task()}

    asyncio.run(play())


def test_a_runtime_starts_once() -> None:
    async def play() -> None:
        site = Site({})
        await site.runtime.start()
        with pytest.raises(RuntimeError, match="starts once"):
            await site.runtime.start()
        await site.runtime.stop()

    asyncio.run(play())


@on_site({"Rank": RANK})
async def test_statistics_are_plain_data_by_part(site: Site) -> None:
    site.click("Rank", sku=1)
    await site.host.clock.advance(1_000)

    statistics = json.loads(json.dumps(site.runtime.statistics()))

    assert statistics["uptimeMs"] == 1_000
    assert statistics["queues"]["regular"]["finished"] == 1
    assert statistics["models"]["ranker"]["inferMs"] == {"p50": 2, "p99": 2}
    assert statistics["tasks"]["Rank"] == {
        "version": "1.0.0",
        "runs": 1,
        "failures": 0,
        "strikes": 0,
    }
    assert statistics["store"]["events"] == 1


@on_site(
    {"Fail": FAIL},
    triggers=[
        {
            "taskName": "Fail",
            "sequence": [
                {"type": "mta", "pageId": "Home", "clickIds": ["first"]},
                {"type": "mta", "pageId": "Home", "clickIds": ["last"]},
            ],
        }
    ],
)
async def test_what_triggers_remember_is_erased_with_the_events(site: Site) -> None:
    site.click("first")
    await site.runtime.erase()
    site.click("last")
    await settle()
    assert site.host.page.named("error") == []

    site.click("first")
    site.click("last")
    await settle()
    assert len(site.host.page.named("error")) == 1


@on_site({"Rank": RANK})
async def test_what_was_measured_is_erased_with_the_events(site: Site) -> None:
    site.host.inference.facts |= {"cores": 4, "isolated": True}
    site.click("Rank", sku=1)
    await site.host.clock.advance(20_000)
    measured = site.runtime.statistics()["models"]["ranker"]["plans"]
    assert {plan["ms"] for plan in measured} == {2}

    await site.runtime.erase()

    plans = site.runtime.statistics()["models"]["ranker"]["plans"]
    assert {plan["ms"] for plan in plans} == {None}
    assert site.runtime.data.get("edge.inference") is None
