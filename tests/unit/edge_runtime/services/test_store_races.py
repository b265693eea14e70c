"""Commits, checkpoints and new keys at the same time, in every order that a seed chooses."""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable

import pytest
from edge_runtime.config import DataConfig, KeyRule, Limits
from edge_runtime.errors import HostError, RefusedError
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


@pytest.mark.parametrize("turns", range(0, 40, 2))
def test_a_checkpoint_of_the_former_writer_in_the_middle_of_a_takeover_costs_nothing(
    turns: int,
) -> None:
    async def scenario(device: Device) -> None:
        former = device.store
        await device.add("a", "b")
        await former.put("k", 1)
        second = Device(device.data)
        second.host = device.host

        async def checkpoint_late() -> None:
            for _ in range(turns):
                await asyncio.sleep(0)
            with contextlib.suppress(RefusedError):
                await device.checkpoint()

        await asyncio.gather(second.start(), checkpoint_late())
        assert (ids(second.store), second.store.get("k")) == (["a", "b"], 1)
        assert second.store.problems == []
        await second.add("c")
        await second.store.stop()
        await former.stop()
        assert ids(await device.start()) == ["a", "b", "c"] and device.store.problems == []

    on_device(scenario, RULES)


def test_a_head_that_was_written_without_an_answer_is_gone_on_from() -> None:
    async def scenario(device: Device) -> None:
        for name in "abc":
            await device.add(name)
        durable = device.store._writer.durable
        assert durable is not None
        writes = 0

        def lose_the_flip(name: str) -> None:
            nonlocal writes
            writes += name == "write:before"
            # The pieces of one small image are one write; the next one puts them in use.
            if name == "write:before" and writes == 2:
                device.host.storage.fail_next_write("storage-failed", applied=True)

        device.host.storage.steps.on_step = lose_the_flip
        with pytest.raises(HostError):
            await durable.checkpoints.write(device.store._tables, keep_spare=False)
        device.host.storage.steps.on_step = None
        for name in "defgh":
            await device.add(name)
        await durable.checkpoints.write(device.store._tables, keep_spare=False)
        await device.add("i")

        store = await device.crash()
        assert (ids(store), store.problems) == ([*"abcdefghi"], [])

    on_device(scenario, RULES, LIMITS, KEY_LIMITS)


def test_nothing_is_acknowledged_under_a_key_that_no_stored_head_lists() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        device.host.crypto.forget_everything()
        device.host.disk.roots.clear()
        device.store.add_batch(named("b"))
        device.host.storage.fail_next_write("storage-failed")
        with pytest.raises(HostError):
            await device.store.flush()
        await device.add("c")

        store = await device.crash()
        assert (ids(store), store.problems) == (["a", "b", "c"], [])

    on_device(scenario)
