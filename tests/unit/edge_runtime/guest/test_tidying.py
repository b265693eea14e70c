"""What a careless task does to folder and environment costs the task behind it nothing."""

import asyncio
import importlib
import json
import os
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.guest.pristine import Pristine
from edge_runtime.guest.vm import Vm
from edge_runtime.pure.plain import join, split
from edge_runtime.pure.vm_messages import plain_activation
from edge_runtime.testing.fake_host import create_fake_host

from ..services.container_stage import ACTIVATION

TURNS = 50
GOOD = "import os\nasync def run(ctx, activation):\n    return [os.getcwd(), *os.listdir()]\n"
CARELESS = {
    "removes the folder": "os.chdir('/')\nos.rmdir(folder)",
    "locks the folder": "open('a', 'w').close()\nos.chmod('.', 0o555)",
    "locks a folder in it": "os.mkdir('b')\nopen('b/a', 'w').close()\nos.chmod('b', 0o555)",
    "drops the environment": "os.environ = None",
    "drops the modules": "logging.sys.modules = None",
    "drops the finders": "logging.sys.meta_path = None",
    "drops the paths": "logging.sys.path = None",
}


class Guest:
    """A VM without a core: says what it said."""

    def __init__(self, folder: Path) -> None:
        interpreter = create_fake_host().interpreter
        interpreter.is_shared = False
        self.raw: list[str] = []
        self.said: list[Any] = []
        self._vm = Vm(interpreter, self._hear, str(folder))

    def _hear(self, text: str, buffers: Any) -> None:
        self.raw.append(text)
        if text:
            self.said.append(join(text, buffers))

    def open(self, number: int, source: str, packages: Any = ()) -> None:
        brief = {"name": f"Task{number}", "entry": "main:run"}
        code = {"brief": brief, "files": {"main.py": source.encode()}, "packages": [*packages]}
        self._vm.take(*split({"do": "open", "task": number, **code}))

    async def run(self, number: int, run_id: str = "r") -> Any:
        """Return what a run ended with."""
        activation = {**plain_activation(ACTIVATION), "runId": run_id}
        when = {"budgetMs": 60_000, "deadlineMs": 0}
        message = {"do": "run", "task": number, "activation": activation, **when}
        self._vm.take(*split(message))
        for _ in range(TURNS):
            await asyncio.sleep(0)
        return [each for each in self.said if each["do"] == "done"][-1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    # Not undone where a task's change stays.
    monkeypatch.setattr(os, "environ", os.environ)
    return folder


def task_that(body: str, folder: Path) -> str:
    lines = [f"folder = {str(folder)!r}", *body.splitlines()]
    indented = "".join(f"    {line}\n" for line in lines)
    return f"import logging, os\nasync def run(ctx, activation):\n{indented}"


@pytest.mark.parametrize("careless", CARELESS)
def test_a_careless_task_costs_the_next_one_nothing(careless: str, folder: Path) -> None:
    async def play() -> None:
        guest = Guest(folder)
        guest.open(1, task_that(CARELESS[careless], folder))
        guest.open(2, GOOD)
        for number in (2, 1):
            assert (await guest.run(number))["value"] is not False
        for _ in range(2):
            assert (await guest.run(2)).get("value") == [str(folder)]
        assert "" not in guest.raw

    asyncio.run(play())


def test_a_vm_that_cannot_be_tidied_ends_before_the_next_task_runs(folder: Path) -> None:
    async def play() -> None:
        guest = Guest(folder)
        guest.open(
            1, task_that("os.chdir('/')\nos.rmdir(folder)\nopen(folder, 'w').close()", folder)
        )
        guest.open(2, "async def run(ctx, activation):\n    print('it ran')\n")
        await guest.run(1)

        outcome = await guest.run(2)

        # Said before anything else of this run.
        assert [each["do"] for each in guest.said][-3:] == ["log", "spoilt", "done"]
        assert next(each for each in guest.said if each["do"] == "spoilt")["task"] == "Task1"
        assert outcome["error"]["code"] == "worker-lost"
        (warning,) = [each for each in guest.said if each["do"] == "log"]
        assert warning["task"] == "Task1" and "FileExistsError" in warning["message"]

    asyncio.run(play())


def test_what_the_library_imports_by_itself_meanwhile_stays(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "colorsys", raising=False)
    pristine = Pristine()
    imported = importlib.import_module("colorsys")
    monkeypatch.setitem(sys.modules, "json.inner", textwrap)
    monkeypatch.setattr(json, "inner", textwrap, raising=False)
    monkeypatch.setitem(sys.modules, "json.injected", textwrap)

    pristine.restore()

    assert sys.modules["colorsys"] is imported
    assert sys.modules["json.inner"] is textwrap and "json.injected" not in sys.modules
