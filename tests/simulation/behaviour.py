"""What runs do: be quick, slow, fail, hang, be deaf to their cancellation, hold up all others."""

import asyncio
import contextlib
import json
import random
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from edge_runtime.errors import EdgeError
from edge_runtime.testing.virtual_loop import VirtualLoop

from tests.unit.edge_runtime.pure.findings import Findings

from .ledger import Ledger
from .site import FAILS_OFTEN, JOINED, TASKS

# How long code goes on that does not hear its cancellation, at most.
DEAF_MS = 9_000
KINDS = {"quick": 60, "slow": 25, "fails": 9, "hangs": 3, "deaf": 2, "blocks": 1}


class Behaviour:
    """Of all runs of a device.

    Args:
        seed: What a run does depends on it and on the run's id alone, or on what its caller wants.
        ledger: Knows which runs are settled.
        findings: Hears of effects of those.
        loop: The loop of the worker that lives.

    Attributes:
        blocked_ms: For how long nothing else was heard, in all.
        versions: Of tasks, which one is in force; 0 where it says nothing.
    """

    def __init__(
        self, seed: int, ledger: Ledger, findings: Findings, loop: Callable[[], VirtualLoop]
    ) -> None:
        self._seed = seed
        self._ledger = ledger
        self._findings = findings
        self._loop = loop
        self.blocked_ms = 0.0
        self.versions: dict[str, int] = {}

    async def run(self, ctx: Any, activation: Any, version: int) -> Any:
        """Be one run, which begins on the version in force."""
        task, expected = activation.task_name, self.versions.get(activation.task_name, 0)
        self._findings.check(version == expected, f"{task} {expected} to run, got {version}")
        if activation.ext_data:
            await do_as_told(ctx, activation.ext_data)
            return activation.run_id
        choose = random.Random(f"{self._seed}/{activation.run_id}")
        life = self._ledger.life
        try:
            if activation.task_name == "Outer":
                await call_others(choose, ctx)
            await take_time(choose, activation.task_name)
        finally:
            # A dead worker's code has no effects, and cannot wait any more.
            if life is self._ledger.life and choose.random() < 0.2:
                await self._have_an_effect(ctx, activation, f"key-{choose.randrange(50)}")
        return activation.run_id

    def block(self, duration_ms: float) -> None:
        """Compute without a pause: time passes, and no timer is heard."""
        loop = asyncio.get_running_loop()
        loop.now_ms += duration_ms  # type: ignore[attr-defined]
        if loop is self._loop():
            self.blocked_ms += duration_ms

    async def _have_an_effect(self, ctx: Any, activation: Any, key: str) -> None:
        run_id = activation.run_id
        was_settled = f"{activation.task_name} {run_id}" in self._ledger.life.settled
        refused = await try_to_put(ctx, key, run_id)
        if was_settled and activation.task_name != JOINED and refused != "run-ended":
            self._findings.add(f"{run_id}: had an effect although it was settled")


BEHAVIOUR: ContextVar[Behaviour] = ContextVar("behaviour")


async def call_others(choose: random.Random, ctx: Any) -> None:
    """Call tasks, at once or one after the other, itself among them; live with what is refused."""
    names = choose.choices(list(TASKS), k=choose.randint(1, 3))
    if choose.random() < 0.5:
        await asyncio.gather(*(ctx.call(name, {}) for name in names), return_exceptions=True)
        return
    for name in names:
        with contextlib.suppress(EdgeError):
            await ctx.call(name, {})


async def do_as_told(ctx: Any, does: Mapping[str, Any]) -> None:
    """Do what a caller wants.

    Args:
        ctx: The run's.
        does: To take ``takeMs``, to hold up everybody for ``blockMs`` more, whether it ``fails``;
            or which task it ``calls``, and for how long it goes on when that is cancelled.
    """
    if "calls" in does:
        try:
            await ctx.call(does["calls"], {"takeMs": 600_000})
        except asyncio.CancelledError:
            await deaf_sleep(does["deafMs"] / 1000)
    await asyncio.sleep(does.get("takeMs", 1) / 1000)
    BEHAVIOUR.get().block(does.get("blockMs", 0))
    if does.get("fails"):
        raise LookupError("as simulated")


async def take_time(choose: random.Random, task_name: str) -> None:
    """Take as much time as a run may, or more, and end as runs end."""
    timeout_ms = TASKS[task_name]["timeoutMs"]
    fails = 60 if task_name in FAILS_OFTEN else KINDS["fails"]
    kinds = KINDS | {"fails": fails}
    kind = choose.choices(list(kinds), list(kinds.values()))[0]
    await asyncio.sleep(choose.uniform(0.001, 0.08))
    if kind == "slow":
        await asyncio.sleep(choose.uniform(0.1, 1.2) * timeout_ms / 1000)
    elif kind == "fails":
        raise LookupError("as simulated")
    elif kind == "hangs":
        await asyncio.Event().wait()
    elif kind == "deaf":
        await deaf_sleep(choose.uniform(1, DEAF_MS / 1000) + timeout_ms / 1000)
    elif kind == "blocks":
        BEHAVIOUR.get().block(choose.choice([20, 300, timeout_ms]))


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
