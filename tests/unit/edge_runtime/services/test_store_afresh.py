"""Beginnings without the past: where the numbers go on, what the page is told of what went."""

import dataclasses
import json
from collections.abc import Callable

import pytest
from edge_runtime.config import DataConfig, EventsRule, KeyRule
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.fake_storage import SimulatedCrash

from ..store_device import Device, ids, on_device, problem_codes, ranges

RULES = DataConfig(keys=(KeyRule("ui.", encrypted=False),))


def number(sequence: int) -> str:
    return f"{sequence:012d}"


def lose_the_key(device: Device) -> None:
    device.disk.roots.clear()


def damage_both_heads(device: Device) -> None:
    for row in ("head", "head-copy"):
        device.disk.flip_byte(DATABASE, "meta", row, 60)


def remove_both_heads(device: Device) -> None:
    for row in ("head", "head-copy"):
        del device.records("meta")[row]


LOSSES = [lose_the_key, damage_both_heads, remove_both_heads]


@pytest.mark.parametrize("stray", ["9" * 12, f"{'9' * 11}8", number(10**11)])
@pytest.mark.parametrize("route", ["sealed", "plain"])
@pytest.mark.parametrize("lose", LOSSES)
def test_a_stray_under_a_high_number_does_not_lead_the_new_log_away(
    lose: Callable[[Device], None], route: str, stray: str
) -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        await device.store.stop()
        device.records(route)[stray] = b"anything"
        lose(device)

        await device.start()
        for name in "bcd":
            await device.add(name)
            await device.store.put("ui.last", name)
        last = max(map(int, device.records("sealed") | device.records("plain")))
        assert last < 100
        store = await device.restart()
        assert (ids(store), store.get("ui.last"), store.problems) == ([*"bcd"], "d", [])

    on_device(scenario, RULES)


def test_the_new_log_begins_above_all_that_the_anchor_has_seen() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        await device.store.stop()
        older = device.disk.copy().databases
        await device.start()
        for name in "bcd":
            await device.add(name)
        await device.store.stop()
        device.disk.databases = older

        await device.start()
        await device.add("e")
        assert list(device.records()) == [number(5)]

    on_device(scenario)


def roll_back(device: Device, older: dict[str, dict[str, dict[str, bytes]]]) -> None:
    device.disk.databases = older


def take_away(device: Device, _: object) -> None:
    device.disk.databases = {}


@pytest.mark.parametrize("lose", [roll_back, take_away])
def test_a_beginning_without_the_past_may_end_at_any_step(
    lose: Callable[[Device, dict[str, dict[str, dict[str, bytes]]]], None],
) -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        await device.store.stop()
        older = device.disk.copy().databases
        await device.start()
        for name in "bcd":
            await device.add(name)
        await device.store.stop()
        lose(device, older)
        lost = device.disk.copy()
        last, is_over = 0, False
        while not is_over:
            left, steps = lost.copy(), 0

            def on_step(name: str, last: int = last) -> None:
                nonlocal steps
                steps += 1
                if steps > last:
                    raise SimulatedCrash(name)

            dying = create_fake_host(left, device.host.clock)
            dying.storage.steps.on_step = on_step
            try:
                await device.start_on(dying)
                is_over = True
            except SimulatedCrash:
                pass
            await device.start_on(create_fake_host(left, device.host.clock))
            # Told by the first start or by this one; never is more missing than there was.
            assert {each[0] for each in ranges(device.store)} <= {"edge-store"}, last
            await device.add("e")
            await device.store.stop()
            last += 1
        assert last > 10
        await device.start()

    on_device(scenario)


def test_a_version_that_leaves_no_room_above_it_does_not_end_the_store() -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        await device.store.stop()
        for row in ("head", "head-copy"):
            head = device.records("meta")[row]
            at = 5 + head[4]
            device.records("meta")[row] = head[:at] + b"\xff" * 8 + head[at + 8 :]

        assert problem_codes(await device.start()) == ["key-lost"]
        await device.add("b")
        assert (ids(await device.restart()), device.store.problems) == (["b"], [])

    on_device(scenario)


def test_plain_data_that_goes_with_the_heads_is_counted() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.theme", "dark")
        await device.add("a")
        await device.checkpoint()
        await device.store.put("ui.size", 2)
        await device.store.stop()
        plain, sealed = device.records("plain"), device.records("sealed")
        pieces = device.records("checkpoint")
        everything = [*plain.values(), *sealed.values(), *pieces.values()]
        plain_records = len(plain) + sum("plain" in key for key in pieces)
        damage_both_heads(device)

        store = await device.start()
        (problem,) = store.problems
        assert problem.code == "key-lost"
        assert problem.details == {
            "records": len(everything),
            "bytes": sum(map(len, everything)),
            "plainRecords": plain_records,
            "droppedRows": 0,
        }
        assert plain_records == 3
        assert "3 of them are plain" in problem.message
        assert (ids(store), store.get("ui.theme"), store.get("ui.size")) == ([], None, None)

    on_device(scenario, RULES)


def test_plain_data_that_is_taken_over_is_not_counted_as_lost() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.theme", "dark")
        await device.add("a")
        await device.store.stop()
        (sealed,) = device.records("sealed").values()
        lose_the_key(device)

        store = await device.start()
        (problem,) = store.problems
        assert problem.details == {
            "records": 1,
            "bytes": len(sealed),
            "plainRecords": 0,
            "droppedRows": 0,
        }
        assert store.get("ui.theme") == "dark"

    on_device(scenario, RULES)


@pytest.mark.parametrize(
    "image", [["x", "", 0], [1.5, "", 0], [0, "", 1.5], [0, "", "x"], [-1, "", 0]]
)
def test_pointers_in_clear_that_somebody_wrote_himself_end_no_start(image: list[object]) -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.theme", "dark")
        await device.store.stop()
        rest = ["", "", 0, 0]
        images = {"sealed": [0, "", 0, *rest], "plain": [*image, *rest]}
        pointer = {"slot": "a", "version": 1, "createdMs": 0, "images": images}
        device.records("meta")["plain-images"] = json.dumps([pointer]).encode()
        lose_the_key(device)

        store = await device.start()
        assert (problem_codes(store), store.get("ui.theme")) == (["key-lost"], "dark")

    on_device(scenario, RULES)


def test_plain_data_that_cannot_be_taken_over_is_counted() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.theme", "dark")
        await device.store.put("ui.size", 2)
        await device.store.stop()
        device.records("plain")[number(1)] = b"EDP2 and no more"
        lose_the_key(device)

        store = await device.start()
        (problem,) = store.problems
        assert (problem.details["records"], problem.details["plainRecords"]) == (1, 1)
        assert (store.get("ui.theme"), store.get("ui.size")) == (None, 2)

    on_device(scenario, RULES)


def test_plain_rows_that_the_rules_want_sealed_are_counted_when_they_go_with_the_key() -> None:
    async def scenario(device: Device) -> None:
        await device.store.put("ui.theme", "dark")
        await device.add("a", "b")
        await device.store.stop()
        lose_the_key(device)
        device.data = RULES

        store = await device.start()
        (problem,) = store.problems
        assert problem.details["droppedRows"] == 2
        assert "2 plain rows" in problem.message
        assert (ids(store), store.get("ui.theme")) == ([], "dark")

    on_device(scenario, dataclasses.replace(RULES, events=EventsRule(encrypted=False)))


@pytest.mark.parametrize(
    ("lose", "reason"),
    [(roll_back, "rolled-back"), (take_away, "missing")],
    ids=lambda each: str(each),
)
def test_a_database_that_is_given_up_is_not_said_to_be_in_use(
    lose: Callable[[Device, dict[str, dict[str, dict[str, bytes]]]], None], reason: str
) -> None:
    async def scenario(device: Device) -> None:
        await device.add("a")
        older = device.disk.copy().databases
        await device.restart()
        await device.add("b")
        await device.store.stop()
        lose(device, older)

        store = await device.start()
        assert ranges(store) == [("edge-store", "head", "head", reason)]
        (problem,) = store.problems
        assert "begins afresh" in problem.message and "moved aside" not in problem.message
        assert not device.records("quarantine") and not device.records("sealed")

    on_device(scenario)
