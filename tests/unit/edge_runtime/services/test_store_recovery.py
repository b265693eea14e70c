"""Starts on a disk that somebody changed: everything is found out, nothing foreign gets in."""

import random
from collections.abc import Callable

import pytest
from edge_runtime.config import DataConfig, EventsRule, KeyRule
from edge_runtime.pure.segment import zstd
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.testing.fake_storage import FakeDisk

from ..store_device import Device, ids, named, on_device, problem_codes, ranges

RULES = DataConfig(keys=(KeyRule("ui.", encrypted=False),))
PLAIN = DataConfig(EventsRule(encrypted=False), (KeyRule("ui.", encrypted=False),))


def number(sequence: int) -> str:
    return f"{sequence:012d}"


async def fill(device: Device, *names: str) -> None:
    """Write one segment per name and stop."""
    for name in names:
        await device.add(name)
    await device.store.stop()


@pytest.mark.parametrize("data", [DataConfig(), PLAIN], ids=["sealed", "plain"])
def test_a_bit_flipped_anywhere_in_a_segment_costs_that_segment_alone(data: DataConfig) -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a", "b", "c")
        route = "sealed" if data.events.encrypted else "plain"
        intact = device.disk.copy()
        for offset in range(len(device.records(route)[number(2)])):
            device.disk.databases = intact.copy().databases
            device.disk.notes = dict(intact.notes)
            device.disk.flip_byte(DATABASE, route, number(2), offset)

            store = await device.start()
            found = (ids(store), ranges(store), problem_codes(store))
            await store.stop()
            expected = [(route, number(2), number(2), found[1][0][3])] if found[1] else []
            assert found == (["a", "c"], expected, ["store-corrupt"]), offset
        await device.start()

    on_device(scenario, data)


def test_a_damaged_segment_is_moved_aside_and_told_once() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a", "b", "c")
        device.disk.flip_byte(DATABASE, "sealed", number(2), -1)
        damaged = device.records()[number(2)]

        store = await device.start()
        assert ranges(store) == [("sealed", number(2), number(2), "seal-broken")]
        assert list(device.records("quarantine").values()) == [damaged]
        await device.add("d")

        store = await device.restart()
        assert (ids(store), store.problems) == (["a", "c", "d"], [])

    on_device(scenario)


def swap(records: dict[str, bytes]) -> None:
    records[number(2)], records[number(3)] = records[number(3)], records[number(2)]


def drop_one(records: dict[str, bytes]) -> None:
    del records[number(2)]


def cut_the_end(records: dict[str, bytes]) -> None:
    del records[number(4)], records[number(3)]


def add_a_copy(records: dict[str, bytes]) -> None:
    records[number(5)] = records[number(4)]


def foreign(records: dict[str, bytes]) -> None:
    records["zz-foreign"] = b"anything"


@pytest.mark.parametrize(
    ("tamper", "kept", "expected"),
    [
        (swap, "ad", [("sealed", number(2), number(3), "seal-broken")]),
        (drop_one, "acd", [("sealed", number(2), number(2), "missing")]),
        (cut_the_end, "ab", [("sealed", number(3), number(4), "missing")]),
        (add_a_copy, "abcd", [("sealed", number(5), number(5), "unexpected")]),
        (foreign, "abcd", [("sealed", "zz-foreign", "zz-foreign", "unexpected")]),
    ],
)
def test_whoever_rearranges_the_log_is_found_out(
    tamper: Callable[[dict[str, bytes]], None], kept: str, expected: list[tuple[str, ...]]
) -> None:
    async def scenario(device: Device) -> None:
        await fill(device, *"abcd")
        tamper(device.records())

        store = await device.start()
        assert (ids(store), ranges(store)) == (list(kept), expected)
        await device.add("e")
        store = await device.restart()
        assert (ids(store), store.problems) == ([*kept, "e"], [])

    on_device(scenario)


def test_a_segment_of_another_history_does_not_pass_for_its_namesake() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        fork = device.disk.copy()
        await device.start()
        await fill(device, "b", "c")
        ours = device.disk.copy()

        device.disk.databases, device.disk.notes = fork.databases, fork.notes
        await device.start()
        await fill(device, "other")
        others = device.records()[number(2)]
        device.disk.databases, device.disk.notes = ours.databases, ours.notes
        device.records()[number(2)] = others

        assert ids(await device.start()) == ["a", "c"]
        assert ranges(device.store) == [("sealed", number(2), number(2), "other-history")]

    on_device(scenario)


def test_a_sealed_segment_does_not_open_on_the_plain_side_nor_a_plain_one_on_the_sealed() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.a", 1)
        await fill(device, "a")
        sealed, plain = device.records("sealed"), device.records("plain")
        sealed[number(1)], plain[number(1)] = plain[number(1)], sealed[number(1)]

        store = await device.start()
        assert (ids(store), store.get("ui.a")) == ([], None)
        assert {each[0] for each in ranges(store)} == {"sealed", "plain"}

    on_device(scenario, RULES)


def test_a_plain_segment_planted_beside_sealed_ones_brings_nothing_in() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        other = Device(PLAIN)
        await other.start()
        await fill(other, "planted")
        device.records("plain").update(other.records("plain"))

        assert ids(await device.start()) == ["a"]
        assert [each[0] for each in ranges(device.store)] == ["plain"]

    on_device(scenario, RULES)


def test_an_older_copy_of_the_whole_database_is_found_out() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        older = device.disk.copy().databases
        await device.start()
        await fill(device, "b")
        device.disk.databases = older

        store = await device.start()
        assert ids(store) == [] and ranges(store)[0][3] == "rolled-back"
        await device.add("c")
        assert ids(await device.restart()) == ["c"] and device.store.problems == []

    on_device(scenario)


def test_an_older_checkpoint_in_the_place_of_the_newer_one_does_not_open() -> None:
    async def scenario(device: Device) -> None:
        for name in "abcd":
            await device.add(name)
            await device.checkpoint()
        older = dict(device.records("checkpoint"))
        slots = sorted(older)
        await device.store.stop()
        device.records("checkpoint")[slots[0]] = older[slots[1]]
        device.records("checkpoint")[slots[1]] = older[slots[0]]

        store = await device.start()
        assert {each[3] for each in ranges(store)} >= {"seal-broken"}
        assert set(ids(store)) <= set("abcd")

    on_device(scenario)


def test_a_damaged_checkpoint_costs_nothing_while_there_is_a_spare() -> None:
    async def scenario(device: Device) -> None:
        for name in "abc":
            await device.add(name)
            await device.checkpoint()
        await fill(device, "d")
        current = device.store._writer.durable.heads.head.checkpoint  # type: ignore[union-attr]
        device.disk.flip_byte(DATABASE, "checkpoint", f"{current.slot}-sealed-00000", 100)

        store = await device.start()
        assert ids(store) == [*"abcd"]
        assert [each[0] for each in ranges(store)] == ["checkpoint"]
        assert (ids(await device.restart()), device.store.problems) == ([*"abcd"], [])

    on_device(scenario)


@pytest.mark.parametrize("row", ["head", "head-copy"])
def test_one_damaged_head_is_replaced_by_its_copy(row: str) -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        device.disk.flip_byte(DATABASE, "meta", row, 60)

        assert ids(await device.start()) == ["a"]
        assert ranges(device.store) == [("meta", row, row, "seal-broken")]
        assert ids(await device.restart()) == ["a"] and device.store.problems == []

    on_device(scenario)


def test_a_bit_flipped_anywhere_in_a_head_is_told() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        intact = device.disk.copy()
        for offset in range(len(device.records("meta")["head"])):
            device.disk.databases = intact.copy().databases
            device.disk.notes = dict(intact.notes)
            device.disk.flip_byte(DATABASE, "meta", "head", offset)

            store = await device.start()
            found = (ids(store), ranges(store))
            await store.stop()
            assert found == (["a"], [("meta", "head", "head", "seal-broken")]), offset
        await device.start()

    on_device(scenario)


# A plain record of schema 1: without any seal, as nobody could forge one of this schema.
OF_SCHEMA_1 = b"EDP1" + zstd.compress(
    b'{"events":[["foreign",1700000000000,"mta","M",null,true,{}]],'
    b'"keys":[["put","ui.foreign",1,1,false]]}'
)


def remove_heads(device: Device) -> None:
    del device.records("meta")["head"], device.records("meta")["head-copy"]


def replace_store(device: Device) -> None:
    for rows in device.disk.databases[DATABASE].values():
        rows.clear()


@pytest.mark.parametrize("make_way", [remove_heads, replace_store])
def test_a_record_of_schema_1_does_not_take_the_place_of_this_one(
    make_way: Callable[[Device], None],
) -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a", "b")
        make_way(device)
        device.records("plain")["1700000000000-00000000-00000001"] = OF_SCHEMA_1

        store = await device.start()
        assert (ids(store), store.get("ui.foreign")) == ([], None)
        assert ranges(store) == [("edge-store", "head", "head", "missing")]
        await device.add("c")
        store = await device.restart()
        assert (ids(store), store.problems) == (["c"], [])

    on_device(scenario, RULES)


def test_heads_that_the_key_at_hand_does_not_open_vouch_for_no_plain_data() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.theme", "dark")
        await fill(device, "a")
        for row in ("head", "head-copy"):
            device.disk.flip_byte(DATABASE, "meta", row, 60)

        store = await device.start()
        assert problem_codes(store) == ["key-lost"]
        assert (ids(store), store.get("ui.theme")) == ([], None)
        assert (await device.restart()).problems == []

    on_device(scenario, RULES)


def test_a_damaged_tail_is_told_and_loses_nothing() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a", "b")
        device.disk.flip_byte(DATABASE, "meta", "tail", 60)

        store = await device.start()
        assert (ids(store), ranges(store)) == (
            ["a", "b"],
            [("meta", "tail", "tail", "seal-broken")],
        )
        await device.add("c")
        assert (ids(await device.restart()), device.store.problems) == (["a", "b", "c"], [])

    on_device(scenario)


def test_a_lost_root_key_is_told_the_plain_data_stays_and_nothing_new_is_plain() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.theme", "dark")
        await device.add("secret-a")
        await device.checkpoint()
        await device.store.put("ui.size", 2)
        await fill(device, "secret-b")
        device.disk.roots.clear()

        store = await device.start()
        (problem,) = store.problems
        assert problem.code == "key-lost" and problem.details["records"] >= 3
        assert (ids(store), store.get("ui.theme"), store.get("ui.size")) == ([], "dark", 2)
        await device.add("secret-c")
        plain = [*device.records("plain").values(), *device.records("checkpoint").values()]
        assert not any(b"secret" in record for record in plain)
        store = await device.restart()
        assert (ids(store), store.problems) == (["secret-c"], [])
        assert (store.get("ui.theme"), store.get("ui.size")) == ("dark", 2)

    on_device(scenario, RULES)


def test_notes_that_were_deleted_are_told() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        await device.restart()
        await device.store.stop()
        device.disk.notes.clear()

        assert ids(await device.start()) == ["a"]
        assert ranges(device.store) == [("notes", "anchor", "anchor", "missing")]

    on_device(scenario)


def test_a_database_that_vanished_alone_is_told() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        device.disk.databases.clear()

        assert ids(await device.start()) == []
        assert ranges(device.store) == [("edge-store", "head", "head", "missing")]

    on_device(scenario)


def test_total_eviction_is_a_first_start() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        wiped = FakeDisk()
        device.disk.databases, device.disk.roots, device.disk.notes = (
            wiped.databases,
            wiped.roots,
            wiped.notes,
        )
        store = await device.start()
        assert (ids(store), store.problems) == ([], [])

    on_device(scenario)


def test_a_database_of_a_later_version_is_left_alone() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        for row in ("head", "head-copy"):
            device.records("meta")[row] = b"EDH3" + device.records("meta")[row][4:]
        before = device.disk.copy().databases

        store = await device.start()
        assert problem_codes(store) == ["version-mismatch"]
        assert store.statistics()["mode"] == "memory-only"
        store.add_batch(named("b"))
        await device.host.clock.advance(10_000)
        assert device.disk.databases == before

    on_device(scenario)


@pytest.mark.parametrize("seed", range(12))
def test_random_damage_is_always_told_and_never_adds_anything(seed: int) -> None:
    async def scenario(device: Device) -> None:
        chance = random.Random(seed)
        names = [f"{n:02}" for n in range(8)]
        for count, name in enumerate(names):
            await device.add(name)
            await device.store.put("ui.n", count)
            if chance.random() < 0.3:
                await device.checkpoint()
        await device.store.stop()
        stores = device.disk.databases[DATABASE]
        store_name = chance.choice(["sealed", "plain", "checkpoint"])
        keys = sorted(stores[store_name])
        if keys:
            key = chance.choice(keys)
            offset = chance.randrange(len(stores[store_name][key]))
            device.disk.flip_byte(DATABASE, store_name, key, offset)

        store = await device.start()
        assert set(ids(store)) <= set(names)
        unused = device.store._writer.damage == []
        assert unused == (not keys) or store_name == "checkpoint" or set(ids(store)) == set(names)

    on_device(scenario, RULES)


def test_a_record_under_a_number_nobody_has_reached_does_not_lead_the_log_away() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a", "b")
        device.records()["9" * 12] = device.records()[number(2)]
        device.disk.flip_byte(DATABASE, "meta", "tail", 60)

        store = await device.start()
        assert ids(store) == ["a", "b"]
        await device.add("c")
        assert (ids(await device.restart()), device.store.problems) == (["a", "b", "c"], [])
        assert sorted(device.records()) == [number(3)]

    on_device(scenario)


@pytest.mark.parametrize("note", [b"", b"{}", b'{"version":1e300,"written":{"sealed":1e15}}'])
def test_an_anchor_that_somebody_wrote_himself_is_told_and_not_believed(note: bytes) -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        device.disk.notes["anchor"] = note

        store = await device.start()
        assert ids(store) == ["a"]
        assert ranges(store) == [("notes", "anchor", "anchor", "seal-broken")]
        assert (ids(await device.restart()), device.store.problems) == (["a"], [])

    on_device(scenario)


def test_one_head_that_looks_newer_is_damage() -> None:
    async def scenario(device: Device) -> None:
        await fill(device, "a")
        device.records("meta")["head"] = b"EDH3" + device.records("meta")["head"][4:]

        assert ids(await device.start()) == ["a"]
        assert ranges(device.store) == [("meta", "head", "head", "seal-broken")]

    on_device(scenario)


def test_plain_rows_planted_beside_a_lost_key_are_not_sealed_as_ours() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.theme", "dark")
        await fill(device, "a")
        other = Device(PLAIN)
        await other.start()
        await other.store.put("profile.role", "planted", encrypted=False)
        await fill(other, "planted")
        for key, record in other.records("plain").items():
            device.records("plain")[number(int(key) + 1)] = record
        device.disk.roots.clear()

        store = await device.start()
        assert problem_codes(store) == ["key-lost"]
        assert (ids(store), store.get("profile.role"), store.get("ui.theme")) == ([], None, "dark")

    keys = (KeyRule("ui.", encrypted=False), KeyRule("profile."))
    on_device(scenario, DataConfig(keys=keys))
