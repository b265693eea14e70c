"""The store over a fake disk: what is durable when, and what survives."""

import asyncio

import pytest
from edge_runtime.config import DataConfig, EventsRule, KeyRule, Limits
from edge_runtime.errors import ConfigError, HostError
from edge_runtime.services.store import Store
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.manual_clock import START_MS, ManualClock, settle

from ..store_device import DAY_MS, Device, batch, ids, named, on_device, row

PLAIN = DataConfig(EventsRule(encrypted=False), (KeyRule("ui.", encrypted=False),))


def writes(device: Device) -> list[str]:
    """Return the durability of the writes since the start's own two: generation and head."""
    assert device.host.storage.writes[:2] == ["strict", "strict"]
    return list(device.host.storage.writes[2:])


def test_events_are_queryable_at_once_with_their_properties() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_batch(batch(row("a", sku=7), row("b", sku=8)))

        rows = device.store.query(
            "select id, props->>'sku' as sku from events where ts >= :since and sku > :low",
            {"since": START_MS, "low": 7},
        )
        assert rows == [{"id": "b", "sku": 8}]

    on_device(scenario)


class RestlessClock(ManualClock):
    """Somebody sets the device's clock each time it is read; 100 ms pass at each look at time."""

    def __init__(self, set_by_ms: float) -> None:
        super().__init__()
        self.set_by_ms = set_by_ms

    def now_ms(self) -> float:
        now_ms = super().now_ms()
        self.set_now(now_ms + self.set_by_ms)
        return now_ms

    def monotonic_ms(self) -> float:
        self._move(self._monotonic_ms + 100)
        return super().monotonic_ms()


CUBED = f"select count(*) as n from {', '.join(f'json_each(:list) n{each}' for each in range(3))}"


@pytest.mark.parametrize("set_by_ms", [-DAY_MS, 0, DAY_MS])
@pytest.mark.parametrize("left_ms", [700, 10 * DAY_MS, None])
def test_a_query_ends_in_time_whoever_sets_the_clock(
    set_by_ms: float, left_ms: float | None
) -> None:
    host = create_fake_host(clock=RestlessClock(set_by_ms))
    store = Store(host.clock, host.storage, host.crypto, DataConfig())
    deadline_ms = None if left_ms is None else START_MS + left_ms
    before_ms = host.clock.monotonic_ms()

    with pytest.raises(ConfigError, match="an answer before the deadline"):
        store.query(CUBED, {"list": str([1] * 100)}, deadline_ms=deadline_ms)
    spent_ms = host.clock.monotonic_ms() - before_ms
    assert min(left_ms or 1_000, 1_000) <= spent_ms <= min(left_ms or 1_000, 1_000) + 400

    host.clock.set_now(START_MS)
    assert store.query(CUBED, {"list": "[1, 2]"}, deadline_ms=deadline_ms) == [{"n": 8}]


def test_the_bytes_of_an_answer_are_bounded() -> None:
    async def scenario(device: Device) -> None:
        with pytest.raises(ConfigError, match="at most 1000 bytes of values"):
            device.store.query("select :text as text", {"text": "x" * 1_001})

    on_device(scenario, limits=Limits(query_bytes=1_000))


def test_an_event_with_a_known_id_is_left_out_also_after_a_restart() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_batch(named("a", "a", "b"))
        device.store.add_batch(named("b"))
        assert ids(device.store) == ["a", "b"]

        store = await device.restart()
        store.add_batch(named("a", "c"))
        assert ids(store) == ["a", "b", "c"]

    on_device(scenario)


def test_events_become_durable_within_the_commit_window() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_batch(named("a"))
        await device.host.clock.advance(49)
        assert writes(device) == []

        await device.host.clock.advance(1)
        assert writes(device) == ["relaxed"]
        assert device.store.statistics()["pendingOps"] == 0
        assert ids(await device.crash()) == ["a"]

    on_device(scenario)


def test_who_added_a_batch_hears_when_it_is_durable_and_not_before() -> None:
    async def scenario(device: Device) -> None:
        heard: list[str] = []
        device.store.add_batch(named("a"), lambda: heard.append("a"))
        device.store.add_batch(named("a"), lambda: heard.append("a again"))
        await device.host.clock.advance(49)
        assert heard == []

        await device.host.clock.advance(1)
        device.store.add_batch(named("a"), lambda: heard.append("known"))
        assert heard == ["a", "a again", "known"]

    on_device(scenario)


def test_a_full_batch_does_not_wait_for_the_window() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_batch(named("a"))
        await settle()
        device.store.add_batch(named("b", "c"))
        await settle()

        assert device.store.statistics()["pendingOps"] == 0

    on_device(scenario, limits=Limits(commit_ops=3))


def test_what_comes_while_a_commit_is_under_way_shares_the_next_one() -> None:
    async def scenario(device: Device) -> None:
        device.host.storage.may_write.clear()
        device.store.add_batch(named("a"))
        await device.host.clock.advance(50)
        for name in ("b", "c", "d"):
            device.store.add_batch(named(name))
        device.host.storage.may_write.set()
        await device.store.flush()

        assert len(writes(device)) == 2 and len(device.records()) == 2

    on_device(scenario)


def test_flush_returns_when_everything_added_is_durable() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_batch(named("a"))
        await device.store.flush()

        assert ids(await device.crash()) == ["a"]

    on_device(scenario)


def test_flush_waits_for_a_commit_that_is_under_way() -> None:
    async def scenario(device: Device) -> None:
        device.host.storage.may_write.clear()
        device.store.add_batch(named("a"))
        await device.host.clock.advance(50)
        flushing = asyncio.create_task(device.store.flush())
        await settle()
        assert not flushing.done()

        device.host.storage.may_write.set()
        await flushing
        assert len(writes(device)) == 1

    on_device(scenario)


def test_a_failed_commit_keeps_its_events_for_the_next_one() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_batch(named("a"))
        device.host.storage.fail_next_write("storage-failed")
        with pytest.raises(HostError, match="storage-failed"):
            await device.store.flush()
        assert device.store.statistics()["lastError"]["code"] == "storage-failed"

        device.store.add_batch(batch(row("b", ts=START_MS + 1)))
        await device.store.flush()
        assert "lastError" not in device.store.statistics()
        assert ids(await device.crash()) == ["a", "b"]

    on_device(scenario)


def test_a_failed_group_commit_is_tried_again_without_new_events() -> None:
    async def scenario(device: Device) -> None:
        device.host.storage.fail_next_write("storage-failed")
        device.store.add_batch(named("a"))
        await device.host.clock.advance(50)
        assert device.store.statistics()["pendingOps"] == 1

        await device.host.clock.advance(1_000)
        assert device.store.statistics()["pendingOps"] == 0

    on_device(scenario)


def test_a_write_whose_answer_was_lost_is_not_counted_twice() -> None:
    async def scenario(device: Device) -> None:
        device.store.add_batch(named("a"))
        device.host.storage.fail_next_write("storage-failed", applied=True)
        with pytest.raises(HostError):
            await device.store.flush()
        device.store.add_batch(named("b"))
        await device.store.flush()

        store = await device.crash()
        assert ids(store) == ["a", "b"] and store.problems == []

    on_device(scenario)


def test_put_is_strictly_durable_when_it_returns() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("profile.size", {"shoe": 43})
        assert writes(device) == ["strict"]

        assert (await device.crash()).get("profile.size") == {"shoe": 43}

    on_device(scenario)


def test_a_put_that_failed_leaves_the_former_value_for_good() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("k", 1)
        device.host.storage.fail_next_write("storage-failed", applied=True)
        with pytest.raises(HostError, match="storage-failed"):
            await device.store.put("k", 2)
        await device.add("a")

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


def test_a_delete_right_behind_a_put_wins_in_whichever_route_that_was() -> None:
    async def scenario(device: Device) -> None:
        store = device.store
        await asyncio.gather(store.put("ui.theme", "dark"), store.delete("ui.theme"))
        assert store.get("ui.theme") is None

        assert (await device.crash()).get("ui.theme") is None

    on_device(scenario, PLAIN)


def test_sealed_records_show_neither_events_nor_keys_nor_values() -> None:
    async def scenario(device: Device) -> None:
        await device.add("secret-event")
        await device.store.put("secret-key", "secret-value")
        await device.store.delete("secret-key")
        await device.checkpoint()

        assert not device.records("plain")
        assert len(device.records("sealed")) == 3 and device.records("checkpoint")
        stores = device.disk.databases["edge-store"].values()
        assert not any(b"secret" in each for records in stores for each in records.values())

    on_device(scenario)


def test_a_rule_decides_where_a_value_goes_and_the_stricter_side_wins() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        await device.store.put("ui.theme", "dark")
        assert (len(device.records("sealed")), len(device.records("plain"))) == (0, 2)

        await device.store.put("ui.theme", "light", encrypted=True)
        keys = device.store.query("select value, encrypted from keys")
        assert keys == [{"value": '"light"', "encrypted": 1}]
        assert len(device.records("sealed")) == 1

        keys = (await device.restart()).query("select value, encrypted from keys")
        assert keys == [{"value": '"light"', "encrypted": 1}]

    on_device(scenario, PLAIN)


def test_a_key_under_an_encrypting_rule_is_sealed_whatever_the_caller_says() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("profile.size", 43, encrypted=False)
        assert not device.records("plain")

    on_device(scenario, DataConfig(keys=(KeyRule("profile."),)))


def test_old_and_surplus_events_are_forgotten_at_a_start() -> None:
    async def scenario(device: Device) -> None:
        for number in range(6):
            device.store.add_batch(batch(row(str(number), ts=START_MS + number * DAY_MS)))
            await device.store.flush()
        device.host.clock.set_now(START_MS + 9 * DAY_MS)

        assert ids(await device.restart()) == ["3", "4", "5"]

    on_device(scenario, DataConfig(EventsRule(max_age_days=7, max_rows=3)))


def test_a_running_store_does_not_grow_beyond_its_row_limit_and_some_slack() -> None:
    async def scenario(device: Device) -> None:
        for number in range(40):
            device.store.add_batch(batch(row(f"{number:02}", ts=START_MS + number)))
        assert ids(device.store) == [f"{number:02}" for number in range(16, 40)]

        await device.host.clock.advance(60_000)
        assert ids(device.store) == [f"{number:02}" for number in range(20, 40)]

    on_device(scenario, DataConfig(EventsRule(max_rows=20)), Limits(slice_rows=4))


def test_what_was_forgotten_leaves_the_disk_with_the_next_checkpoint() -> None:
    async def scenario(device: Device) -> None:
        rows = [row(f"{n:04}", ts=START_MS + n) for n in range(2_500)]
        device.store.add_batch(batch(*rows))
        await device.store.flush()
        device.host.clock.set_now(START_MS + DAY_MS + 2_000)
        await device.host.clock.advance(120_000)

        assert device.store.statistics()["checkpoint"]["rows"] < 1_000
        assert len(ids(await device.crash())) == device.store.statistics()["events"]

    on_device(scenario, DataConfig(EventsRule(max_age_days=1)))


def test_keys_expire_by_their_rule() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("profile.a", 1)
        await device.store.put("other", 1)
        device.host.clock.set_now(START_MS + 2 * DAY_MS)
        store = await device.restart()

        assert (store.get("profile.a"), store.get("other")) == (None, 1)

    on_device(scenario, DataConfig(keys=(KeyRule("profile.", max_age_days=1),)))


def test_a_clock_set_back_does_not_reorder_what_was_written() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("k", "old")
        await device.add("a")
        device.host.clock.set_now(START_MS - DAY_MS)
        store = await device.restart()
        await store.put("k", "new")
        await device.add("b")
        store = await device.restart()

        assert store.get("k") == "new" and store.problems == []
        order = store.query("select id from events order by rowid")
        assert [each["id"] for each in order] == ["a", "b"]

    on_device(scenario)


def test_events_beyond_the_row_limit_are_dropped_while_nothing_can_be_written() -> None:
    async def scenario(device: Device) -> None:
        heard: list[int] = []
        for number in range(4):
            names = [f"{number}-{i}" for i in range(5)]
            device.store.add_batch(named(*names), lambda number=number: heard.append(number))
        device.host.storage.fail_next_write("storage-failed")
        with pytest.raises(HostError):
            await device.store.flush()

        statistics = device.store.statistics()
        assert (statistics["pendingOps"], statistics["droppedEvents"]) == (10, 10)
        assert heard == [0, 1]

    on_device(scenario, DataConfig(EventsRule(max_rows=10)))


def test_the_texts_that_wait_are_bounded_while_nothing_can_be_written() -> None:
    async def scenario(device: Device) -> None:
        for number in range(4):
            device.store.add_batch(named(f"{number}"))
        device.host.storage.fail_next_write("storage-failed")
        with pytest.raises(HostError):
            await device.store.flush()

        statistics = device.store.statistics()
        assert (statistics["pendingOps"], statistics["droppedEvents"]) == (2, 2)
        assert ids(device.store) == ["0", "1", "2", "3"]

    on_device(scenario, limits=Limits(backlog_chars=2 * len(named("0"))))


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


def test_checkpoints_keep_the_log_short_and_change_no_answer() -> None:
    async def scenario(device: Device) -> None:
        for number in range(12):
            await device.add(f"{number:02}")
            await device.store.put("k", number)
            await device.store.put("ui.open", number)
            await device.host.clock.advance(1_000)
        before = device.store.query("select * from events order by id")

        statistics = device.store.statistics()
        assert statistics["segments"] <= 3 * 2 * 8 and statistics["checkpoint"]["rows"] > 10
        store = await device.restart()
        assert store.problems == []
        assert store.query("select * from events order by id") == before
        assert (store.get("k"), store.get("ui.open")) == (11, 11)

    keys = (KeyRule("ui.", encrypted=False),)
    on_device(scenario, DataConfig(keys=keys), Limits(checkpoint_segments=8))


def test_the_store_tells_how_it_is_doing() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a", "b")
        await device.store.put("k", 1)
        await device.checkpoint()
        device.store.query("select 1 as one")

        statistics = device.store.statistics()
        assert (statistics["mode"], statistics["generation"]) == ("durable", 1)
        assert (statistics["events"], statistics["keys"]) == (2, 1)
        assert (statistics["segments"], statistics["checkpoint"]["rows"]) == (2, 3)
        on_disk = device.disk.databases["edge-store"]
        parts = [*on_disk["sealed"].values(), *on_disk["checkpoint"].values()]
        assert statistics["bytes"] == sum(map(len, parts))
        assert statistics["quarantined"] == [] and statistics["queryUs"]["p50"] is not None

    on_device(scenario)


def test_what_expired_makes_room_for_what_is_new() -> None:
    async def scenario(device: Device) -> None:
        rows = [row(f"old-{n:04}", ts=START_MS + n) for n in range(200)]
        device.store.add_batch(batch(*rows))
        device.host.clock.set_now(START_MS + 2 * DAY_MS)
        await device.host.clock.advance(60_000)
        assert ids(device.store) == []

        late_ms = START_MS + 2 * DAY_MS
        for number in range(200):
            device.store.add_batch(batch(row(f"new-{number:04}", ts=late_ms + number)))
        assert len(ids(device.store)) == 200

    on_device(scenario, DataConfig(EventsRule(max_age_days=1, max_rows=200)), Limits(slice_rows=4))


def test_the_end_of_a_log_that_was_closed_cannot_be_cut_off_unnoticed() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        tail = device.records("meta")["tail"]
        await device.add("b")
        await device.store.stop()
        device.records("meta")["tail"] = tail
        del device.records()[max(device.records())]

        store = await device.start()
        assert ids(store) == ["a"]
        assert [problem.code for problem in store.problems] == ["store-corrupt"]

    on_device(scenario)


def test_on_a_clock_that_was_set_back_the_latest_put_is_still_the_latest() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.a", 1)
        device.host.clock.set_now(START_MS - DAY_MS)
        store = await device.restart()
        await store.put("ui.b", 2)
        store = await device.restart()

        assert (store.get("ui.a"), store.get("ui.b")) == (None, 2)

    on_device(scenario, DataConfig(keys=(KeyRule("ui.", max_rows=1),)))
