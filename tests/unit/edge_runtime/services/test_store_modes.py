"""Full disks, missing storage, deleted databases, other writers: what the store does and says."""

import asyncio
import dataclasses
import random

import pytest
from edge_runtime.config import DataConfig, EventsRule, KeyRule, Limits
from edge_runtime.errors import HostError, RefusedError
from edge_runtime.pure.head import KeyLimits
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.fake_storage import FakeCrypto

from ..store_device import DAY_MS, Device, batch, ids, named, on_device, problem_codes, row

RULES = DataConfig(keys=(KeyRule("ui.", encrypted=False),))


def noise(length: int, seed: int = 0) -> str:
    """Return text that zstd cannot shrink much."""
    return random.Random(seed).randbytes(length // 2).hex()


def usage(device: Device) -> int:
    stores = device.disk.databases[DATABASE].values()
    return sum(len(record) for records in stores for record in records.values())


def test_without_storage_events_live_in_memory_and_puts_are_refused() -> None:
    async def scenario(device: Device) -> None:
        host = create_fake_host()
        host.storage.open_error = HostError("storage-failed", "private mode")
        await device.store.stop()
        store = await device.start_on(host)

        heard: list[int] = []
        store.add_batch(named("a"), lambda: heard.append(1))
        assert (ids(store), heard) == (["a"], [1])
        for refused in (store.put("k", 1), store.delete("k"), store.flush()):
            with pytest.raises(RefusedError, match="memory only.*private mode") as caught:
                await refused
            assert caught.value.code == "store-unavailable"
        statistics = store.statistics()
        assert (statistics["mode"], statistics["pendingOps"]) == ("memory-only", 1)
        assert statistics["reason"]["message"] == "private mode"
        assert problem_codes(store) == ["storage-failed"]

    on_device(scenario)


def test_storage_that_opens_later_gets_what_came_meanwhile_and_gives_what_it_has() -> None:
    async def scenario(device: Device) -> None:
        await device.add("before")
        await device.store.stop()
        host = create_fake_host(device.disk, device.host.clock)
        host.storage.open_error = HostError("storage-failed", "blocked")
        store = await device.start_on(host)
        store.add_batch(named("meanwhile"))
        host.storage.open_error = None
        await host.clock.advance(10_000)

        assert store.statistics()["mode"] == "durable"
        assert ids(store) == ["before", "meanwhile"]
        await store.flush()
        assert ids(await device.crash()) == ["before", "meanwhile"]

    on_device(scenario)


class NoCrypto(FakeCrypto):
    async def open_root(self, root_id: str, *, create: bool) -> bool:
        raise HostError("feature-missing", f"no WebCrypto for {root_id}")


def test_a_store_without_encryption_lets_go_of_the_database() -> None:
    async def scenario(device: Device) -> None:
        host = create_fake_host()
        await device.store.stop()
        await device.start_on(dataclasses.replace(host, crypto=NoCrypto(host.disk)))

        with pytest.raises(HostError, match="expected an open database, got none"):
            await host.storage.read("sealed")

    on_device(scenario)


def test_a_full_disk_gives_up_the_spare_before_anything_else() -> None:
    async def scenario(device: Device) -> None:
        for name in "ab":
            device.store.add_batch(batch(row(name, text=noise(3_000))))
            await device.store.flush()
            await device.checkpoint()
        await device.add("c")
        device.host.storage.quota_bytes = usage(device)
        await device.add("d")

        statistics = device.store.statistics()
        assert (statistics["mode"], statistics["purgedEvents"]) == ("durable", 0)
        assert ids(await device.crash()) == [*"abcd"]

    on_device(scenario)


def test_a_disk_that_stays_full_means_memory_only_until_there_is_room() -> None:
    async def scenario(device: Device) -> None:
        store = device.store
        await store.put("k", 1)
        device.host.storage.quota_bytes = 10
        heard: list[int] = []
        store.add_batch(named("a"), lambda: heard.append(1))
        with pytest.raises(HostError) as first:
            await store.put("k", 2)
        with pytest.raises(RefusedError) as second:
            await store.put("k", 3)

        assert (first.value.code, second.value.code) == ("storage-full", "store-unavailable")
        assert (heard, store.get("k"), ids(store)) == ([1], 1, ["a"])
        assert device.changes[-1] == "memory-only"
        device.host.storage.quota_bytes = None
        await device.host.clock.advance(10_000)
        assert device.changes[-1] == "durable"
        await store.put("k", 4)
        store = await device.crash()
        assert (ids(store), store.get("k"), store.problems) == (["a"], 4, [])

    on_device(scenario)


def test_whoever_gave_up_the_spare_gives_up_the_oldest_events_next_and_goes_on() -> None:
    async def scenario(device: Device) -> None:
        for number in range(16):
            device.store.add_batch(batch(row(f"{number:02}", text=noise(3_000, number))))
            await device.store.flush()
            if number in (9, 14):
                await device.checkpoint()
        device.host.storage.quota_bytes = usage(device) + 1_000
        await device.store.put("more", noise(3_000))
        await device.host.clock.advance(2_000)

        statistics = device.store.statistics()
        assert (statistics["mode"], statistics["purgedEvents"]) == ("durable", 4)
        for number in range(8):
            await device.add(f"later-{number}")
        store = await device.crash()
        assert store.problems == [] and {"15", "later-7"} < set(ids(store))
        assert store.get("more") == noise(3_000)
        assert "03" not in ids(store)

    on_device(scenario, limits=Limits(checkpoint_log_bytes=2**30))


def test_a_log_of_dead_values_shrinks_before_anything_is_given_up() -> None:
    async def scenario(device: Device) -> None:
        for number in range(6):
            await device.store.put("k", noise(4_000, number))
        device.host.storage.quota_bytes = usage(device) + 9_000
        await device.store.put("large", noise(20_000))

        store = await device.crash()
        assert (store.get("k"), store.get("large")) == (noise(4_000, 5), noise(20_000))

    on_device(scenario, limits=Limits(checkpoint_log_bytes=2**30))


def test_a_database_deleted_while_open_starts_afresh_with_what_was_not_durable() -> None:
    async def scenario(device: Device) -> None:
        store = device.store
        await device.add("old")
        store.add_batch(named("new"))
        device.host.disk.databases.clear()
        device.host.disk.roots.clear()
        device.host.disk.notes.clear()
        await store.flush()

        assert ids(store) == ["new"]
        assert problem_codes(store) == ["storage-failed"]
        assert store.problems[0].details == {"lost": "deleted"}
        assert ids(await device.crash()) == ["new"]

    on_device(scenario)


def test_a_key_deleted_while_open_costs_nothing() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        device.host.crypto.forget_everything()
        device.host.disk.roots.clear()
        await device.add("b")
        store = await device.crash()

        assert (ids(store), store.problems) == (["a", "b"], [])

    on_device(scenario)


def test_a_later_writer_shuts_out_the_earlier_one() -> None:
    async def scenario(device: Device) -> None:
        first = device.store
        await device.add("a")
        second = Device(device.data)
        second.host = device.host
        await second.start()
        assert ids(second.store) == ["a"]

        first.add_batch(named("late"))
        with pytest.raises(RefusedError) as refused:
            await first.flush()
        assert refused.value.code == "writer-superseded"
        assert device.changes[-1] == "superseded"
        await second.add("b")
        await second.store.stop()
        await first.stop()
        assert ids(await device.start()) == ["a", "b"] and device.store.problems == []

    on_device(scenario)


def test_an_earlier_writer_cannot_even_finish_its_checkpoint() -> None:
    async def scenario(device: Device) -> None:
        first = device.store
        for name in "abc":
            await device.add(name)
        device.host.storage.may_write.clear()
        checkpoint = asyncio.create_task(device.checkpoint())
        second = Device(device.data)
        second.host = device.host
        await second.start()
        await second.add("d")
        device.host.storage.may_write.set()
        with pytest.raises(RefusedError):
            await checkpoint
        await second.store.stop()
        await first.stop()

        assert ids(await device.start()) == [*"abcd"] and device.store.problems == []

    on_device(scenario)


def test_a_key_is_replaced_by_age_and_the_old_one_is_forgotten() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        former = device.store._writer.durable.heads.head.current.key_id  # type: ignore[union-attr]
        device.host.clock.set_now(device.host.clock.now_ms() + 2 * DAY_MS)
        await device.host.clock.advance(2_000)
        await device.add("b")

        head = device.store._writer.durable.heads.head  # type: ignore[union-attr]
        assert [key.key_id for key in head.keys] == [head.current.key_id] != [former]
        assert not any(former.encode() in each for each in device.records("sealed").values())
        assert (ids(await device.crash()), device.store.problems) == (["a", "b"], [])

    on_device(scenario, key_limits=KeyLimits(max_age_ms=DAY_MS))


def test_a_key_is_replaced_before_its_uses_run_out_and_a_crash_makes_it_no_younger() -> None:
    async def scenario(device: Device) -> None:
        keys: set[str] = set()
        for number in range(30):
            await device.add(f"{number:02}")
            await device.host.clock.advance(1_000)
            head = device.store._writer.durable.heads.head  # type: ignore[union-attr]
            keys.add(head.current.key_id)
            assert head.current.uses_bound <= 40 + 10
            if number % 7 == 0:
                await device.crash()
        assert len(keys) >= 3
        assert len(ids(await device.restart())) == 30 and device.store.problems == []

    on_device(scenario, key_limits=KeyLimits(max_uses=40, reserve_uses=10))


def test_changed_rules_move_what_is_there_and_leave_no_old_plaintext() -> None:
    async def scenario(device: Device) -> None:
        device.data = DataConfig(EventsRule(encrypted=False), (KeyRule("ui.", encrypted=False),))
        await device.restart()
        await device.store.put("ui.theme", "MARKER")
        await device.add("MARKER-1")
        await device.checkpoint()
        await device.add("MARKER-2")

        device.data = DataConfig(keys=(KeyRule("ui."),))
        store = await device.restart()
        assert (ids(store), store.get("ui.theme")) == (["MARKER-1", "MARKER-2"], "MARKER")
        assert not device.records("plain")
        pieces = device.records("checkpoint")
        assert pieces and not any("plain" in key for key in pieces)
        store = await device.crash()
        assert (ids(store), store.problems) == (["MARKER-1", "MARKER-2"], [])

        device.data = DataConfig(EventsRule(encrypted=False), (KeyRule("ui.", encrypted=False),))
        store = await device.restart()
        assert (ids(store), store.get("ui.theme")) == (["MARKER-1", "MARKER-2"], "MARKER")
        assert store.query("select encrypted from keys") == [{"encrypted": 0}]

    on_device(scenario)


def test_what_somebody_wanted_sealed_stays_sealed_under_a_plain_rule() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.secret", 1, encrypted=True)
        device.data = DataConfig(keys=(KeyRule("ui.", encrypted=False),))
        store = await device.restart()

        assert store.query("select encrypted from keys") == [{"encrypted": 1}]

    on_device(scenario)


def test_a_database_deleted_while_open_is_told_once() -> None:
    async def scenario(device: Device) -> None:
        await device.add("old")
        device.host.disk.databases.clear()
        device.store.add_batch(named("new"))
        await device.store.flush()

        assert [each.details for each in device.store.problems] == [{"lost": "deleted"}]

    on_device(scenario)
