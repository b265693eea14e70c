"""The simulated site's tasks: quick, slow, failing, hanging, deaf to their cancellation."""

import asyncio
import contextlib
import json
import math
import random
from contextvars import ContextVar
from typing import Any, Protocol

from edge_runtime.errors import EdgeError
from edge_runtime.pure.requests import InferRequest
from edge_runtime.types import Priority

from tests.unit.edge_runtime.task_bundles import bundle

SOURCE = """
from tests.simulation.tasks import WORLD

async def run(ctx, activation):
    return await WORLD.get().behave(ctx, activation)
"""
BASE = "https://shop.test/edge/"
TASKS: dict[str, dict[str, Any]] = {
    "Quick": {"priority": "core", "timeoutMs": 500},
    "Steady": {"priority": "regular", "timeoutMs": 2_000},
    "Heavy": {"priority": "low", "timeoutMs": 4_000},
    "Fresh": {"priority": "regular", "timeoutMs": 1_000, "supersede": "latest"},
    "Shared": {"priority": "low", "timeoutMs": 1_000, "supersede": "join"},
    "Outer": {"priority": "regular", "timeoutMs": 3_000},
    "Frail": {"priority": "regular", "timeoutMs": 800, "fallback": {"value": "instead"}},
    "Shaky": {"priority": "low", "timeoutMs": 800, "fallback": {"task": "Quick"}},
}
# A run of it goes on for those who joined it when the caller that began it has gone.
JOINED = "Shared"
FAILS_OFTEN = ("Frail", "Shaky")
# What happens, and how often of a hundred times or so.
SCENES = {
    "visit": 60,
    "conversation": 20,
    "flood": 1,
    "hold": 2,
    "death": 2,
    "restart": 1,
    "set_clock": 1,
    "full_disk": 1,
    "other_configuration": 2,
}
MAX_RUNNING = 3
AGEING_MS = 2_000
# Callers that wait for others, at most: as many as run, each with a chain of 8 and gathered calls.
PARKED = 50
LIMITS = {"core": 8, "regular": 20, "low": 20}
# How long code goes on that does not hear its cancellation, at most.
DEAF_MS = 9_000
LONGEST_SLOT_MS = max(task["timeoutMs"] for task in TASKS.values()) + DEAF_MS


class Behaves(Protocol):
    """The world that the tasks are in."""

    async def behave(self, ctx: Any, activation: Any) -> Any:
        """Do what the task does this time."""


WORLD: ContextVar[Behaves] = ContextVar("world")


def bundles() -> dict[str, bytes]:
    """Return the tasks' bundles by URL."""
    return {f"{BASE}{name}.edge": bundle(name, SOURCE, **more) for name, more in TASKS.items()}


def config() -> dict[str, Any]:
    """Return the site's configuration: each task by a click on its name, and a sequence."""
    triggers: list[dict[str, Any]] = [
        {"taskName": name, "events": [{"type": "mta", "pageId": "Home", "clickIds": [name]}]}
        for name in TASKS
    ]
    view = {"type": "mta", "pageId": "Home", "needPv": True}
    steps = [view, {"type": "mta", "pageId": "Home", "clickIds": ["nothing"]}]
    triggers.append({"taskName": "Quick", "sequence": steps, "withinMs": 60_000, "priority": "low"})
    return {
        "bundles": [f"{name}.edge" for name in TASKS],
        "triggers": triggers,
        "scheduler": {"maxRunning": MAX_RUNNING, "queueLimits": LIMITS},
        "data": {"events": {"maxAgeDays": 3_650}},
    }


def bound_ms(queue: str) -> float:
    """Return how long a run of ``queue`` may wait while nothing is paused."""
    limits = sum(LIMITS.values())
    index = list(LIMITS).index(queue)
    turns = math.ceil((limits + MAX_RUNNING + PARKED) / (MAX_RUNNING - 1))
    return index * AGEING_MS + turns * LONGEST_SLOT_MS


def random_row(choose: random.Random, number: int, now_ms: float) -> list[Any]:
    """Return an event; a page's clock may be wrong, and events may come late."""
    is_view = choose.random() < 0.1
    click_id = None if is_view else choose.choice([*TASKS, "nothing"])
    ts = now_ms - choose.choice([0, 0, 0, 40, 90_000])
    return [f"e{number:07}", ts, "mta", "Home", click_id, int(is_view), {}]


def random_request(choose: random.Random, call_id: int) -> InferRequest:
    """Return a call of a page."""
    return InferRequest(
        call_id,
        "demo",
        choose.choice(list(TASKS)).lower(),
        priority=choose.choice([None, *Priority]),
        timeout_ms=choose.choice([None, None, 30, 700]),
        supersede_key=choose.choice(["", "other"]),
    )


async def call_others(choose: random.Random, ctx: Any) -> None:
    """Call tasks, at once or one after the other, itself among them; live with what is refused."""
    names = choose.choices(list(TASKS), k=choose.randint(1, 3))
    if choose.random() < 0.5:
        await asyncio.gather(*(ctx.call(name, {}) for name in names), return_exceptions=True)
        return
    for name in names:
        with contextlib.suppress(EdgeError):
            await ctx.call(name, {})


async def take_time(choose: random.Random, task_name: str) -> None:
    """Take as much time as a run may, or more, and end as runs end."""
    timeout_ms = TASKS[task_name]["timeoutMs"]
    fails = 60 if task_name in FAILS_OFTEN else 9
    kind = choose.choices(["quick", "slow", "fails", "hangs", "deaf"], [60, 25, fails, 4, 2])[0]
    await asyncio.sleep(choose.uniform(0.001, 0.08))
    if kind == "slow":
        await asyncio.sleep(choose.uniform(0.1, 1.2) * timeout_ms / 1000)
    elif kind == "fails":
        raise LookupError("as simulated")
    elif kind == "hangs":
        await asyncio.Event().wait()
    elif kind == "deaf":
        await deaf_sleep(choose.uniform(1, DEAF_MS / 1000) + timeout_ms / 1000)


async def deaf_sleep(duration_s: float) -> None:
    """Sleep on, however often it is cancelled."""
    loop = asyncio.get_running_loop()
    until_s = loop.time() + duration_s
    while loop.time() < until_s:
        try:
            await asyncio.sleep(until_s - loop.time())
        except asyncio.CancelledError:
            continue


async def try_to_put(ctx: Any, key: str, value: Any) -> str | None:
    """Put a value; return the code of the refusal, None if it was put."""
    try:
        await ctx.put(key, json.loads(json.dumps(value)))
    except EdgeError as error:
        return error.code
    return None
