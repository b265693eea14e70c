"""Remarks about code that blocks, and about state that is gone at the next run."""

from pathlib import Path

import pytest

from .task_folder import MAIN, said, write_task


@pytest.mark.parametrize(
    "code",
    [
        "import time\ndef f():\n    time.sleep(1)\n",
        "import time as t\ndef f():\n    t.sleep(1)\n",
        "from time import sleep as nap\ndef f():\n    nap(1)\n",
        "import asyncio\ndef f():\n    asyncio.run(g())\n",
    ],
)
def test_a_call_that_blocks_is_remarked(tmp_path: Path, code: str) -> None:
    (found,) = said(write_task(tmp_path, code + MAIN))

    assert found.startswith("main.py:3:5: remark: ") and "a call that blocks" in found


@pytest.mark.parametrize(
    ("loop", "is_told"),
    [
        ("while True:\n        x = 1\n", True),
        ("while 1:\n        async def g():\n            await h()\n", True),
        ("while True:\n        await g()\n", False),
        ("while True:\n        if x:\n            break\n", False),
        ("while True:\n        return 1\n", False),
        ("while x:\n        pass\n", False),
    ],
)
def test_a_loop_that_never_ends_is_remarked(tmp_path: Path, loop: str, is_told: bool) -> None:
    found = said(write_task(tmp_path, f"{MAIN}async def f(x):\n    {loop}"))

    assert [line.partition(": expected")[0] for line in found] == (
        ["main.py:4:5: remark: while True"] * is_told
    )


@pytest.mark.parametrize(
    "code",
    [
        "A = {}\ndef f():\n    A['x'] = 1\n",
        "A: list = []\ndef f():\n    A.append(1)\n    A.append(2)\n",
        "A = set()\ndef f():\n    def g():\n        A.add(1)\n",
        "A = 0\ndef f():\n    global A\n    A = 1\n",
        "A = {}\ndef f():\n    del A['x']\n",
        "A = make()\ndef f():\n    A.total += 1\n",
    ],
)
def test_a_change_of_what_the_module_holds_is_remarked_once(tmp_path: Path, code: str) -> None:
    (found,) = said(write_task(tmp_path, code + MAIN))

    assert "remark: A: expected no state between runs" in found
    assert said(write_task(tmp_path, code + MAIN, toml="stateful = true\n")) == []


@pytest.mark.parametrize(
    "code",
    [
        "A = {}\nA['x'] = 1\n",
        "A = []\ndef f():\n    A = []\n    A.append(1)\n",
        "A = []\ndef f(A):\n    A.append(1)\n",
        "A = [1]\ndef f():\n    return A[0], A.index(1)\n",
        "def f():\n    b = {}\n    b['x'] = 1\n",
    ],
)
def test_what_is_fresh_each_run_or_never_changed_is_left_alone(tmp_path: Path, code: str) -> None:
    assert said(write_task(tmp_path, code + MAIN)) == []
