"""A site's life on virtual time: visits, floods, calls, and every fault, drawn from one seed."""

import asyncio
import json
import random
from dataclasses import replace
from functools import partial
from typing import Any

from edge_runtime.config import parse_config
from edge_runtime.errors import EdgeError
from edge_runtime.pure.requests import InferRequest
from edge_runtime.runtime import Runtime
from edge_runtime.services.store import Mode
from edge_runtime.testing.replay import QUIET
from edge_runtime.testing.virtual_device import VirtualDevice

from .ledger import Broken, Ledger, Life
from .tasks import (
    BASE,
    JOINED,
    SCENES,
    WORLD,
    bound_ms,
    bundles,
    call_others,
    config,
    random_request,
    random_row,
    take_time,
    try_to_put,
)

HOUR_MS = 3_600_000
CALM_MS = 30_000
# A checkpoint comes sooner than on a page: a short log is what most starts should find.
LIMITS = replace(QUIET, checkpoint_segments=64)


class World:
    """One device and its page; ``seed`` decides everything."""

    def __init__(self, seed: int) -> None:
        self._choose = random.Random(seed)
        self._seed = seed
        self._device = VirtualDevice(seed)
        self._device.files.update(bundles())
        self._device.context.run(WORLD.set, self)
        self._config = parse_config(config())
        self.ledger = Ledger(lambda: self._device.loop.now_ms, bound_ms)
        self._events = 0
        self._call_ids = 0
        self._open_calls: set[int] = set()
        self._broken: list[str] = []
        self._unconfirmed: dict[str, list[Any]] = {}
        self._durable: set[str] = set()
        self._start()

    def play(self, hours: float) -> None:
        """Live for so long; come to rest each hour and look whether anything is missing."""
        scenes, weights = list(SCENES), list(SCENES.values())
        for hour in range(1, int(hours) + 1):
            while self._device.loop.now_ms < hour * HOUR_MS:
                self._wait(self._choose.expovariate(1 / 90_000))
                getattr(self, f"_{self._choose.choices(scenes, weights)[0]}")()
                self._look()
            self._come_to_rest()
        self._device.wait_for(self._runtime.stop())

    async def behave(self, ctx: Any, activation: Any) -> Any:
        """Be one run; what it does depends on its id alone."""
        choose = random.Random(f"{self._seed}/{activation.run_id}")
        life, run_id = self.ledger.life, activation.run_id
        try:
            if activation.task_name == "Outer":
                await call_others(choose, ctx)
            await take_time(choose, activation.task_name)
        finally:
            # A dead worker's code has no effects, and cannot wait any more.
            if life is self.ledger.life and choose.random() < 0.2:
                await self._have_an_effect(ctx, activation, f"key-{choose.randrange(50)}")
        return run_id

    async def _have_an_effect(self, ctx: Any, activation: Any, key: str) -> None:
        run_id = activation.run_id
        was_settled = f"{activation.task_name} {run_id}" in self.ledger.life.settled
        refused = await try_to_put(ctx, key, run_id)
        if was_settled and activation.task_name != JOINED and refused != "run-ended":
            # Raised here it would be one more task that fails.
            self._broken.append(f"{run_id}: had an effect although it was settled")

    def _visit(self) -> None:
        for _ in range(self._choose.randint(1, 6)):
            self._track(1)
            self._wait(self._choose.choice([0, 1, 40, 300, 3_000]))

    def _flood(self) -> None:
        for _ in range(self._choose.randint(5, 20)):
            self._track(self._choose.randint(1, 10))
            self._wait(self._choose.choice([0, 5, 60]))

    def _conversation(self) -> None:
        for _ in range(self._choose.randint(1, 4)):
            self._device.do(self._call)
            self._wait(self._choose.choice([0, 2, 50, 900]))
            if self._choose.random() < 0.2:
                call_id = self._choose.randint(1, self._call_ids)
                self._device.do(partial(self._runtime.cancel, call_id))

    def _hold(self) -> None:
        """Hide the page for a while; events keep coming from other tabs."""
        self._device.do(self._runtime.pause)
        self._visit()
        self._wait(self._choose.choice([0, 500, 20_000]))
        self._device.do(self._runtime.resume)

    def _death(self) -> None:
        """End the worker in the middle of a commit, after any number of callbacks."""
        self._track(self._choose.randint(1, 5))
        loop = self._device.loop
        loop.call_at_ms(loop.now_ms + 50, self._count_down, self._choose.randint(0, 60))
        self._wait(50)
        self._begin_anew()

    def _count_down(self, callbacks: int) -> None:
        if callbacks == 0:
            self._device.loop.stop()
        else:
            self._device.loop.call_soon(self._count_down, callbacks - 1)

    def _restart(self) -> None:
        self._look()
        self._device.wait_for(self._runtime.stop())
        self._begin_anew()

    def _set_clock(self) -> None:
        ahead_ms = self._choose.choice([-86_400_000, -5_000, -900, 30_000, 7_200_000])
        self._device.clock.set_now(self._device.clock.now_ms() + ahead_ms)

    def _full_disk(self) -> None:
        self._device.storage.quota_bytes = self._device.disk.size_bytes() + 200
        self._visit()
        self._wait(self._choose.choice([1_000, 90_000]))
        self._device.storage.quota_bytes = None

    def _other_configuration(self) -> None:
        """Swap triggers and limits at run time: without some, or with all again."""
        plain = config()
        if self._choose.random() < 0.5:
            plain["triggers"] = self._choose.sample(plain["triggers"], 4)
        self._device.do(partial(self._runtime.reconfigure, plain))

    def _wait(self, duration_ms: float) -> None:
        self._device.rest(self._device.loop.now_ms + duration_ms)

    def _begin_anew(self) -> None:
        self._look()
        self.ledger.died()
        self._device.reload(self._runtime.stop)
        self._open_calls = set()
        self._start()

    def _start(self) -> None:
        host = self._device.host()
        journal = self._device.journal(self.ledger)
        runtime = Runtime(host, self._config, BASE, journal=journal, limits=LIMITS)
        problems = self._device.wait_for(runtime.start())
        self._runtime = runtime
        if problems:
            raise Broken(f"a start without problems, got {problems}")
        self._purged = 0
        self._check_events(purged=0)
        self._device.do(runtime.take_up)
        # The page sends again what was not confirmed.
        self._send(list(self._unconfirmed.values()))

    def _check_events(self, purged: int) -> None:
        """Look whether all confirmed events are there, but for those a full disk has cost."""
        rows = self._runtime.data.query("select id from events")
        lost = self._durable - {row["id"] for row in rows}
        if len(lost) > purged:
            raise Broken(f"{len(lost)} confirmed events are lost, such as {min(lost)}")
        self._durable -= lost

    def _track(self, count: int) -> None:
        rows = [self._row() for _ in range(count)]
        self._unconfirmed.update({row[0]: row for row in rows})
        self._send(rows)

    def _send(self, rows: list[list[Any]]) -> None:
        ids = [row[0] for row in rows]
        confirm = partial(self._confirm, self.ledger.life, ids)
        self._device.do(partial(self._runtime.track, json.dumps(rows), "tab", confirm))

    def _confirm(self, life: Life, ids: list[str]) -> None:
        if life is not self.ledger.life:  # Nobody hears a dead worker.
            return
        for event_id in ids:
            self._unconfirmed.pop(event_id, None)
        if self._runtime.data.mode is Mode.DURABLE:
            self._durable.update(ids)

    def _row(self) -> list[Any]:
        self._events += 1
        return random_row(self._choose, self._events, self._device.clock.now_ms())

    def _call(self) -> None:
        self._call_ids += 1
        self._open_calls.add(self._call_ids)
        request = random_request(self._choose, self._call_ids)
        answering = self._answered(self._runtime, request, self._open_calls)
        self._answering = asyncio.get_running_loop().create_task(answering)

    async def _answered(self, runtime: Runtime, request: InferRequest, calls: set[int]) -> None:
        try:
            await runtime.infer(request)
        except EdgeError:
            pass
        calls.discard(request.call_id)

    def _look(self) -> None:
        if self._broken:
            raise Broken(self._broken[0])
        statistics = self._runtime.statistics()
        purged = statistics["store"]["purgedEvents"] - self._purged
        if purged:
            self._purged += purged
            self._check_events(purged)
        queues = statistics["queues"].values()
        running = sum(queue["running"] for queue in queues)
        if running > self._config.scheduler.max_running:
            raise Broken(f"{running} runs hold a slot")

    def _come_to_rest(self) -> None:
        until_ms = self._device.loop.now_ms + bound_ms("low")
        self._wait(CALM_MS)
        while self.ledger.unsettled() and self._device.loop.now_ms < until_ms:
            self._wait(CALM_MS)
        queues = self._runtime.statistics()["queues"].values()
        held = [(queue["waiting"], queue["running"]) for queue in queues]
        if held != [(0, 0)] * len(held) or self.ledger.life.running:
            raise Broken(f"nothing runs for ever, got {held} and {self.ledger.life.running}")
        if unsettled := self.ledger.unsettled():
            raise Broken(f"every run is settled, got none for {unsettled}")
        if self._open_calls or self._unconfirmed:
            raise Broken(f"no answer to {self._open_calls}, {len(self._unconfirmed)} unconfirmed")
