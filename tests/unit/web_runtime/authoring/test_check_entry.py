"""The function that is run: there, async, of two parameters."""

from pathlib import Path

import pytest

from .task_folder import said, write_task


@pytest.mark.parametrize(
    ("main", "told"),
    [
        ("x = 1\n", "task.toml:1:1: error: entry main:run: expected async def run(ctx, act"),
        ("x = 1\n", "got no run in main.py. Add it, or correct entry in task.toml."),
        ("def run(ctx, activation): ...\n", "main.py:1:1: error: entry main:run: expected async"),
        ("def run(ctx, activation): ...\n", "got a plain def. Write async def."),
        ("async def run(ctx): ...\n", "got (ctx). Give it these two parameters."),
        ("async def run(a, b, c): ...\n", "got (a, b, c)."),
        ("async def run(a, b, *, c): ...\n", "got (a, b, *, c)."),
        ("class A:\n    async def run(self, ctx): ...\n", "got no run in main.py"),
    ],
)
def test_what_cannot_be_run_is_told(tmp_path: Path, main: str, told: str) -> None:
    (found,) = said(write_task(tmp_path, main))

    assert told in found


@pytest.mark.parametrize(
    "main",
    [
        "async def run(ctx, activation, more=1): ...\n",
        "async def run(*both): ...\n",
        "async def run(ctx, activation, *, more=1): ...\n",
        "def run(ctx): ...\nasync def run(ctx, activation): ...\n",
        "from .other import run\n",
        "from .other import *\n",
        "run = make()\n",
    ],
)
def test_what_can_be_run_or_cannot_be_told_is_left_alone(tmp_path: Path, main: str) -> None:
    assert said(write_task(tmp_path, main, other="async def run(ctx, activation): ...\n")) == []
