"""The simulated site: its tasks, its configuration, its events."""

import random
from typing import Any

from edge_runtime.pure.requests import InferRequest
from edge_runtime.types import Priority

from tests.unit.edge_runtime.task_bundles import UNSIGNED, bundle

SOURCE = """
from tests.simulation.behaviour import BEHAVIOUR

async def run(ctx, activation):
    return await BEHAVIOUR.get().run(ctx, activation, VERSION)
"""
BASE = "https://shop.test/edge/"
TASKS: dict[str, dict[str, Any]] = {
    "Quick": {"priority": "core", "timeoutMs": 500},
    "Steady": {"priority": "regular", "timeoutMs": 2_000},
    "Heavy": {"priority": "low", "timeoutMs": 4_000},
    "Fresh": {"priority": "regular", "timeoutMs": 1_000, "supersede": "latest"},
    "Shared": {"priority": "low", "timeoutMs": 1_000, "supersede": "join"},
    "Outer": {"priority": "regular", "timeoutMs": 3_000},
    "Frail": {"priority": "regular", "timeoutMs": 4_000, "fallback": {"value": "instead"}},
    "Shaky": {"priority": "low", "timeoutMs": 800, "fallback": {"task": "Quick"}},
}
# A run of it goes on for those who joined it when the caller that began it has gone.
JOINED = "Shared"
FAILS_OFTEN = ("Frail", "Shaky")
MAX_RUNNING = 3
AGEING_MS = 1_000
LIMITS = {"core": 6, "regular": 12, "low": 24}
BREAKER = {"minCalls": 4, "windowMs": 30_000, "openMs": 1_000, "maxOpenMs": 30_000}
BREAKER |= {"slowMs": 1_500, "halfOpenCalls": 2}

Step = tuple[str, str | None]
"""The page of an event and what was clicked there, None for a view."""

# What the triggers with a memory are made of: playing these steps twice completes each of them.
ERRANDS: list[list[Step]] = [
    [("Home", None), ("Home", "nothing")],
    [("Home", "Heavy"), ("Home", "Heavy")],
    [("Cart", "pay")],
    [("Item", "add"), ("Cart", None), ("Cart", "pay")],
    [("Item", None), ("Item", "add")],
]


def bundles() -> dict[str, bytes]:
    """Return the tasks' bundles by URL."""
    return {f"{BASE}{name}.edge": bundle_of(name, 0) for name in TASKS}


def bundle_of(name: str, version: int) -> bytes:
    """Return a version of a task's bundle; its runs say which they are of."""
    source = f"VERSION = {version}\n{SOURCE}"
    return bundle(name, source, version=str(version), **TASKS[name])


def config() -> dict[str, Any]:
    """Return the site's configuration: each task by a click on its name, others with a memory."""
    by_name = [{"taskName": name, "events": [pattern(("Home", name))]} for name in TASKS]
    home, heavy, pay, order, item = ([pattern(step) for step in errand] for errand in ERRANDS)
    item[-1]["where"] = {"price": {"gte": 50}}
    with_memory: list[dict[str, Any]] = [
        {"taskName": "Quick", "sequence": home, "withinMs": 60_000, "priority": "low"},
        {"taskName": "Steady", "events": heavy[:1], "count": {"times": 3, "withinMs": 120_000}},
        {"taskName": "Fresh", "events": pay, "cooldownMs": 90_000},
        {"taskName": "Outer", "sequence": order, "count": {"times": 2, "withinMs": 300_000}},
        {"taskName": "Shared", "sequence": item, "scope": "page", "cooldownMs": 30_000},
        {"taskName": "Shared", "sequence": item, "scope": "page", "sample": 0.5},
    ]
    return {
        "bundles": [f"{name}.edge" for name in TASKS],
        "trust": UNSIGNED,
        "triggers": by_name + with_memory,
        "scheduler": {
            "maxRunning": MAX_RUNNING,
            "queueLimits": LIMITS,
            "ageingMs": AGEING_MS,
            "breaker": BREAKER,
        },
        "data": {"events": {"maxAgeDays": 3_650}},
    }


def pattern(step: Step) -> dict[str, Any]:
    """Return what a trigger says about an event."""
    page_id, click_id = step
    what = {"needPv": True} if click_id is None else {"clickIds": [click_id]}
    return {"type": "mta", "pageId": page_id, **what}


def random_step(choose: random.Random) -> Step:
    """Return any event of the site."""
    if choose.random() < 0.7:
        return "Home", choose.choice([*TASKS, "nothing"])
    return choose.choice(choose.choice(ERRANDS))


def random_row(choose: random.Random, number: int, now_ms: float, step: Step) -> list[Any]:
    """Return an event of one of three page loads; some come late."""
    page_id, click_id = step
    ts = now_ms - choose.choice([0, 0, 0, 0, 0, 0, 40, 90_000])
    props = {"price": choose.choice([20, 50, 80])}
    name = f"{number:07}-{choose.choice('aaaabc')}-0"
    return [name, ts, "mta", page_id, click_id, int(click_id is None), props]


def request(
    call_id: int, task_name: str, does: dict[str, Any] | None = None, **more: Any
) -> InferRequest:
    """Return a call of a page; ``does``: what the run is to do."""
    return InferRequest(call_id, "demo", task_name.lower(), does or {}, **more)


def random_request(choose: random.Random, call_id: int) -> InferRequest:
    """Return any call of a page."""
    return request(
        call_id,
        choose.choice(list(TASKS)),
        priority=choose.choice([None, *Priority]),
        timeout_ms=choose.choice([None, None, 30, 700]),
        supersede_key=choose.choice(["", "other"]),
    )
