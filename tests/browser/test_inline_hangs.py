"""Code that will not end and holds the runtime worker: its run ends, another worker serves."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page

from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST
from .edge_page import EdgePage
from .site import Task, click_trigger, write_site
from .test_vm_hangs import SWALLOWS

TIMEOUT_MS = 700

QUICK = "async def run(ctx, activation):\n    return activation.ext_data['n']\n"
WAITS = "import asyncio\nasync def run(ctx, activation):\n    await asyncio.sleep(60)\n"
NESTED = "async def run(ctx, activation):\n    return await ctx.call('Sum')\n"
# Behind its deadline it waits; it holds nothing.
LATE = """
import asyncio
async def run(ctx, activation):
    try:
        await asyncio.sleep(60)
    except asyncio.CancelledError:
        await asyncio.sleep(3)
"""
# What the code does, and whether its worker outlives it.
HANGS = {
    "Loop": ("    while True:\n        pass", True),
    "Regex": ("    import re\n    re.match('(a+)+b', 'a' * 60)", True),
    "Sleep": ("    import time\n    time.sleep(30)", True),
    "Sum": ("    return sum(range(10**10))", False),
    "Swallow": (SWALLOWS, False),
    "Chatty": (SWALLOWS.replace("pass\n        except", "print(1)\n        except"), False),
}
UNTIL_IDLE = """async () => {
  const running = async () => (await EdgeAI.statistics()).queues.regular.running;
  while (await running()) await new Promise((ok) => setTimeout(ok, 50));
}"""
COUNT = """
async def run(ctx, activation):
    return (await ctx.query("select count(*) as n from events where click_id = 'before'"))[0]["n"]
"""


def hanging(name: str) -> Task:
    source = f"async def run(ctx, activation):\n{HANGS[name][0].lstrip(chr(10))}\n"
    return Task(name, name.lower(), source, {"timeout_ms": TIMEOUT_MS})


TASKS = (
    Task("Quick", "quick", QUICK),
    Task("Count", "count", COUNT),
    Task("Waits", "waits", WAITS, {"timeout_ms": 60_000}),
    Task("Late", "late", LATE, {"timeout_ms": TIMEOUT_MS}),
    Task("Nested", "nested", NESTED, {"timeout_ms": 60_000}),
    *(hanging(name) for name in HANGS),
)


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    config = {"vms": 0, "triggers": [click_trigger("Sum", "sum")]}
    site = write_site(tmp_path_factory.mktemp("inline") / "site", tasks=TASKS, config=config)
    with BackgroundServer(create_app(site, DIST)) as server:
        yield server.url


@pytest.fixture
def edge(page: Page, origin: str) -> EdgePage:
    return opened(page, origin)


def opened(page: Page, origin: str) -> EdgePage:
    edge = EdgePage(page, origin).open()
    edge.ready()
    return edge


def click(edge: EdgePage, click_id: str) -> None:
    event = {"type": "mta", "pageId": "Test", "clickId": click_id}
    edge.page.evaluate("(event) => EdgeAI.track(event)", event)


def starts(edge: EdgePage) -> int:
    """Return how many workers the page has started."""
    return sum(status.get("step") == "worker" for status in edge.seen("status"))


@pytest.mark.parametrize("name", HANGS)
def test_code_that_will_not_end_ends_alone(edge: EdgePage, name: str) -> None:
    before = starts(edge)
    click(edge, "before")

    outcome = edge.infer(name.lower())

    assert outcome["error"]["code"] == "task-timeout", outcome
    assert edge.value("quick", {"n": 7}) == 7
    assert edge.value("count") == 1
    assert starts(edge) - before == (0 if HANGS[name][1] else 1)
    assert edge.failures == []


def test_other_calls_in_flight_are_lost_with_the_worker(edge: EdgePage) -> None:
    edge.page.evaluate(
        """async () => {
          const systemCode = "test-shop";
          const call = (businessCode) => settle(EdgeAI.infer({systemCode, businessCode}));
          window.others = [call("waits"), call("waits")];
          await call("quick");
          window.hung = call("sum");
        }"""
    )

    hung: dict[str, Any] = edge.page.evaluate("() => hung")
    others: list[dict[str, Any]] = edge.page.evaluate("() => Promise.all(others)")

    assert hung["error"]["code"] == "task-timeout"
    assert [other["error"]["code"] for other in others] == ["worker-lost", "worker-lost"]


def test_a_call_ends_with_the_timeout_of_what_its_task_called(edge: EdgePage) -> None:
    assert edge.infer("nested")["error"]["code"] == "task-timeout"


def test_a_run_that_waits_behind_its_deadline_costs_no_worker(edge: EdgePage) -> None:
    before = starts(edge)

    assert edge.infer("late")["error"]["code"] == "task-timeout"
    # It goes on for three seconds more, in which the worker is asked.
    edge.page.evaluate(UNTIL_IDLE)

    assert edge.value("quick", {"n": 7}) == 7
    assert starts(edge) == before


def test_a_task_that_held_three_workers_is_left_alone_for_a_while(edge: EdgePage) -> None:
    codes = [edge.infer("sum")["error"]["code"] for _ in range(4)]

    assert codes == ["task-timeout"] * 3 + ["circuit-open"]
    assert edge.value("quick", {"n": 7}) == 7


def test_a_run_of_an_event_is_told_as_an_error_once(edge: EdgePage) -> None:
    click(edge, "sum")
    error = edge.until("error", taskName="Sum")["error"]

    assert error["code"] == "task-timeout"
    assert edge.value("quick", {"n": 7}) == 7
    assert len(edge.seen("error")) == 1


def test_a_followers_call_is_lost_and_its_next_one_answered(
    context: BrowserContext, origin: str
) -> None:
    opened(context.new_page(), origin)
    follower = opened(context.new_page(), origin)

    assert follower.infer("sum")["error"]["code"] == "worker-lost"
    assert follower.value("quick", {"n": 7}) == 7
