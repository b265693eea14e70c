"""The fake host's own handles: faults, delays and what it remembers."""

import asyncio

import pytest
from edge_runtime.errors import HostError
from edge_runtime.host.ports import Put
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.testing.fake_inference import FakeModel
from edge_runtime.testing.manual_clock import settle

URL = "https://fake.test/a"


def test_a_disk_outlives_its_host_and_a_damaged_byte_stays() -> None:
    async def scenario() -> None:
        host = create_fake_host()
        await host.storage.open("db", ["s"])
        await host.storage.write([Put("s", "k", b"\x00")])
        host.disk.flip_byte("db", "s", "k", 0)

        later = create_fake_host(host.disk, host.clock)
        await later.storage.open("db", ["s"])
        assert await later.storage.read("s") == [("k", b"\xff")]

    asyncio.run(scenario())


@pytest.mark.parametrize("applied", [False, True])
def test_a_write_fails_once_before_or_after_it_was_done(applied: bool) -> None:
    async def scenario() -> None:
        host = create_fake_host()
        await host.storage.open("db", ["s"])
        host.storage.fail_next_write("storage-full", applied=applied)
        with pytest.raises(HostError) as failed:
            await host.storage.write([Put("s", "k", b"1")])

        assert failed.value.code == "storage-full"
        assert bool(await host.storage.read("s")) is applied
        await host.storage.write([Put("s", "k", b"2")], durability="strict")
        assert host.storage.writes == ["strict"]

    asyncio.run(scenario())


def test_a_slow_answer_takes_its_time_and_one_beyond_the_timeout_fails() -> None:
    async def scenario() -> None:
        host = create_fake_host()
        host.network.files[URL] = b"body"
        host.network.delays_ms[URL] = 100
        patient = asyncio.create_task(host.network.fetch(URL, max_bytes=9, timeout_ms=100))
        hasty = asyncio.create_task(host.network.fetch(URL, max_bytes=9, timeout_ms=99))
        await host.clock.advance(100)

        assert await patient == b"body"
        with pytest.raises(HostError) as failed:
            await hasty
        assert failed.value.details == {"url": URL, "status": None}
        assert host.network.requests == [URL, URL]

    asyncio.run(scenario())


def test_a_lost_worker_forgets_its_sessions() -> None:
    async def scenario() -> None:
        host = create_fake_host()
        data = host.inference.define(b"m", FakeModel((), (), lambda feeds: {}, infer_ms=5))
        await host.inference.open("m", data, backend="wasm")
        host.inference.lose_next_run = True

        for code in ("worker-lost", "inference-failed"):
            with pytest.raises(HostError) as failed:
                await host.inference.run("m", {})
            assert failed.value.code == code
        await host.inference.open("m", data, backend="wasm")
        running = asyncio.create_task(host.inference.run("m", {}))
        await settle()
        assert not running.done()
        await host.clock.advance(5)
        assert (await running).infer_ms == 5

    asyncio.run(scenario())


def test_packages_and_notices_are_remembered() -> None:
    async def scenario() -> None:
        host = create_fake_host()
        host.packages.available.add("numpy")
        await host.packages.load(["numpy"])
        with pytest.raises(HostError, match="got scipy") as missing:
            await host.packages.load(["numpy", "scipy"])
        assert missing.value.details == {"packages": ["scipy"]}
        assert host.packages.loaded == ["numpy"]

        host.page.notify("log", {"message": "a"})
        host.page.notify("result", {"value": 1})
        assert host.page.named("result") == [{"value": 1}]

    asyncio.run(scenario())
