"""What tasks leave behind, between the tasks of one container."""

import asyncio
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from edge_runtime.errors import EdgeError, HostError

from .container_stage import Play, Stage, play_on
from .test_container_wheels import load, wheel

IS_A_FILE_NOW = """
import os
async def run(ctx, activation):
    folder = os.getcwd()
    os.chdir("/")
    os.rmdir(folder)
    open(folder, "w").close()
"""
PATCHES = "import textwrap\ntextwrap.fill = str.upper\n"
PATCHES_AND_RUNS = PATCHES + "async def run(ctx, activation): ...\n"
RUNS_AND_PATCHES = """
import textwrap
async def run(ctx, activation):
    textwrap.fill = str.upper
"""
FILLS = """
from textwrap import fill
async def run(ctx, activation):
    import textwrap
    return [fill("ok"), textwrap.fill("ok")]
"""


def alone(play: Play) -> Callable[[int], None]:
    """Play in an interpreter that is the runtime's alone, beside the core and in a VM."""

    @pytest.mark.parametrize("vms", [0, 1], ids=["inline", "vm"])
    def run(vms: int, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(textwrap, "fill", textwrap.fill)
        play_on(lambda: Stage(vms, is_shared=False), play)

    run.__name__ = play.__name__
    return run


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")


def test_a_vm_that_cannot_be_tidied_is_replaced_and_the_next_task_runs_in_another() -> None:
    async def play(stage: Stage) -> None:
        bad = await load(stage, "Bad", source=IS_A_FILE_NOW)
        good = await load(stage, "Good")
        await stage.run(bad, "a")

        assert (await stage.run(good, "b")).value == "b"

        assert [each.is_dead for each in stage.machines.started] == [True, False]
        assert (bad.strikes, good.strikes) == (1, 0)
        (warning,) = stage.host.page.named("log")
        assert (warning["taskName"], warning["level"]) == ("Bad", "warning")

    play_on(lambda: Stage(1, is_shared=False), play)


def test_a_worker_that_cannot_be_tidied_is_replaced_and_the_next_run_says_so() -> None:
    async def play(stage: Stage) -> None:
        bad = await load(stage, "Bad", source=IS_A_FILE_NOW)
        good = await load(stage, "Good")
        await stage.run(bad, "a")

        with pytest.raises(HostError, match="expected to put back what tasks changed") as refused:
            await stage.run(good, "b")

        assert refused.value.code == "worker-lost"
        assert len(stage.host.page.replace_reasons) == 1

    play_on(lambda: Stage(0, is_shared=False), play)


@alone
async def test_what_a_task_changed_is_put_back_when_packages_come(stage: Stage) -> None:
    await stage.run(await load(stage, "Bad", source=RUNS_AND_PATCHES), "a")

    needs = await load(stage, "Needs", wheel(stage, "units"), source=FILLS)
    other = await load(stage, "Other", source=FILLS)

    for task in (needs, other, needs):
        assert (await stage.run(task, "b")).value == ["ok", "ok"]


@alone
async def test_what_a_task_changes_while_packages_come_is_put_back(stage: Stage) -> None:
    bad = await load(stage, "Bad", source=RUNS_AND_PATCHES)
    other = await load(stage, "Other", source=FILLS)
    begun, arrives = asyncio.Event(), asyncio.Event()

    async def install(*_: object) -> None:
        begun.set()
        await arrives.wait()

    stage.host.interpreter.install = install  # type: ignore[method-assign]

    async def needs() -> object:
        task = await load(stage, "Needs", wheel(stage, "units"), source=FILLS)
        return (await stage.run(task, "b")).value

    needing = asyncio.create_task(needs())
    await begun.wait()
    await stage.run(bad, "a")
    arrives.set()

    assert await needing == ["ok", "ok"]
    assert (await stage.run(other, "c")).value == ["ok", "ok"]


@alone
async def test_what_an_import_changes_is_put_back_for_the_task_that_ran_before(
    stage: Stage,
) -> None:
    first = await load(stage, "First", source=FILLS)
    await stage.run(first, "a")

    await stage.run(await load(stage, "Bad", source=PATCHES_AND_RUNS), "b")

    assert (await stage.run(first, "c")).value == ["ok", "ok"]


@alone
async def test_a_failed_import_leaves_nothing_to_the_task_that_ran_before(stage: Stage) -> None:
    first = await load(stage, "First", source=FILLS)
    await stage.run(first, "a")

    with pytest.raises(EdgeError, match="ZeroDivisionError"):
        await stage.run(await load(stage, "Bad", source=PATCHES + "1 / 0"), "b")

    assert (await stage.run(first, "c")).value == ["ok", "ok"]
