"""What tasks leave behind, between the tasks of one container."""

from pathlib import Path

import pytest
from edge_runtime.errors import HostError

from .container_stage import Stage, play_on
from .test_container_wheels import load

IS_A_FILE_NOW = """
import os
async def run(ctx, activation):
    folder = os.getcwd()
    os.chdir("/")
    os.rmdir(folder)
    open(folder, "w").close()
"""


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
        assert (bad.strikes, good.strikes) == (0, 0)
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
