"""Which runs are kept for the next worker, when that is written, and what is left for it."""

import asyncio
import json
from typing import Any

import pytest
from edge_runtime.errors import HostError
from edge_runtime.pure.noted_runs import Noted
from edge_runtime.services.unfinished import AFTER_MS, KEY, MOST, SAVE_MS, Unfinished
from edge_runtime.testing.manual_clock import ManualClock, settle
from edge_runtime.types import JsonValue, Priority

from ..in_loop import running

RANK, WARM = Noted("Rank", "e1", "tab", None), Noted("Warm", "e2", "", Priority.CORE)
BEGUN = RANK._replace(may_have_begun=True)


class Device:
    """Values that outlive the worker on them."""

    def __init__(self, *left: JsonValue) -> None:
        self.clock = ManualClock()
        self.kept: dict[str, str] = {KEY: json.dumps(left)} if left else {}
        self.puts: list[JsonValue] = []
        self.failing = False
        self.may_put = asyncio.Event()
        self.may_put.set()
        self.unfinished = Unfinished(self.clock, self)
        self.waiting: set[str] = set()

    def get(self, key: str) -> JsonValue:
        return json.loads(self.kept.get(key, "null"))

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        assert encrypted
        text = json.dumps(value)
        self.puts.append(json.loads(text))
        await asyncio.sleep(0)
        if self.failing:
            raise HostError("storage-failed", "no")
        self.kept[key] = text
        await self.may_put.wait()

    def query(self, sql: str, params: Any = None) -> list[dict[str, Any]]:
        raise NotImplementedError

    def add(self, noted: Noted, *, waits: bool = True) -> None:
        if waits:
            self.waiting.add(noted.event_id)
        self.unfinished.add(noted, lambda: noted.event_id in self.waiting)


@running
async def test_a_run_that_ends_soon_costs_no_write() -> None:
    device = Device()
    for _ in range(20):
        device.add(RANK)
        await device.clock.advance(AFTER_MS - 1)
        device.unfinished.remove(RANK)
        device.add(WARM)
        await device.clock.advance(AFTER_MS - 1)
        device.unfinished.remove(WARM)
    await device.clock.advance(10 * SAVE_MS)
    device.unfinished.freeze()
    await device.unfinished.stop()

    assert device.puts == []
    assert device.clock.sleepers == 0


@running
async def test_what_lasts_is_written_soon_then_its_changes_once_a_second_and_its_end() -> None:
    device = Device()
    device.add(RANK)
    await device.clock.advance(50)
    device.add(WARM, waits=False)
    await device.clock.advance(AFTER_MS - 51)
    assert device.puts == []
    await device.clock.advance(1)
    both = [["Rank", "e1", "tab", None, False], ["Warm", "e2", "", "core", True]]
    assert device.puts == [both]
    device.waiting.clear()
    device.unfinished.remove(WARM)
    await device.clock.advance(SAVE_MS - 1)
    assert device.puts == [both]
    await device.clock.advance(1)
    assert device.puts[1:] == [[["Rank", "e1", "tab", None, True]]]
    await device.clock.advance(10 * SAVE_MS)
    assert len(device.puts) == 2
    device.waiting.add("e1")
    await device.clock.advance(1)
    device.unfinished.remove(RANK)
    await settle()
    assert device.puts[2:] == [[]]
    await device.clock.advance(10 * SAVE_MS)
    assert len(device.puts) == 3
    assert device.clock.sleepers == 0


@running
async def test_what_is_left_is_stored_as_begun_before_anybody_has_it() -> None:
    device = Device(list(RANK), list(WARM))
    device.may_put.clear()
    recalling = asyncio.create_task(device.unfinished.recall())
    await settle()
    assert not recalling.done()
    assert [row[-1] for row in device.get(KEY)] == [True, True]
    device.may_put.set()
    await recalling

    assert device.unfinished.taken_up() == [RANK, WARM]
    assert device.unfinished.taken_up() == []


@running
async def test_what_is_stored_as_begun_already_is_not_written_again() -> None:
    device = Device(list(BEGUN))
    await device.unfinished.recall()

    assert (device.unfinished.taken_up(), device.puts) == ([BEGUN], [])
    await settle()
    assert device.puts == [[]]


@running
async def test_nothing_is_begun_again_if_that_cannot_be_stored() -> None:
    device = Device(list(RANK))
    device.failing = True
    await device.unfinished.recall()

    assert device.unfinished.taken_up() == [BEGUN]
    device.failing = False
    await device.clock.advance(SAVE_MS)
    assert device.get(KEY) == []


@running
async def test_what_was_taken_up_stays_begun_until_its_worker_stops() -> None:
    device = Device(list(RANK))
    await device.unfinished.recall()
    for noted in device.unfinished.taken_up():
        device.add(noted._replace(may_have_begun=True))
    await device.clock.advance(10 * SAVE_MS)
    assert [row[-1] for row in device.get(KEY)] == [True]

    device.unfinished.freeze()
    await device.unfinished.stop()

    assert device.get(KEY) == [list(RANK)]


@running
async def test_what_is_saved_is_written_at_once_and_its_end_as_well() -> None:
    device = Device()
    await device.unfinished.save()
    assert device.puts == []
    device.add(RANK)
    await device.unfinished.save()
    assert device.puts == [[list(RANK)]]
    await device.unfinished.save()
    device.unfinished.remove(RANK)
    await settle()
    assert device.puts[1:] == [[]]


@running
async def test_a_stop_keeps_what_there_is_in_its_moment() -> None:
    device = Device(list(WARM))
    await device.unfinished.recall()
    device.add(RANK, waits=False)
    device.unfinished.freeze()
    device.unfinished.remove(RANK)
    await device.unfinished.stop()

    assert device.get(KEY) == [list(WARM), list(BEGUN)]
    assert asyncio.all_tasks() == {asyncio.current_task()}


@running
async def test_a_stop_makes_up_for_a_write_that_it_breaks_off() -> None:
    device = Device()
    device.may_put.clear()
    device.add(RANK)
    await device.clock.advance(AFTER_MS)
    assert device.get(KEY) == [list(RANK)]
    device.unfinished.remove(RANK)
    device.unfinished.freeze()
    device.may_put.set()
    await device.unfinished.stop()

    assert device.get(KEY) == []


@running
async def test_a_write_that_fails_is_tried_again() -> None:
    device = Device()
    device.add(RANK)
    await device.clock.advance(AFTER_MS)
    device.failing = True
    device.unfinished.remove(RANK)
    await device.clock.advance(3 * SAVE_MS)
    assert device.get(KEY) == [list(RANK)]
    device.failing = False
    await device.clock.advance(2 * SAVE_MS)

    assert device.get(KEY) == []
    assert device.clock.sleepers == 0


@running
async def test_what_is_forgotten_is_not_written_any_more() -> None:
    device = Device(list(WARM))
    await device.unfinished.recall()
    device.add(RANK)
    await device.clock.advance(AFTER_MS)
    puts = len(device.puts)
    device.unfinished.forget()
    device.unfinished.remove(RANK)
    await device.clock.advance(3 * SAVE_MS)
    device.unfinished.freeze()
    await device.unfinished.stop()

    assert device.unfinished.taken_up() == []
    assert len(device.puts) == puts


@running
async def test_what_is_forgotten_while_it_is_noted_is_not_taken_up_and_what_comes_then_is() -> None:
    device = Device()
    device.may_put.clear()
    device.unfinished.distrust(RANK)
    securing = asyncio.create_task(device.unfinished.secure())
    await settle()
    device.unfinished.forget()
    device.unfinished.distrust(WARM)
    device.may_put.set()
    await securing

    assert device.unfinished.taken_up() == [WARM]


@running
async def test_runs_that_end_at_once_share_one_look() -> None:
    device = Device()
    started = []
    for _ in range(5):
        before = asyncio.all_tasks()
        device.add(RANK)
        device.unfinished.remove(RANK)
        await settle()
        started += asyncio.all_tasks() - before

    assert len(started) == 1
    await device.clock.advance(AFTER_MS)
    assert device.clock.sleepers == 0


@pytest.mark.parametrize(
    "row",
    [
        ["Rank"],
        "Rank",
        None,
        7,
        {"a": 1},
        ["Rank", "e1", "tab", "urgent", False],
        ["Rank", "e1", "tab", None, False, 1],
    ],
)
def test_what_is_none_of_ours_is_left_out(row: JsonValue) -> None:
    async def play() -> None:
        device = Device(row, list(RANK))
        await device.unfinished.recall()
        assert device.unfinished.taken_up() == [RANK]

    asyncio.run(play())


@pytest.mark.parametrize("value", ["text", 7, {"a": 1}, True])
def test_a_value_that_is_no_list_is_replaced(value: JsonValue) -> None:
    async def play() -> None:
        device = Device()
        device.kept[KEY] = json.dumps(value)
        await device.unfinished.recall()
        assert device.unfinished.taken_up() == []
        await settle()
        assert device.get(KEY) == []

    asyncio.run(play())


@running
async def test_more_than_a_key_may_hold_is_not_kept() -> None:
    device = Device()
    for number in range(MOST + 10):
        device.add(Noted("T" * 64, f"{number:\u0120<64}", "c" * 16, Priority.REGULAR))
    await device.clock.advance(AFTER_MS)

    (rows,) = device.puts
    assert len(rows) == MOST
    assert len(json.dumps(rows)) < 2**19
