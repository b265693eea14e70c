"""A task with a wheel runs under CPython with exactly what was locked."""

import asyncio
import sys
from pathlib import Path

import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.host.native import create_native_host

from tests.unit.wheels import publish
from web_runtime.authoring.stage import Stage

from .task_folder import write_task

TASK = """
import edge_test_units


async def run(ctx, activation):
    return [edge_test_units.VERSION, edge_test_units.metres(2)]
"""
UNITS = """
from edge_test_tables import MILE

VERSION = "1.0"


def metres(miles):
    return miles * MILE
"""


@pytest.fixture
def clean_path(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have what is imported forgotten at the end."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    for name in ("edge_test_units", "edge_test_tables"):
        monkeypatch.delitem(sys.modules, name, raising=False)


@pytest.mark.usefixtures("clean_path")
def test_a_task_with_a_wheel_and_what_that_needs_runs(index: Path, tmp_path: Path) -> None:
    publish(index, "edge_test_tables", "2.0", {"edge_test_tables.py": "MILE = 1609.344\n"})
    units = {"edge_test_units/__init__.py": UNITS}
    publish(index, "edge_test_units", "1.0", units, requires=["edge_test_tables"])
    folder = write_task(tmp_path / "task", TASK, toml='packages = ["edge-test-units==1.0"]\n')

    async def play() -> object:
        async with Stage(folder, create_native_host()) as stage:
            return await stage.infer()

    assert asyncio.run(play()) == ["1.0", 3218.688]


def test_a_task_fetches_only_where_it_may(tmp_path: Path) -> None:
    fetches = "async def run(ctx, activation):\n    await ctx.fetch('https://other.test/')\n"

    async def play() -> None:
        async with Stage(write_task(tmp_path, fetches), create_native_host()) as stage:
            await stage.infer()

    with pytest.raises(ConfigError, match="below one of the task's egress"):
        asyncio.run(play())
