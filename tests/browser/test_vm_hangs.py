"""Code that will not end, in a real VM: its run ends, its VM is replaced, others lose nothing."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST
from .edge_page import EdgePage
from .site import Task, write_site

TIMEOUT_MS = 700

QUICK = "async def run(ctx, activation):\n    return activation.ext_data['n']\n"
# Holds a VM until the page says so, and counts how often its code began.
WAITS = """
import asyncio
async def run(ctx, activation):
    await ctx.put("begun", (await ctx.get("begun") or 0) + 1)
    while not await ctx.get("open"):
        await asyncio.sleep(0.02)
    return "whole"
"""
SWALLOWS = """
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
"""
# What the code does, the error of its run, and whether its VM outlives it.
HANGS = {
    "Loop": ("    while True:\n        pass", "task-timeout", True),
    "Regex": ("    import re\n    re.match('(a+)+b', 'a' * 60)", "task-timeout", True),
    "Sort": (
        "    import random\n    return len(sorted(random.randbytes(60_000_000)))",
        "task-timeout",
        False,
    ),
    "Sum": ("    return sum(range(10**10))", "task-timeout", False),
    "Sleep": ("    import time\n    time.sleep(30)", "task-timeout", True),
    "Swallow": (SWALLOWS, "task-timeout", False),
    "Recursion": ("    def deep(): return deep()\n    deep()", "task-raised", True),
    "Memory": (
        "    kept = []\n    while True:\n        kept.append(bytearray(10_000_000))",
        "task-memory-exceeded",
        True,
    ),
    "Exit": ("    import os\n    os._exit(3)", "task-crashed", False),
    "Abort": ("    import os\n    os.abort()", "task-crashed", False),
}


UNTIL_KILLED = """async (count) => {
  // A VM goes a little later than the run whose code will not end.
  const killed = async () => (await EdgeAI.statistics()).vms.killed;
  while ((await killed()) < count) await new Promise((ok) => setTimeout(ok, 20));
}"""


def hanging(name: str) -> Task:
    body, code, _ = HANGS[name]
    source = f"async def run(ctx, activation):\n{body.lstrip(chr(10))}\n"
    # What ends by itself has time for that on a slow machine.
    timeout_ms = TIMEOUT_MS if code == "task-timeout" else 20_000
    return Task(name, name.lower(), source, {"timeout_ms": timeout_ms})


TASKS = (
    Task("Quick", "quick", QUICK),
    Task("Waits", "waits", WAITS, {"timeout_ms": 60_000}),
    *(hanging(name) for name in HANGS),
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    never = {"minCalls": 100, "failureShare": 1}
    config = {"vms": 2, "container": {"spare": False}, "scheduler": {"breaker": never}}
    site = write_site(tmp_path_factory.mktemp("hangs") / "site", tasks=TASKS, config=config)
    with BackgroundServer(create_app(site, DIST)) as server:
        yield server.url


@pytest.fixture
def edge(page: Page, origin: str) -> EdgePage:
    """A page with two VMs."""
    edge = EdgePage(page, origin).open()
    edge.ready()
    edge.page.evaluate(
        """async () => {
          const call = (businessCode) => EdgeAI.infer({systemCode: "test-shop", businessCode});
          window.longRun = call("waits");
          const vms = async () => (await EdgeAI.statistics()).vms;
          while ((await EdgeAI.get("begun")) !== 1) await new Promise((ok) => setTimeout(ok, 20));
          // A second one starts for a run that finds the first one busy.
          await EdgeAI.infer({systemCode: "test-shop", businessCode: "quick", extData: {n: 1}});
          while ((await vms()).ready < 2) await new Promise((ok) => setTimeout(ok, 20));
        }"""
    )
    return edge


@pytest.mark.parametrize("name", HANGS)
def test_code_that_will_not_end_is_ended_and_costs_nobody_else(edge: EdgePage, name: str) -> None:
    _, code, survives = HANGS[name]

    outcome = edge.infer(name.lower())

    assert outcome["error"]["code"] == code, outcome
    assert edge.value("quick", {"n": 7}) == 7
    edge.page.evaluate(UNTIL_KILLED, 0 if survives else 1)
    statistics = edge.call("statistics")["ok"]
    assert statistics["vms"]["killed"] == (0 if survives else 1), statistics["vms"]
    assert statistics["tasks"][name]["strikes"] == (0 if survives else 1)
    # The run in the other VM went on all the time.
    edge.call("put", "open", True)
    assert edge.page.evaluate("async () => (await longRun).value") == "whole"
    assert edge.call("get", "begun")["ok"] == 1
    assert edge.failures == []


def test_an_innocent_run_of_a_vm_that_is_ended_is_run_again(page: Page, tmp_path: Path) -> None:
    site = write_site(tmp_path / "site", tasks=TASKS, config={"vms": 1})
    with BackgroundServer(create_app(site, DIST)) as server:
        edge = EdgePage(page, server.url).open()
        edge.ready()
        edge.page.evaluate(
            """async () => {
              window.longRun = EdgeAI.infer({systemCode: "test-shop", businessCode: "waits"});
              const soon = () => new Promise((ok) => setTimeout(ok, 20));
              while ((await EdgeAI.get("begun")) !== 1) await soon();
            }"""
        )

        assert edge.infer("sum")["error"]["code"] == "task-timeout"

        edge.call("put", "open", True)
        assert edge.page.evaluate("async () => (await longRun).value") == "whole"
        # What it had put before its VM went is there: effects happen at least once.
        assert edge.call("get", "begun")["ok"] == 2
