"""Profiles: where the time of a run went, also of one that failed."""

import asyncio
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.runtime import InferRequest, Runtime
from edge_runtime.services.container_profile import QUERIES, SQL_CHARS
from edge_runtime.testing.fake_host import create_fake_host

from ..task_bundles import UNSIGNED, bundle
from .container_stage import ACTIVATION, Lease, Stage, play_on

ROOT = Path(__file__).parents[4]
BUSY = """
import time
from edge_runtime.task import Tensor
async def run(ctx, activation):
    until = time.perf_counter() + 0.005
    while time.perf_counter() < until:
        pass
    await ctx.infer("m", {"x": Tensor.int64([1])})
    await ctx.put("a", 1)
    await ctx.get("a")
    await ctx.get("b")
    await ctx.query("select 1")
    return {"n": 1}
"""
SOURCE = "async def run(ctx, activation):\n    await ctx.get('a')\n"


def profiled(test: Callable[[Stage], Any]) -> Callable[[int], None]:
    @pytest.mark.parametrize("vms", [0, 1], ids=["inline", "vm"])
    def run(vms: int) -> None:
        def stage() -> Stage:
            made = Stage(vms, is_profiled=True)
            # Guests measure real time, whatever the stage's clock says.
            made.budget_ms = 60_000
            made.host.interpreter.heap_size = 7_000
            return made

        play_on(stage, test)

    run.__name__ = test.__name__
    return run


def told(stage: Stage) -> dict[str, Any]:
    """Return the profile of the one run that has ended, as the log tells it."""
    (line,) = [each for each in stage.host.page.named("log") if "profile" in each]
    assert (line["level"], line["taskName"], line["runId"]) == ("debug", "Rank", "r1")
    profile: dict[str, Any] = line["profile"]
    return profile


@profiled
async def test_a_run_says_where_its_time_went(stage: Stage) -> None:
    completion = await stage.run(await stage.load(BUSY, models=["m"]))

    profile = dict(completion.profile or {})
    assert profile == told(stage)
    assert profile.pop("cpuMs") >= 5 and profile.pop("waitMs") >= 0
    assert profile == {
        "inferMs": 1.5,
        "laneMs": 2.5,
        "queries": [{"sql": "select 1", "ms": 0.0, "rows": 1}],
        "asks": {"infer": 1, "put": 1, "get": 2, "query": 1},
        "heapBytes": 7_000,
    }


@profiled
async def test_time_that_nothing_computes_is_waited(stage: Stage) -> None:
    task = await stage.load(
        "import asyncio\nasync def run(ctx, activation):\n"
        "    while not await ctx.get('open'):\n        await asyncio.sleep(0)\n"
    )
    running = asyncio.create_task(stage.run(task))
    for _ in range(50):
        await asyncio.sleep(0)
    await stage.host.clock.advance(10_000)
    stage.data.values["open"] = True

    profile = (await running).profile

    assert profile is not None and profile["cpuMs"] + profile["waitMs"] == pytest.approx(10_000)
    assert profile["cpuMs"] < 5_000


@profiled
async def test_a_run_that_fails_is_profiled_in_the_log(stage: Stage) -> None:
    error = await stage.error("await ctx.get('a')\nsum(range(100_000))\nraise KeyError")

    assert error.code == "task-raised"
    assert told(stage)["cpuMs"] > 0 and told(stage)["asks"] == {"get": 1}


@profiled
async def test_so_is_one_that_is_cancelled(stage: Stage) -> None:
    task = await stage.load(
        "import asyncio\nasync def run(ctx, a):\n    await ctx.get('a')\n"
        "    await asyncio.Event().wait()\n"
    )
    running = asyncio.create_task(stage.container.run(task, ACTIVATION, Lease()))
    for _ in range(50):
        await asyncio.sleep(0)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running

    assert told(stage)["asks"] == {"get": 1} and told(stage)["cpuMs"] > 0


@profiled
async def test_queries_are_shortened_and_a_failed_one_has_no_rows(stage: Stage) -> None:
    def refuse(*_: Any, **__: Any) -> list[dict[str, Any]]:
        raise RuntimeError("no such table")

    stage.data.query = refuse  # type: ignore[method-assign]
    await stage.value(
        "for _ in range(150):\n    try:\n        await ctx.query('select ' + 'x' * 300)\n"
        "    except Exception:\n        pass"
    )

    queries = told(stage)["queries"]
    assert len(queries) == QUERIES and told(stage)["asks"] == {"query": 150}
    assert queries[0]["rows"] is None and len(queries[0]["sql"]) == SQL_CHARS


def test_nobody_is_profiled_who_did_not_ask() -> None:
    async def play(stage: Stage) -> None:
        completion = await stage.run(await stage.load(BUSY, models=["m"]))
        assert completion.profile is None and stage.host.page.named("log") == []

    play_on(lambda: Stage(0), play)


@profiled
async def test_the_pages_type_and_the_reference_name_the_same_figures(stage: Stage) -> None:
    profile = (await stage.run(await stage.load(BUSY, models=["m"]))).profile
    assert profile is not None
    names = [*profile, *profile["queries"][0]]

    text = (ROOT / "js_shim" / "protocol.js").read_text()
    (typed,) = re.findall(r"@typedef {({cpuMs.*?)} Profile", text, re.S)
    assert sorted(re.findall(r"(\w+): ", typed)) == sorted(names)

    (told,) = re.findall(r"`({cpuMs.*?})`", (ROOT / "docs" / "reference.md").read_text())
    assert [name for name in names if not re.search(rf"\b{name}\b", told)] == []


@pytest.mark.parametrize("profile", [False, True])
def test_results_have_profiles_where_the_start_asks_for_them(profile: bool) -> None:
    async def play() -> None:
        host = create_fake_host()
        host.network.files["https://shop.test/a.edge"] = bundle("A", SOURCE)
        config = parse_config({"bundles": ["a.edge"], "trust": UNSIGNED})
        runtime = Runtime(host, config, "https://shop.test/", profile=profile)
        assert await runtime.start() == []
        result = await runtime.infer(InferRequest(1, "demo", "a"))
        await runtime.stop()

        plain = result.to_dict()
        assert ("profile" in plain) is profile
        assert not profile or plain["profile"]["asks"] == {"get": 1}

    asyncio.run(play())
