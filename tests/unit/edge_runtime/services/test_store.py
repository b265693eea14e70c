"""The store over a fake disk: what is durable when, what survives, and what never happens."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from edge_runtime.config import DataConfig, EventsRule, KeyRule, Limits
from edge_runtime.errors import ConfigError, HostError
from edge_runtime.services.store import Store
from edge_runtime.services.store_log import DATABASE
from edge_runtime.testing.fake_host import FakeHost, create_fake_host
from edge_runtime.testing.fake_storage import FakeCrypto
from edge_runtime.testing.manual_clock import START_MS, settle
from edge_runtime.types import Event
from hypothesis import given
from hypothesis import strategies as st

DAY_MS = 86_400_000.0
PLAIN = DataConfig(EventsRule(encrypted=False), (KeyRule("ui.", encrypted=False),))


def event(name: str, *, ts: float = START_MS, **props: Any) -> Event:
    return Event(name, ts, "mta", "Home", click_id="item", props=props)


class Device:
    """A disk and a clock that outlive the stores started on them."""

    def __init__(self, data: DataConfig | None = None, limits: Limits | None = None) -> None:
        self.host = create_fake_host()
        self.data = data or DataConfig()
        self.limits = limits or Limits()
        self.store: Store

    async def start(self) -> Store:
        self.host = create_fake_host(self.host.disk, self.host.clock)
        return await self.start_on(self.host)

    async def start_on(self, host: FakeHost) -> Store:
        self.host = host
        ports = (host.clock, host.storage, host.crypto)
        self.store = Store(*ports, self.data, self.limits)
        await self.store.start()
        return self.store

    async def restart(self) -> Store:
        await self.store.stop()
        return await self.start()

    async def crash(self) -> Store:
        """Start again from what is on the disk now; what was not written is gone."""
        databases = {
            name: {store: dict(records) for store, records in stores.items()}
            for name, stores in self.host.disk.databases.items()
        }
        await self.store.stop()
        self.host.disk.databases = databases
        return await self.start()

    def records(self, route: str) -> dict[str, bytes]:
        return self.host.disk.databases[DATABASE][route]


def on_device(
    scenario: Callable[[Device], Awaitable[None]],
    data: DataConfig | None = None,
    limits: Limits | None = None,
) -> None:
    async def run() -> None:
        device = Device(data, limits)
        await device.start()
        try:
            await scenario(device)
        finally:
            await device.store.stop()

    asyncio.run(run())


def ids(store: Store) -> list[str]:
    return [row["id"] for row in store.query("select id from events order by ts, id")]


def test_events_are_queryable_at_once_with_their_properties() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_events([event("a", sku=7), event("b", sku=8)])

        rows = device.store.query(
            "select id, props->>'sku' as sku from events where ts >= :since and sku > :low",
            {"since": START_MS, "low": 7},
        )
        assert rows == [{"id": "b", "sku": 8}]

    on_device(scenario)


def test_an_event_with_a_known_id_is_left_out_also_after_a_restart() -> None:
    async def scenario(device: Device) -> None:
        first, second = event("a"), event("b")
        assert device.store.add_events([first, first, second]) == [first, second]
        assert device.store.add_events([second]) == []

        store = await device.restart()
        assert store.add_events([first, event("c")]) == [event("c")]

    on_device(scenario)


def test_events_become_durable_within_the_commit_window() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_events([event("a")])
        await device.host.clock.advance(49)
        assert device.host.storage.writes == []

        await device.host.clock.advance(1)
        assert device.host.storage.writes == ["relaxed"]
        assert device.store.statistics()["pendingOps"] == 0
        assert ids(await device.crash()) == ["a"]

    on_device(scenario)


def test_a_full_batch_does_not_wait_for_the_window() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_events([event("a")])
        await settle()
        device.store.add_events([event("b"), event("c")])
        await settle()

        assert device.store.statistics()["pendingOps"] == 0

    on_device(scenario, limits=Limits(commit_ops=3))


def test_flush_returns_when_everything_added_is_durable() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_events([event("a")])
        await device.store.flush()

        assert ids(await device.crash()) == ["a"]

    on_device(scenario)


def test_flush_waits_for_a_commit_that_is_under_way() -> None:
    async def scenario(device: Device) -> None:
        device.host.storage.may_write.clear()
        device.store.add_events([event("a")])
        await device.host.clock.advance(50)
        flushing = asyncio.create_task(device.store.flush())
        await settle()
        assert not flushing.done()

        device.host.storage.may_write.set()
        await flushing
        assert len(device.host.storage.writes) == 1

    on_device(scenario)


def test_a_failed_commit_keeps_its_events_for_the_next_one() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_events([event("a")])
        device.host.storage.fail_next_write("storage-full")
        with pytest.raises(HostError, match="storage-full"):
            await device.store.flush()
        assert device.store.statistics()["lastError"]["code"] == "storage-full"

        device.store.add_events([event("b", ts=START_MS + 1)])
        await device.store.flush()
        assert "lastError" not in device.store.statistics()
        assert ids(await device.crash()) == ["a", "b"]

    on_device(scenario)


def test_a_failed_group_commit_is_tried_again_without_new_events() -> None:
    async def scenario(device: Device) -> None:
        device.host.storage.fail_next_write("storage-failed")
        device.store.add_events([event("a")])
        await device.host.clock.advance(50)
        assert device.store.statistics()["pendingOps"] == 1

        await device.host.clock.advance(1_000)
        assert device.store.statistics()["pendingOps"] == 0

    on_device(scenario)


def test_a_write_whose_answer_was_lost_is_not_counted_twice() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_events([event("a")])
        device.host.storage.fail_next_write("storage-failed", applied=True)
        with pytest.raises(HostError):
            await device.store.flush()
        await device.store.flush()

        assert ids(await device.crash()) == ["a"]

    on_device(scenario)


def test_put_is_strictly_durable_when_it_returns() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("profile.size", {"shoe": 43})
        assert device.host.storage.writes == ["strict"]

        assert (await device.crash()).get("profile.size") == {"shoe": 43}

    on_device(scenario)


def test_a_put_that_failed_leaves_the_former_value_for_good() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("k", 1)
        device.host.storage.fail_next_write("storage-full")
        with pytest.raises(HostError, match="storage-full"):
            await device.store.put("k", 2)
        await device.store.flush()

        assert device.store.get("k") == 1
        assert (await device.crash()).get("k") == 1

    on_device(scenario)


def test_puts_of_one_key_made_together_end_with_the_last() -> None:
    async def scenario(device: Device) -> None:
        store = device.store
        await asyncio.gather(
            store.put("k", 1), store.put("k", 2, encrypted=False), store.put("k", 3)
        )

        assert store.get("k") == 3
        assert (await device.crash()).get("k") == 3

    on_device(scenario)


def test_a_deleted_key_stays_deleted() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("k", 1)
        await device.store.delete("k")
        assert device.store.get("k") is None

        assert (await device.crash()).get("k") is None

    on_device(scenario)


def test_sealed_records_show_neither_events_nor_keys_nor_values() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_events([event("secret-event")])
        await device.store.put("secret-key", "secret-value")
        await device.store.delete("secret-key")

        assert not device.records("plain")
        assert len(device.records("sealed")) == 2
        assert not any(b"secret" in record for record in device.records("sealed").values())

    on_device(scenario)


def test_rules_route_and_the_stricter_side_wins() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_events([event("a")])
        await device.store.flush()
        await device.store.put("ui.theme", "dark", encrypted=False)
        assert (len(device.records("sealed")), len(device.records("plain"))) == (0, 2)

        await device.store.put("ui.theme", "light", encrypted=True)
        assert len(device.records("sealed")) == 1

    on_device(scenario, PLAIN)


def test_a_key_under_an_encrypting_rule_is_sealed_whatever_the_caller_says() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("profile.size", 43, encrypted=False)
        assert not device.records("plain")

    on_device(scenario, DataConfig(keys=(KeyRule("profile."),)))


@pytest.mark.parametrize("offset", [0, 5, 30, -1])
def test_a_damaged_record_is_counted_kept_and_does_not_take_others_along(offset: int) -> None:
    async def scenario(device: Device) -> None:
        for name in ("a", "b", "c"):
            device.store.add_events([event(name)])
            await device.store.flush()
        await device.store.stop()
        second = sorted(device.records("sealed"))[1]
        device.host.disk.flip_byte(DATABASE, "sealed", second, offset)

        store = await device.start()
        assert ids(store) == ["a", "c"]
        assert store.statistics()["quarantined"] == 1
        (problem,) = store.problems
        assert (problem.code, problem.details) == ("seal-broken", {"quarantined": 1, "records": 3})
        assert second in device.records("sealed")

    on_device(scenario)


def test_records_that_were_swapped_or_moved_to_the_plain_side_do_not_open() -> None:
    async def scenario(device: Device) -> None:
        for name in ("a", "b"):
            device.store.add_events([event(name)])
            await device.store.flush()
        await device.store.stop()
        sealed = device.records("sealed")
        first, second = sorted(sealed)
        sealed[first], sealed[second] = sealed[second], sealed[first]
        device.records("plain")[first] = sealed[second]

        store = await device.start()
        assert ids(store) == []
        assert store.statistics()["quarantined"] == 3

    on_device(scenario)


def test_lost_keys_lose_the_data_but_nothing_is_overwritten_and_new_data_is_sealed() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("k", 1)
        await device.store.stop()
        device.host.disk.keys.clear()
        store = await device.start()
        assert store.get("k") is None and store.statistics()["quarantined"] == 1

        await store.put("k", 2)
        assert len(device.records("sealed")) == 2 and not device.records("plain")

    on_device(scenario)


def test_without_storage_events_live_in_memory_and_puts_are_refused() -> None:
    async def scenario(device: Device) -> None:
        host = create_fake_host()
        host.storage.open_error = HostError("storage-failed", "private mode")
        await device.store.stop()
        store = await device.start_on(host)

        assert store.add_events([event("a")]) == [event("a")]
        assert ids(store) == ["a"]
        with pytest.raises(HostError, match="memory only.*private mode"):
            await store.put("k", 1)
        with pytest.raises(HostError):
            await store.flush()
        statistics = store.statistics()
        assert (statistics["mode"], statistics["pendingOps"]) == ("memory-only", 0)
        assert statistics["reason"]["message"] == "private mode"

    on_device(scenario)


class NoCrypto(FakeCrypto):
    async def ensure_key(self, key_id: str) -> None:
        raise HostError("feature-missing", f"no WebCrypto for {key_id}")


def test_a_store_without_encryption_lets_go_of_the_database() -> None:
    async def scenario(device: Device) -> None:
        host = create_fake_host()
        await device.store.stop()
        await device.start_on(dataclasses.replace(host, crypto=NoCrypto(host.disk)))

        with pytest.raises(HostError, match="expected an open database, got none"):
            await host.storage.read("sealed")

    on_device(scenario)


def test_old_and_surplus_events_are_forgotten_at_start_and_leave_the_disk() -> None:
    async def scenario(device: Device) -> None:
        for number in range(6):
            device.store.add_events([event(str(number), ts=START_MS + number * DAY_MS)])
            await device.store.flush()
        device.host.clock.set_now(START_MS + 9 * DAY_MS)

        assert ids(await device.restart()) == ["3", "4", "5"]
        assert len(device.records("sealed")) == 3

    on_device(scenario, DataConfig(EventsRule(max_age_days=7, max_rows=3)))


def test_a_running_store_does_not_grow_beyond_its_row_limit() -> None:
    async def scenario(device: Device) -> None:
        events = [event(str(number), ts=START_MS + number) for number in range(40)]
        device.store.add_events(events)
        assert ids(device.store)[0] == "20"

    on_device(scenario, DataConfig(EventsRule(max_rows=20)))


def test_keys_expire_by_their_rule() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("profile.a", 1)
        await device.store.put("other", 1)
        device.host.clock.set_now(START_MS + 2 * DAY_MS)
        store = await device.restart()

        assert (store.get("profile.a"), store.get("other")) == (None, 1)

    on_device(scenario, DataConfig(keys=(KeyRule("profile.", max_age_days=1),)))


def test_many_segments_are_compacted_into_one_per_route_in_one_write() -> None:
    async def scenario(device: Device) -> None:
        for number in range(6):
            device.store.add_events([event(str(number), ts=START_MS + number, n=number)])
            await device.store.put("k", number)
            await device.store.put("open", number, encrypted=False)
        before = device.store.query("select * from events order by id")

        store = await device.restart()
        assert device.host.storage.writes == ["strict"]
        # Events and keys of the sealed route are two records; the plain key is the third.
        assert (len(device.records("sealed")), len(device.records("plain"))) == (2, 1)
        assert store.query("select * from events order by id") == before
        store = await device.restart()
        assert (store.get("k"), store.get("open"), len(ids(store))) == (5, 5, 6)

    on_device(scenario, limits=Limits(compaction_segments=8))


def test_a_compaction_that_fails_changes_nothing() -> None:
    async def scenario(device: Device) -> None:
        for number in range(4):
            device.store.add_events([event(str(number))])
            await device.store.flush()
        await device.store.stop()
        host = create_fake_host(device.host.disk, device.host.clock)
        host.storage.fail_next_write("storage-full")

        store = await device.start_on(host)
        assert len(ids(store)) == 4 and len(device.records("sealed")) == 4
        assert store.statistics()["lastError"]["code"] == "storage-full"

    on_device(scenario, limits=Limits(compaction_segments=3))


def test_a_clock_set_back_does_not_reorder_what_was_written() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("k", "old")
        device.host.clock.set_now(START_MS - DAY_MS)
        store = await device.restart()
        await store.put("k", "new")

        assert (await device.restart()).get("k") == "new"

    on_device(scenario)


def test_events_beyond_the_row_limit_are_dropped_while_nothing_can_be_written() -> None:
    async def scenario(device: Device) -> None:
        for number in range(4):
            device.store.add_events(
                [event(f"{number}-{i}", ts=START_MS + number) for i in range(5)]
            )
        device.host.storage.fail_next_write("storage-full")
        with pytest.raises(HostError):
            await device.store.flush()

        statistics = device.store.statistics()
        assert (statistics["pendingOps"], statistics["droppedEvents"]) == (10, 10)

    on_device(scenario, DataConfig(EventsRule(max_rows=10)))


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("", 1, "key: expected Unicode text of 1 to 512 characters"),
        ("k" * 513, 1, "key: expected"),
        ("\ud800", 1, "key: expected"),
        ("k", {1, 2}, "value of k: expected JSON data"),
        ("k", float("nan"), "value of k: expected JSON data"),
        ("k", "x" * 2**20, "value of k: expected at most 1048576 bytes"),
    ],
)
def test_what_cannot_be_kept_is_refused(key: str, value: object, message: str) -> None:
    async def scenario(device: Device) -> None:
        with pytest.raises(ConfigError, match=message) as refused:
            await device.store.put(key, value)
        assert refused.value.code == "argument-invalid"

    on_device(scenario)


steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.sampled_from("ab"), st.integers(0, 9), st.booleans()),
        st.tuples(st.just("delete"), st.sampled_from("ab")),
        st.tuples(st.just("event"), st.integers(0, 9)),
        st.tuples(st.just("fail"), st.booleans()),
        st.tuples(st.just("crash")),
    ),
    max_size=25,
)


@given(steps)
def test_what_was_acknowledged_is_there_after_any_crash(plan: list[tuple[Any, ...]]) -> None:
    async def scenario(device: Device) -> None:
        model: dict[str, Any] = {}
        flushed: set[str] = set()
        for step in plan:
            if step[0] == "fail":
                device.host.storage.fail_next_write("storage-failed")
            elif step[0] == "crash":
                await device.crash()
            try:
                if step[0] == "put":
                    await device.store.put(step[1], step[2], step[3])
                    model[step[1]] = step[2]
                elif step[0] == "delete":
                    await device.store.delete(step[1])
                    model.pop(step[1], None)
                elif step[0] == "event":
                    device.store.add_events([event(str(step[1]))])
                    await device.store.flush()
                    flushed.add(str(step[1]))
            except HostError:
                pass
            assert {key: device.store.get(key) for key in model} == model
        store = await device.crash()
        assert {key: store.get(key) for key in "ab"} == {key: model.get(key) for key in "ab"}
        assert flushed <= set(ids(store))

    on_device(scenario, limits=Limits(compaction_segments=5))
