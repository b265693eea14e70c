"""Erasing: all that was there when it was asked for, nothing that came later, nothing of others."""

import asyncio
import contextlib
import json
from collections.abc import Callable

import pytest
from edge_runtime.errors import EdgeError, HostError, RefusedError
from edge_runtime.services.store import Store
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.testing.fake_host import FakeHost, create_fake_host
from edge_runtime.testing.fake_storage import FakeDisk

from ..store_device import Device, ids, named, on_device

# Empty, look at the guard, delete the keys, delete the database: each before and after.
STEPS = 6


class Freezer:
    """Freezes a host at the ``number``-th step from now, until it is thawed."""

    def __init__(self, host: FakeHost, number: int) -> None:
        self._left = number
        self._thaw = asyncio.Event()
        self.reached = asyncio.Event()
        host.storage.steps.hold_at = self._hold

    async def _hold(self, _: str) -> None:
        self._left -= 1
        if self._left == 0:
            self.reached.set()
        if self._left <= 0:
            await self._thaw.wait()

    def thaw(self) -> None:
        self._thaw.set()


def refuse_at(device: Device, step: str) -> Callable[[], None]:
    """Have the host fail at a step; return what ends that."""

    def refuse(reached: str) -> None:
        if reached == step:
            raise HostError("storage-failed", "injected")

    steps = device.host.storage.steps
    steps.on_step = refuse

    def end() -> None:
        steps.on_step = None

    return end


def test_erasing_leaves_no_database_no_key_and_a_store_that_goes_on() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("k", 1)
        await device.add("a")
        device.store.add_batch(named("pending"))
        await device.store.erase()

        assert (device.disk.databases, device.disk.roots, device.disk.notes) == ({}, {}, {})
        assert (ids(device.store), device.store.get("k")) == ([], None)
        await device.host.clock.advance(5_000)
        assert device.disk == FakeDisk()

        await device.add("b")
        store = await device.crash()
        assert (ids(store), store.get("k"), store.problems) == (["b"], None, [])

    on_device(scenario)


@pytest.mark.parametrize("step", ["write:before", "write:after", "erase:before", "erase:after"])
def test_an_erasing_that_fails_ends_with_the_next_write(step: str) -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("k", 1)
        await device.add("a")
        works_again = refuse_at(device, step)
        with pytest.raises(HostError):
            await device.store.erase()
        assert (ids(device.store), device.store.mode) == ([], "closed")

        works_again()
        await device.add("b")
        store = await device.restart()
        assert (ids(store), store.get("k"), store.problems) == (["b"], None, [])

    on_device(scenario)


@pytest.mark.parametrize("step", range(1, STEPS + 1))
def test_a_writer_that_freezes_in_the_middle_leaves_its_successor_what_it_has(step: int) -> None:
    async def scenario(device: Device) -> None:
        former = device.store
        await former.put("k", 1)
        await device.add("a")
        freezer = Freezer(device.host, step)
        erasing = asyncio.ensure_future(former.erase())
        await freezer.reached.wait()

        # Where the former holds a transaction open its successor waits, as with IndexedDB.
        starting = asyncio.ensure_future(device.start())
        for _ in range(200):
            await asyncio.sleep(0)
        took_over = starting.done()
        if not took_over:
            freezer.thaw()
        successor = await starting
        await device.add("b")
        await successor.put("l", 2)
        freezer.thaw()
        with contextlib.suppress(EdgeError):
            await erasing
        await device.add("c")
        with contextlib.suppress(EdgeError):
            await former.stop()

        store = await device.crash()
        assert {"b", "c"} <= set(ids(store)) and store.get("l") == 2
        assert store.problems == []
        if step > 1:
            assert (ids(store), store.get("k")) == (["b", "c"], None)

    on_device(scenario)


def test_a_writer_that_was_superseded_erases_nothing() -> None:
    async def scenario(device: Device) -> None:
        former = device.store
        await device.add("a")
        await device.start()

        with pytest.raises(RefusedError) as refused:
            await former.erase()

        assert refused.value.code == "writer-superseded" and former.mode == "superseded"
        await former.stop()
        store = await device.crash()
        assert (ids(store), store.problems) == (["a"], [])

    on_device(scenario)


def test_a_database_that_somebody_has_deleted_is_erased_with_its_keys() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        del device.disk.databases[DATABASE]

        await device.store.erase()

        assert device.disk == FakeDisk()

    on_device(scenario)


def test_a_successor_that_ends_while_it_finishes_leaves_that_to_the_next() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        works_again = refuse_at(device, "erase:before")
        with pytest.raises(HostError):
            await device.store.erase()
        works_again()
        marks = [json.loads(device.records("meta")["writer"])]
        host = create_fake_host(device.disk.copy(), device.host.clock)
        freezer = Freezer(host, 5)
        ending = asyncio.ensure_future(Device.start_on(device, host))
        await freezer.reached.wait()
        ending.cancel()
        marks.append(json.loads(host.disk.databases[DATABASE]["meta"]["writer"]))

        assert [mark["emptied"] for mark in marks] == [True, True]
        store = await device.start_on(create_fake_host(host.disk.copy(), device.host.clock))
        assert (ids(store), store.problems) == ([], [])

    on_device(scenario)


async def busy(store: Store, keeper_is_busy: bool) -> asyncio.Lock:
    """Return a lock that keeps an erasing from its turn, taken."""
    lock = store._keeper.turn if keeper_is_busy else store._commits._lock
    await lock.acquire()
    return lock


@pytest.mark.parametrize("keeper_is_busy", [True, False])
def test_what_comes_while_an_erasing_waits_for_its_turn_stays(keeper_is_busy: bool) -> None:
    async def scenario(device: Device) -> None:
        store = device.store
        await device.add("a")
        await store.put("k", 1)
        store.add_batch(named("pending"))
        lock = await busy(store, keeper_is_busy)

        erasing = asyncio.ensure_future(store.erase())
        await asyncio.sleep(0)
        assert (ids(store), store.get("k")) == ([], None)
        store.add_batch(named("b", "a"))
        putting = asyncio.ensure_future(store.put("k", 2))
        await device.host.clock.advance(5_000)
        assert not putting.done() and set(ids(store)) == {"a", "b"}
        lock.release()
        await asyncio.gather(erasing, putting)
        await store.flush()

        assert (set(ids(store)), store.get("k")) == ({"a", "b"}, 2)
        store = await device.crash()
        assert (set(ids(store)), store.get("k"), store.problems) == ({"a", "b"}, 2, [])

    on_device(scenario)


def test_a_put_whose_commit_is_under_way_does_not_come_back() -> None:
    async def scenario(device: Device) -> None:
        store = device.store
        device.host.storage.may_write.clear()
        putting = asyncio.ensure_future(store.put("k", 1))
        for _ in range(20):
            await asyncio.sleep(0)
        erasing = asyncio.ensure_future(store.erase())
        await asyncio.sleep(0)
        device.host.storage.may_write.set()
        await asyncio.gather(putting, erasing)

        assert store.get("k") is None
        store = await device.crash()
        assert (store.get("k"), store.problems) == (None, [])

    on_device(scenario)


def test_two_erasings_at_once_both_end_and_what_came_between_is_gone() -> None:
    async def scenario(device: Device) -> None:
        store = device.store
        await device.add("a")
        first = asyncio.ensure_future(store.erase())
        await asyncio.sleep(0)
        store.add_batch(named("b"))
        second = asyncio.ensure_future(store.erase())
        await asyncio.sleep(0)
        store.add_batch(named("c"))
        await asyncio.gather(first, second)
        await store.flush()

        store = await device.crash()
        assert (ids(store), store.problems) == (["c"], [])

    on_device(scenario)
