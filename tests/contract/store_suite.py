"""The whole store on a host, walked at random beside a dictionary."""

import asyncio
import json
import random
from typing import Any

from edge_runtime.config import DataConfig, EventsRule, KeyRule, Limits
from edge_runtime.errors import EdgeError
from edge_runtime.host.ports import Host
from edge_runtime.pure.head import KeyLimits
from edge_runtime.services.store import Store
from edge_runtime.services.store_cleaner import Cleaner

DATA = DataConfig(
    EventsRule(max_rows=60, max_age_days=3650),
    (KeyRule("ui.", encrypted=False, max_rows=6), KeyRule("profile.")),
)
LIMITS = Limits(piece_bytes=4_096, slice_rows=7)
KEY_LIMITS = KeyLimits(reserve_uses=16)
KEYS = ("profile.a", "profile.b", "ui.a", "ui.b", "ui.c", "other")
OPERATIONS = (
    *("track", "track", "track", "flush", "put", "put", "delete"),
    *("clean", "checkpoint", "reopen", "crash", "look"),
)


class StoreWalk:
    """A store and what must be in it.

    Attributes:
        durable: Ids that were acknowledged, in order.
        volatile: Ids that were tracked and not acknowledged yet.
        values: By key, what was acknowledged.
    """

    def __init__(self, host: Host) -> None:
        self._host = host
        self._number = 0
        self._since_ms = host.clock.now_ms()
        self.durable: list[str] = []
        self.volatile: list[str] = []
        self.values: dict[str, Any] = {}
        self.store = self._made()

    def _made(self) -> Store:
        host = self._host
        return Store(host.clock, host.storage, host.crypto, DATA, LIMITS, KEY_LIMITS)

    async def begin(self) -> None:
        """Start on nothing."""
        await self.store.start()
        await self.store.erase()

    async def end(self) -> None:
        """Leave nothing behind."""
        await self.store.erase()
        await self.store.stop()

    async def track(self, count: int) -> None:
        """Add events, one of them twice."""
        ids = [f"{self._number + n:06d}" for n in range(count)]
        self._number += count
        rows = [
            [each, self._since_ms + int(each), "mta", "Home", None, 1, {"n": int(each)}]
            for each in ids
        ]
        self.store.add_batch(json.dumps([*rows, *rows[:1]]))
        self.volatile += ids

    async def flush(self) -> None:
        """Have everything acknowledged."""
        await self.store.flush()
        self.durable += self.volatile
        self.volatile = []

    async def put(self, key: str, value: int) -> None:
        """Put a value; that acknowledges what came before it, too."""
        await self.store.put(key, value)
        self.values[key] = value
        await self.flush()

    async def delete(self, key: str) -> None:
        """Delete a key."""
        await self.store.delete(key)
        self.values.pop(key, None)
        await self.flush()

    async def clean(self) -> None:
        """Clean as the keeper does."""
        cleaner = Cleaner(self.store._tables, DATA, LIMITS.slice_rows)
        assert all(deleted <= LIMITS.slice_rows for deleted in cleaner.slices(self._since_ms))
        self._forget_surplus()

    async def checkpoint(self) -> None:
        """Make a checkpoint."""
        durable = self.store._writer.durable
        if durable is not None:
            await durable.checkpoints.write(self.store._tables, keep_spare=True)

    async def reopen(self) -> None:
        """Stop in good order and start again."""
        await self.store.stop()
        self.durable += self.volatile
        self.volatile = []
        await self._start_again()

    async def crash(self) -> None:
        """Start again without a word to the one before."""
        await abandon(self.store)
        before = {*self.durable, *self.volatile}
        await self._start_again(is_after_crash=True)
        assert {*self.ids()} <= before

    def look(self) -> None:
        """Compare every answer."""
        found = self.ids()
        expected = [*self.durable, *self.volatile]
        # Between two cleanings there may be a few more than the rule allows.
        assert found == expected[-len(found) :] or not found, (found, expected)
        assert len(found) >= min(len(expected), DATA.events.max_rows), (found, expected)
        assert {key: self.store.get(key) for key in KEYS} == {
            key: self.values.get(key) for key in KEYS
        }
        counted = self.store.query("select count(*) as n from events where page_id = 'Home'")
        assert counted == [{"n": len(found)}]

    def ids(self) -> list[str]:
        """Return the ids that are there, in order."""
        rows = self.store.query("select id from events order by ts")
        return [row["id"] for row in rows]

    async def _start_again(self, *, is_after_crash: bool = False) -> None:
        self.store = self._made()
        await self.store.start()
        assert self.store.problems == [], self.store.problems
        if is_after_crash:
            survived = {*self.ids()}
            expected = self.durable[-DATA.events.max_rows :]
            surplus = max(0, len(survived) - len(expected))
            assert set(expected[surplus:]) <= survived, (expected, survived)
            self.durable = sorted({*self.durable, *(set(self.volatile) & survived)})
            self.volatile = []
        self._forget_surplus()

    def _forget_surplus(self) -> None:
        surplus = len(self.durable) + len(self.volatile) - DATA.events.max_rows
        if surplus > 0:
            self.durable = self.durable[surplus:]
        plain = [key for key in self.values if key.startswith("ui.")]
        assert len(plain) <= 6


async def abandon(store: Store) -> None:
    """End a store's own tasks as the end of its worker does: nothing is written any more."""
    tasks = (store._keeper._task, store._commits._background, store._commits._window)
    for task in tasks:
        if task is not None:
            task.cancel()
            await asyncio.wait([task])


async def step(walk: StoreWalk, name: str, chance: random.Random) -> None:
    """Take one step of a walk."""
    match name:
        case "track":
            await walk.track(chance.randint(1, 9))
        case "put":
            await walk.put(chance.choice(KEYS), chance.randint(0, 99))
        case "delete":
            await walk.delete(chance.choice(KEYS))
        case "look":
            walk.look()
        case _:
            await getattr(walk, name)()


async def walked(host: Host, seed: int, steps: int) -> None:
    """Walk ``steps`` steps; a failure names the seed and the way."""
    chance = random.Random(seed)
    walk, way = StoreWalk(host), []
    await walk.begin()
    try:
        for _ in range(steps):
            way.append(chance.choice(OPERATIONS))
            await step(walk, way[-1], chance)
        walk.look()
    except (AssertionError, EdgeError) as error:
        raise AssertionError(f"seed {seed}, after {' '.join(way)}: {error}") from error
    await walk.end()


async def check_random_walks_agree_with_a_dictionary(host: Host) -> None:
    for seed in range(6):
        await walked(host, seed, 40)


async def check_what_was_erased_is_gone_and_the_store_goes_on(host: Host) -> None:
    walk = StoreWalk(host)
    await walk.begin()
    await walk.track(5)
    await walk.put("profile.a", 1)
    await walk.store.erase()
    assert walk.ids() == [] and walk.store.get("profile.a") is None
    walk.durable, walk.values = [], {}
    await walk.track(3)
    await walk.flush()
    await walk.crash()
    walk.look()
    await walk.end()
