"""A device whose workers die: what they left on the disk stays, nothing they do later counts."""

import asyncio
from typing import Any

import pytest
from edge_runtime.host.ports import Put
from edge_runtime.testing.decision_log import DecisionLog
from edge_runtime.testing.virtual_device import VirtualDevice


async def write(device: VirtualDevice, key: str) -> None:
    await device.storage.write([Put("records", key, b"data")])


def opened() -> VirtualDevice:
    device = VirtualDevice()
    device.wait_for(device.storage.open("db", ["records"]))
    return device


def test_a_dead_workers_later_writes_and_notes_reach_nobody() -> None:
    device, log = opened(), DecisionLog(lambda: 0.0)
    device.wait_for(write(device, "before"))
    storage, journal = device.storage, device.journal(log)

    async def stop() -> None:
        journal.note("stop")
        await storage.write([Put("records", "after", b"data")])
        await asyncio.sleep(5)

    device.rest(1_000)
    device.reload(stop)

    assert log.decisions == []
    assert list(device.disk.databases["db"]["records"]) == ["before"]
    assert device.loop.now_ms == 1_000


def test_both_times_go_on_across_a_reload() -> None:
    device = opened()
    device.rest(500)
    device.clock.set_now(42)

    async def stop() -> None:
        await asyncio.sleep(3_600)

    device.reload(stop)

    assert (device.clock.now_ms(), device.clock.monotonic_ms()) == (42, 500)


def test_what_nobody_handles_is_raised() -> None:
    device = VirtualDevice()

    def fail() -> None:
        raise LookupError("told")

    with pytest.raises(RuntimeError, match="virtual time 0 ms") as raised:
        device.do(fail)
    assert isinstance(raised.value.__cause__, LookupError)


def test_random_bytes_repeat_from_device_to_device() -> None:
    def drawn() -> list[bytes]:
        device: Any = VirtualDevice()
        return [device.host().crypto.random_bytes(6) for _ in range(3)]

    assert drawn() == drawn() and len(set(drawn())) == 3
