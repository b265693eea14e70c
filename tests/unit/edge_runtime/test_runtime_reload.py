"""Tasks are exchanged while the runtime runs: who gets which version, and what is left alone."""

import asyncio
import gc
from collections.abc import Mapping
from typing import Any

import pytest
from edge_runtime.errors import RefusedError
from edge_runtime.guest.code import TaskCode
from edge_runtime.testing.manual_clock import settle
from edge_runtime.types import Result

from .task_bundles import bundle
from .test_runtime import FAIL, Site, on_site, trigger

TASKS = "https://shop.test/edge/tasks/"

# Says its version when the sleep that its caller asks for is over.
SAYS = """
import asyncio
from . import version

async def run(ctx, activation):
    if activation.ext_data.get("wait"):
        while not (await ctx.get("go") or {}).get(activation.ext_data["wait"]):
            await asyncio.sleep(0)
    if activation.ext_data.get("raise"):
        raise_here()
    return version.VERSION

def raise_here():
    raise ValueError("here")  # LINE
"""
ONE_SLOT = {"scheduler": {"maxRunning": 1}}


def offer(site: Site, name: str, version: str, file: str = "", **manifest: Any) -> None:
    files = {"main.py": SAYS.replace("LINE", version), "version.py": f"VERSION = {version!r}\n"}
    packed = bundle(name, files, version=version, **manifest)
    site.host.network.files[f"{TASKS}{file or name}.edge"] = packed


def calling(site: Site, code: str, call_id: int, **ext_data: Any) -> "asyncio.Task[Result]":
    return asyncio.create_task(site.infer(code, call_id, ext_data=ext_data))


async def let_go(site: Site, *names: str) -> None:
    await site.runtime.data.put("go", dict.fromkeys(names, True))


async def reloaded(site: Site) -> tuple[Mapping[str, Any], list[str]]:
    change = (await site.runtime.reload()).to_dict()
    problems: Any = change["problems"]
    versions = {each["taskName"]: (each["from"], each["to"]) for each in change["changed"]}  # type: ignore[union-attr, index, call-overload]
    return versions, [problem["code"] for problem in problems]


def versions_in_memory() -> int:
    """Return how many versions' code of the task Says there is."""
    gc.collect()
    codes = [each for each in gc.get_objects() if isinstance(each, TaskCode)]
    return sum(code.task_name == "Says" for code in codes)


@on_site({"Says": "VERSION = 0\nasync def run(ctx, activation):\n    return '0'\n"}, **ONE_SLOT)
async def test_a_run_that_has_begun_ends_on_its_version_and_one_that_waits_gets_the_next(
    site: Site,
) -> None:
    offer(site, "Says", "1")
    assert await reloaded(site) == ({"Says": ("1.0.0", "1")}, [])
    running, waiting = calling(site, "says", 1, wait="first"), calling(site, "says", 2)
    await settle()
    offer(site, "Says", "2")

    assert await reloaded(site) == ({"Says": ("1", "2")}, [])
    assert not running.done() and not waiting.done()
    await let_go(site, "first")

    assert ((await running).value, (await waiting).value) == ("1", "2")
    assert (await site.infer("says")).value == "2"
    assert site.runtime.statistics()["tasks"] == {
        "Says": {"version": "2", "runs": 2, "failures": 0, "strikes": 0}
    }


@on_site({"Says": "async def run(ctx, activation):\n    return '0'\n"})
async def test_the_code_of_a_version_is_forgotten_when_its_last_run_has_ended(site: Site) -> None:
    offer(site, "Says", "1")
    await reloaded(site)
    before = versions_in_memory()
    running = calling(site, "says", 1, wait="first")
    await settle()
    offer(site, "Says", "2")
    await reloaded(site)
    assert versions_in_memory() == before + 1
    await let_go(site, "first")
    await running
    await settle()

    assert versions_in_memory() == before
    failure = await site.refusal("says", ext_data={"raise": True})
    # Lines of the version in force, although the other had files of the same names.
    assert 'raise ValueError("here")  # 2' in str(failure.to_dict())


@on_site({"Says": "async def run(ctx, activation):\n    return '0'\n"})
async def test_a_failure_counts_for_the_version_that_ran(site: Site) -> None:
    offer(site, "Says", "1")
    await reloaded(site)
    running = calling(site, "says", 1, wait="first", **{"raise": True})
    await settle()
    offer(site, "Says", "2")
    await reloaded(site)
    await let_go(site, "first")
    (error,) = await asyncio.gather(running, return_exceptions=True)

    assert getattr(error, "code", None) == "task-raised"
    assert site.runtime.statistics()["tasks"]["Says"]["failures"] == 0


@on_site({"Says": "async def run(ctx, activation):\n    return '0'\n"})
async def test_what_cannot_be_used_is_reported_logged_and_left_alone(site: Site) -> None:
    offer(site, "Says", "1")
    await reloaded(site)
    site.host.network.files[f"{TASKS}Says.edge"] = bundle("Says", "1 / 0")

    assert await reloaded(site) == ({}, ["task-raised"])

    (log,) = site.host.page.named("log")
    assert log["level"] == "warning" and str(log["message"]).startswith("reload: ")
    assert (await site.infer("says")).value == "1"


@on_site({"A": FAIL, "B": FAIL})
async def test_a_second_reload_waits_for_the_first(site: Site) -> None:
    offer(site, "A", "2")
    site.host.network.delays_ms[f"{TASKS}A.edge"] = 100
    first = asyncio.create_task(reloaded(site))
    await settle()
    second = asyncio.create_task(reloaded(site))
    await settle()
    asked = len(site.host.network.requests)
    await site.host.clock.advance(99)
    assert len(site.host.network.requests) == asked
    offer(site, "B", "2")
    await site.host.clock.advance(1)
    assert await first == ({"A": ("1.0.0", "2")}, [])
    await site.host.clock.advance(100)

    assert await second == ({"B": ("1.0.0", "2")}, [])


@on_site({"Says": FAIL})
async def test_a_paused_runtime_reloads_and_a_stopped_one_does_not(site: Site) -> None:
    site.runtime.pause()
    site.click("Says")
    offer(site, "Says", "2")
    assert await reloaded(site) == ({"Says": ("1.0.0", "2")}, [])
    site.runtime.resume()
    await settle()
    assert [result["value"] for result in site.host.page.named("result")] == ["2"]

    site.host.network.delays_ms[f"{TASKS}Says.edge"] = 100
    reloading = asyncio.create_task(site.runtime.reload())
    await settle()
    waiting = asyncio.create_task(site.runtime.deploy({"triggers": []}))
    await settle()
    await site.runtime.stop()
    await site.host.clock.advance(100)
    for attempt in (reloading, waiting, site.runtime.reload()):
        with pytest.raises(RefusedError) as refused:
            await attempt
        assert refused.value.code == "runtime-stopped"


@on_site({"Old": FAIL, "Says": FAIL}, scheduler={"maxRunning": 1})
async def test_a_task_that_goes_takes_its_triggers_with_it_and_its_waiting_runs_fail(
    site: Site,
) -> None:
    offer(site, "Says", "1")
    offer(site, "Old", "1")
    await reloaded(site)
    holding, ending = calling(site, "says", 1, wait="x"), calling(site, "old", 2)
    await settle()
    site.click("Old")
    offer(site, "New", "2", file="Old")

    assert await reloaded(site) == ({"Old": ("1", None), "New": (None, "2")}, ["config-invalid"])
    site.click("Old")
    await let_go(site, "x")
    assert (await holding).value == "1"
    (error,) = await asyncio.gather(ending, return_exceptions=True)
    await settle()

    assert getattr(error, "code", None) == "task-unknown"
    (told,) = site.host.page.named("error")
    assert told["error"]["code"] == "task-unknown"  # type: ignore[index, call-overload]
    assert (await site.refusal("old")).code == "task-unknown"
    assert (await site.infer("new")).value == "2"
    assert site.runtime.statistics()["triggers"]["count"] == 1


@on_site({"Old": FAIL})
async def test_a_run_whose_task_goes_meanwhile_still_has_its_result(site: Site) -> None:
    offer(site, "Old", "1")
    await reloaded(site)
    running = calling(site, "old", 1, wait="x")
    await settle()
    offer(site, "New", "2", file="Old")
    await reloaded(site)
    await let_go(site, "x")

    assert (await running).value == "1"


@on_site({"Kept": FAIL})
async def test_a_trigger_is_used_when_its_task_comes(site: Site) -> None:
    site.runtime.reconfigure({"triggers": [trigger("Kept"), trigger("New")]})
    site.host.page.notices.clear()
    offer(site, "New", "2", file="Kept")

    versions, problems = await reloaded(site)
    site.click("New")
    await settle()

    assert versions == {"Kept": ("1.0.0", None), "New": (None, "2")}
    assert problems == ["config-invalid"]
    assert [result["value"] for result in site.host.page.named("result")] == ["2"]


@on_site({"Says": FAIL}, models={})
async def test_what_the_new_version_lacks_is_told_once(site: Site) -> None:
    offer(site, "Says", "2", models=["ranker"])
    assert await reloaded(site) == ({"Says": ("1.0.0", "2")}, ["model-unknown"])
    assert await reloaded(site) == ({}, [])


@on_site({"A": FAIL, "B": FAIL})
async def test_another_configuration_brings_its_bundles(site: Site) -> None:
    offer(site, "C", "1")
    plain = {"bundles": ["tasks/C.edge", f"{TASKS}A.edge"], "triggers": [trigger("C")]}

    assert await site.runtime.deploy(plain) == []
    requests = len(site.host.network.requests)
    assert await site.runtime.deploy({**plain, "scheduler": {"maxRunning": 2}}) == []

    assert len(site.host.network.requests) == requests
    assert list(site.runtime.statistics()["tasks"]) == ["C", "A"]
    site.click("C")
    await settle()
    assert [result["value"] for result in site.host.page.named("result")] == ["1"]


@on_site({"A": FAIL})
async def test_what_of_its_bundles_does_not_work_is_told_and_nothing_is_dropped(site: Site) -> None:
    plain = {"bundles": ["tasks/None.edge"], "triggers": [trigger("A")]}

    (problem,) = await site.runtime.deploy(plain)

    assert (problem.code, problem.details["bundle"]) == ("network-failed", "tasks/None.edge")
    assert list(site.runtime.statistics()["tasks"]) == ["A"]
