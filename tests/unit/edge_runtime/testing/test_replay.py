"""Replays: the same decisions from the same trace, in any order of callbacks, without tasks."""

import asyncio
import json
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.runtime import InferRequest, Runtime
from edge_runtime.services.recorder import Recorder
from edge_runtime.testing.decision_log import Decision, DecisionLog
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.replay import Replay
from edge_runtime.testing.replay_report import ReplayReport, spread
from edge_runtime.testing.stand_ins import tie_break_ms
from edge_runtime.testing.trace_lines import parse_trace
from edge_runtime.testing.trace_records import Record
from edge_runtime.testing.virtual_device import VirtualDevice
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.effort import examples

from ..task_bundles import UNSIGNED, bundle

Step = tuple[float, str, str, float, str, list[str]]

NOW_MS = 1_700_000_000_000
NAMES = ("Rank", "Warm", "Slow")


def config(**more: Any) -> dict[str, Any]:
    triggers = [
        {"taskName": name, "events": [{"type": "mta", "pageId": "Home", "clickIds": [name]}]}
        for name in NAMES
    ]
    breaker = {"minCalls": 3, "openMs": 100}
    return {"triggers": triggers, "scheduler": {"maxRunning": 3, "breaker": breaker}, **more}


def click(at_ms: float, name: str, number: int) -> dict[str, Any]:
    row = [f"e{number}", NOW_MS + at_ms, "mta", "Home", name, 0, {}]
    return {"atMs": at_ms, "kind": "track", "events": [row]}


def call(at_ms: float, call_id: int, code: str = "Rank", **more: Any) -> dict[str, Any]:
    codes = {"systemCode": "replay", "businessCode": code}
    return {"atMs": at_ms, "kind": "infer", "callId": call_id, **codes, **more}


def records(*plain: dict[str, Any]) -> list[Record]:
    return parse_trace("\n".join(map(json.dumps, plain))) if plain else []


def replayed(trace: Sequence[Record], seed: int | None = None, **more: Any) -> Replay:
    replay = Replay(trace, parse_config(config()), seed=seed, **more)
    replay.run()
    return replay


def kinds(replay: Replay) -> list[str]:
    return [each.kind for each in replay.log.decisions]


def only(replay: Replay, kind: str) -> list[Decision]:
    return [each for each in replay.log.decisions if each.kind == kind]


def test_a_click_activates_begins_and_ends_its_task() -> None:
    replay = replayed(records(click(5, "Rank", 1)), default_run_ms=20)

    assert kinds(replay) == ["start", "activation", "begin", "run", "settled", "stop"]
    assert replay.problems == []
    assert str(only(replay, "begin")[0]).startswith("5.000 begin Rank ")
    (run,) = only(replay, "run")
    assert run.fields["ended"] == "ok" and 20 <= run.fields["runMs"] < 20.002


def test_a_run_takes_the_time_and_the_end_that_the_trace_knows() -> None:
    run_id = only(replayed(records(click(5, "Rank", 1))), "run")[0].run_id
    known = {"atMs": 9, "kind": "run", "runId": run_id, "runMs": 300, "ended": "task-raised"}

    replay = replayed(records(click(5, "Rank", 1), known))

    (run,) = only(replay, "run")
    assert run.fields["ended"] == "task-raised" and 300 <= run.fields["runMs"] < 300.002
    assert only(replay, "settled")[0].fields["ended"] == "task-raised"


@pytest.mark.parametrize(
    "ended", ["network-failed", "task-output-invalid", "query-invalid", "an unknown code"]
)
def test_a_run_ends_with_the_error_it_ended_with(ended: str) -> None:
    run_id = only(replayed(records(click(5, "Rank", 1))), "run")[0].run_id
    known = {"atMs": 9, "kind": "run", "runId": run_id, "runMs": 3, "ended": ended}

    (run,) = only(replayed(records(click(5, "Rank", 1), known)), "run")

    assert run.fields["ended"] == ("task-raised" if ended == "an unknown code" else ended)


def test_a_run_that_hung_ends_at_its_timeout_and_a_deaf_one_holds_its_slot_longer() -> None:
    trace = records(*(click(0, "Rank", number) for number in (1, 2)))
    first, second = (each.run_id for each in only(replayed(trace), "run"))
    hung = {"atMs": 0, "kind": "run", "runId": first, "runMs": 5_000, "ended": "cancelled"}
    deaf = {"atMs": 0, "kind": "run", "runId": second, "runMs": 9_000, "ended": "ok", "deaf": True}

    replay = replayed([*trace, *records(hung, deaf)])

    assert [each.fields["ended"] for each in only(replay, "settled")] == ["task-timeout"] * 2
    ends = [(round(each.at_ms), each.fields["ended"]) for each in only(replay, "run")]
    assert ends == [(5_000, "cancelled"), (9_000, "ok")]


def test_calls_are_answered_and_can_be_cancelled() -> None:
    replay = replayed(
        records(
            call(0, 1),
            call(1, 2, "NotTriggered"),
            {"atMs": 2, "kind": "cancel", "callId": 1},
            call(3, 3, timeoutMs=4),
            call(50, 1),
        )
    )

    answers = [(each.fields["callId"], each.fields["ended"]) for each in only(replay, "answer")]
    assert answers == [(1, "run-cancelled"), (3, "task-timeout"), (2, "ok"), (1, "ok")]


def test_a_paused_runtime_refuses_calls_and_keeps_what_events_ask_for() -> None:
    replay = replayed(
        records(
            {"atMs": 0, "kind": "pause"},
            click(1, "Rank", 1),
            call(2, 1),
            {"atMs": 500, "kind": "resume"},
        )
    )

    assert only(replay, "answer")[0].fields["ended"] == "runtime-paused"
    assert [each.at_ms for each in only(replay, "begin")] == [500]


def test_a_reload_ends_what_ran_without_a_word_and_keeps_what_was_durable() -> None:
    replay = replayed(
        records(
            click(0, "Rank", 1),
            click(5, "Rank", 2),
            {"atMs": 5, "kind": "reload"},
            # Known: made durable in the first life, so it activates nothing a second time.
            click(100, "Rank", 1),
        ),
        default_run_ms=50,
    )

    assert kinds(replay).count("start") == 2
    assert len(only(replay, "activation")) == 3 and len(only(replay, "settled")) == 1


def test_a_clock_that_is_set_changes_no_duration() -> None:
    replay = replayed(
        records(click(0, "Rank", 1), {"atMs": 5, "kind": "clock", "nowMs": 1}, click(6, "Warm", 2)),
        default_run_ms=50,
    )

    assert [round(each.at_ms) for each in only(replay, "settled")] == [50, 56]


STEPS = st.lists(
    st.tuples(
        st.sampled_from([0, 0, 1, 10, 10.5, 300]),
        st.sampled_from(
            ["click", "click", "click", "call", "cancel", "pause", "resume", "reload", "clock"]
        ),
        st.sampled_from(NAMES),
        st.sampled_from([0, 7, 10, 10, 6_000]),
        st.sampled_from(["ok", "ok", "task-raised", "cancelled"]),
        st.lists(st.sampled_from(NAMES), max_size=3),
    ),
    max_size=60,
)


def trace_of(steps: list[Step]) -> list[Record]:
    at_ms, plain = 0.0, []
    for number, (pause_ms, kind, name, amount, ended, callees) in enumerate(steps):
        at_ms += pause_ms
        more = {
            "click": click(at_ms, name, number),
            "call": call(at_ms, number, name, priority="low", timeoutMs=amount or 50),
            "cancel": {"callId": max(0, number - 1)},
            "clock": {"nowMs": NOW_MS + 1_000 * amount - 30_000},
        }
        plain.append({"atMs": at_ms, "kind": kind, **more.get(kind, {})})
        for callee in callees:
            nested = {"callee": callee, "offsetMs": amount / 2, "beside": amount == 7}
            plain.append({"atMs": at_ms, "kind": "call", "runId": f"{name}-e{number}", **nested})
        if kind in ("click", "call"):
            plain[-1 - len(callees)]["kind"] = more[kind]["kind"]
            run = {"runId": f"{name}-e{number}", "runMs": amount, "ended": ended}
            plain.append({"atMs": at_ms, "kind": "run", **run})
    return records(*plain)


@settings(max_examples=examples(25), deadline=None)
@given(STEPS, st.integers(0, 1_000), st.sampled_from([0.0, 10.0, 400.0]))
def test_no_order_of_ready_callbacks_changes_a_decision(
    steps: list[Step], seed: int, run_ms: float
) -> None:
    trace = trace_of(steps)

    plain = replayed(trace, default_run_ms=run_ms)
    shuffled = replayed(trace, seed, default_run_ms=run_ms)

    assert shuffled.log.text() == plain.log.text()
    assert shuffled.log.sha256() == plain.log.sha256()


def test_a_recorded_day_is_replayed_without_the_tasks_code() -> None:
    async def live() -> tuple[str, list[Any]]:
        host = create_fake_host()
        source = "import asyncio\nasync def run(ctx, activation):\n    await ctx.put('k', 1)\n"
        url = "https://shop.test/edge/rank.edge"
        host.network.files[url] = bundle("Rank", source, priority="low", timeoutMs=700)
        recorder = Recorder(host.clock)
        plain = config(bundles=["rank.edge"], triggers=config()["triggers"][:1], trust=UNSIGNED)
        base = "https://shop.test/edge/config.json"
        runtime = Runtime(host, parse_config(plain), base, journal=recorder)
        assert await runtime.start() == []
        runtime.track(json.dumps(click(0, "Rank", 1)["events"]), "tab-1")
        await host.clock.advance(80)
        calling = asyncio.create_task(runtime.infer(InferRequest(1, "demo", "rank")))
        await host.clock.advance(80)
        await calling
        await runtime.stop()
        return recorder.jsonl(), host.page.named("result")

    text, results = asyncio.run(live())
    replay = Replay(parse_trace(text), parse_config(config(bundles=["rank.edge"])))
    replay.run()

    assert len(results) == 1
    assert [each.fields["queue"] for each in only(replay, "activation")] == ["low", "low"]
    assert [each.at_ms for each in only(replay, "activation")] == [0, 80]
    assert [each.fields["ended"] for each in only(replay, "settled")] == ["ok", "ok"]
    assert ReplayReport(replay.log).to_dict()["tasks"]["Rank"]["activations"] == 2


def test_other_versions_of_tasks_are_recorded_and_replayed() -> None:
    async def live() -> str:
        host, url = create_fake_host(), "https://shop.test/edge/rank.edge"
        source = "async def run(ctx, activation):\n    return 1\n"
        host.network.files[url] = bundle("Rank", source)
        recorder = Recorder(host.clock)
        plain = config(bundles=["rank.edge"], triggers=config()["triggers"][:1])
        plain["trust"] = {"unsigned": True}
        base = "https://shop.test/edge/config.json"
        runtime = Runtime(host, parse_config(plain), base, journal=recorder)
        assert await runtime.start() == []
        for number, change in enumerate((None, {"priority": "low"}, {"businessCode": "new"}), 1):
            if change:
                host.network.files[url] = bundle("Rank", source, version=f"{number}", **change)
                assert (await runtime.reload()).problems == []
            runtime.track(json.dumps(click(0, "Rank", number)["events"]))
            await host.clock.advance(80)
        await runtime.reload()
        await runtime.infer(InferRequest(1, "demo", "new"))
        await host.clock.advance(80)
        await runtime.stop()
        return recorder.jsonl()

    text = asyncio.run(live())
    replay = Replay(parse_trace(text), parse_config(config(bundles=["rank.edge"])))
    replay.run()

    assert text.count('"kind":"tasks"') == 2
    queues = [each.fields["queue"] for each in only(replay, "activation")]
    assert queues == ["regular", "low", "regular", "regular"]
    assert [each.fields["ended"] for each in only(replay, "answer")] == ["ok"]


TOP = """
import asyncio
async def run(ctx, activation):
    await asyncio.gather(ctx.call("Warm"), ctx.call("Slow"))
    await ctx.call("Warm")
"""
SLOW = """
import asyncio
async def run(ctx, activation):
    await ctx.put("k", 1)
    await ctx.call("Warm")
"""


def recorded_nested_day() -> tuple[str, DecisionLog]:
    """Return the trace of tasks that call each other, and what the recorded runtime decided."""
    device = VirtualDevice()
    recorder = Recorder(device.clock)
    log = DecisionLog(lambda: device.loop.now_ms)

    def note(kind: str, **fields: Any) -> None:
        recorder.note(kind, **fields)
        log.note(kind, **fields)

    journal = SimpleNamespace(note=note)
    base, warm = "https://shop.test/edge/", "async def run(ctx, activation):\n    ctx.log('x')\n"
    for name, source in (("Rank", TOP), ("Slow", SLOW), ("Warm", warm)):
        device.files[f"{base}{name}.edge"] = bundle(name, source)
    plain = config(bundles=[f"{name}.edge" for name in NAMES], trust=UNSIGNED)
    runtime = Runtime(device.host(), parse_config(plain), base, journal=journal, life="shop")
    assert device.wait_for(runtime.start()) == []
    device.do(lambda: runtime.track(json.dumps(click(0, "Rank", 1)["events"])))
    device.rest(80)
    device.wait_for(runtime.infer(InferRequest(1, "demo", "rank")))
    device.rest(160)
    device.wait_for(runtime.stop())
    return recorder.jsonl(), log


def test_what_a_run_called_is_called_again_under_the_same_ids() -> None:
    text, log = recorded_nested_day()
    replay = Replay(parse_trace(text), parse_config(config()))
    replay.run()

    def asked(decisions: list[Decision]) -> list[tuple[str, str, str]]:
        return sorted(
            (each.task, each.run_id, each.fields["queue"])
            for each in decisions
            if each.kind == "activation"
        )

    assert asked(replay.log.decisions) == asked(log.decisions)
    ids = [run_id for _, run_id, _ in asked(log.decisions)]
    assert {f"Rank-e1{nested}" for nested in ("", ".1", ".2", ".2.1", ".3")} < set(ids)
    assert len(ids) == 10 and "shop-1.2.1" in ids
    ends = [each.fields["ended"] for each in only(replay, "settled")]
    assert ends == ["ok"] * 10
    assert text.count('"kind":"call"') == 8


def test_a_call_takes_the_time_of_its_own_run_and_the_caller_goes_on_behind_it() -> None:
    trace = records(
        click(0, "Rank", 1),
        {"atMs": 0, "kind": "call", "runId": "Rank-e1", "callee": "Warm", "offsetMs": 5},
        {"atMs": 0, "kind": "call", "runId": "Rank-e1", "callee": "Slow", "offsetMs": 5},
        {
            "atMs": 0, "kind": "call", "runId": "Rank-e1", "callee": "Other", "offsetMs": 5,
            "beside": True,
        },
        {"atMs": 0, "kind": "run", "runId": "Rank-e1.1", "runMs": 30},
        {"atMs": 0, "kind": "run", "runId": "Rank-e1.2", "runMs": 100, "ended": "task-raised"},
        {"atMs": 0, "kind": "run", "runId": "Rank-e1.3", "runMs": 40},
        {"atMs": 0, "kind": "run", "runId": "Rank-e1", "runMs": 50, "ownMs": 7},
    )  # fmt: skip

    replay = replayed(trace)

    begins = [(each.task, round(each.at_ms)) for each in only(replay, "begin")]
    assert begins == [("Rank", 0), ("Warm", 5), ("Slow", 35), ("Other", 35)]
    ends = [(each.task, round(each.at_ms)) for each in only(replay, "settled")]
    assert ends == [("Warm", 35), ("Other", 75), ("Slow", 135), ("Rank", 137)]


def test_a_run_that_ends_while_it_calls_takes_its_call_with_it_or_is_deaf() -> None:
    def ended(**more: Any) -> list[tuple[str, int, str]]:
        calling = {"atMs": 0, "kind": "call", "runId": "Rank-e1", "callee": "Warm", "offsetMs": 1}
        long = {"atMs": 0, "kind": "run", "runId": "Rank-e1.1", "runMs": 9_000}
        run = {"atMs": 0, "kind": "run", "runId": "Rank-e1", "runMs": 5_000, "ownMs": 21, **more}
        replay = replayed(records(click(0, "Rank", 1), calling, long, run))
        return [
            (each.task, round(each.at_ms), each.fields["ended"]) for each in only(replay, "run")
        ]

    cancelled = ("Warm", 5_000, "cancelled")
    assert ended(ended="cancelled") == [("Rank", 5_000, "cancelled"), cancelled]
    assert ended(deaf=True) == [cancelled, ("Rank", 5_020, "ok")]


def test_breakers_and_other_configurations_are_replayed() -> None:
    clicks = [click(10 * number, "Rank", number) for number in range(5)]
    failing = [
        {"atMs": 40, "kind": "run", "runId": f"Rank-e{n}", "runMs": 1, "ended": "task-raised"}
        for n in range(5)
    ]
    other = {"atMs": 50, "kind": "reconfigure", "config": config(triggers=[])}

    replay = replayed(records(*clicks, *failing, other, click(9_000, "Rank", 9)))

    assert ReplayReport(replay.log).transitions == {"closed → open": 1}
    assert [each.fields["ended"] for each in only(replay, "refusal")] == ["circuit-open"] * 2
    assert [each.fields["ended"] for each in only(replay, "reconfigured")] == ["ok"]
    assert len(only(replay, "activation")) == 5


def test_two_runs_never_end_in_the_same_instant() -> None:
    ties = {tie_break_ms(f"Rank-e{number}") for number in range(10_000)}

    assert len(ties) > 9_990 and 0 < min(ties) and max(ties) <= 0.001


def test_a_report_counts_and_measures() -> None:
    replay = replayed(records(*(click(0, "Rank", n) for n in range(4))), default_run_ms=10)

    plain = ReplayReport(replay.log).to_dict()

    assert plain["lives"] == 1 and plain["sha256"] == replay.log.sha256()
    assert plain["tasks"]["Rank"]["outcomes"] == {"ok": 4}
    assert plain["queues"]["regular"]["activations"] == 4
    assert plain["queues"]["core"] == {"activations": 0, "waitMs": None}
    assert plain["queues"]["regular"]["waitMs"]["max"] >= 10


def test_percentiles_are_values_that_occurred() -> None:
    assert spread([]) is None
    assert spread([5.0]) == {"p50": 5, "p99": 5, "max": 5}
    assert spread([float(value) for value in range(1, 201)]) == {"p50": 100, "p99": 198, "max": 200}
