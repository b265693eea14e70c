"""Commits, checkpoints and new keys at the same time, in every order that a seed chooses."""

import asyncio
import random
from collections.abc import Awaitable, Callable

import pytest
from edge_runtime.config import DataConfig, KeyRule, Limits
from edge_runtime.pure.head import KeyLimits

from ..store_device import Device, ids, named, on_device

LIMITS = Limits(piece_bytes=4_096)
KEY_LIMITS = KeyLimits(reserve_uses=3)
RULES = DataConfig(keys=(KeyRule("ui.", encrypted=False),))

Act = Callable[[int], Awaitable[None]]


async def at_random(chance: random.Random, act: Act, times: int) -> None:
    """Do something again and again, each time after some turns of the others."""
    for number in range(times):
        for _ in range(chance.randint(0, 12)):
            await asyncio.sleep(0)
        await act(number)


@pytest.mark.parametrize("seed", range(25))
def test_whatever_meets_nothing_acknowledged_is_lost(seed: int) -> None:
    async def scenario(device: Device) -> None:
        store, chance = device.store, random.Random(seed)
        durable, keeper = store._writer.durable, store._keeper
        assert durable is not None
        acknowledged: set[str] = set()

        async def track(number: int) -> None:
            names = [f"{number:02}-{n}" for n in range(chance.randint(1, 60))]
            store.add_batch(named(*names))
            await store.flush()
            acknowledged.update(names)

        async def put(number: int) -> None:
            await store.put(f"ui.{number % 2}", number)
            await store.put(f"profile.{number % 2}", number)

        async def checkpoint(number: int) -> None:
            await durable.checkpoints.write(store._tables, keep_spare=bool(number % 3))

        async def rotate(_: int) -> None:
            await keeper._rotate(durable, store._tables)

        async def give_up(_: int) -> None:
            await durable.checkpoints.drop_spare()

        await asyncio.gather(
            at_random(chance, track, 14),
            at_random(chance, put, 14),
            at_random(chance, checkpoint, 6),
            at_random(chance, rotate, 4),
            at_random(chance, give_up, 2),
        )
        for _ in range(2):
            store = await device.crash()
            assert store.problems == []
            assert acknowledged == set(ids(store))
            values = [store.get(f"{prefix}.{n}") for prefix in ("ui", "profile") for n in (0, 1)]
            assert values == [12, 13, 12, 13]

    on_device(scenario, RULES, LIMITS, KEY_LIMITS)
