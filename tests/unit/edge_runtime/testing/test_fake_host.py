"""The fake host's own handles: faults, delays and what it remembers."""

import asyncio
import hashlib

import pytest
from edge_runtime.errors import HostError, RefusedError
from edge_runtime.host.ports import Delete, Guard, ModelFile, Put, Target
from edge_runtime.testing.fake_disk import FakeDisk, SimulatedCrash
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


def test_a_quota_refuses_what_would_exceed_it_and_never_a_delete() -> None:
    async def scenario() -> None:
        host = create_fake_host()
        await host.storage.open("db", ["s"])
        await host.storage.write([Put("s", "a", bytes(8))])
        host.storage.quota_bytes = 10
        await host.storage.write([Put("s", "b", bytes(9)), Put("s", "b", bytes(2))])
        for too_much in ([Put("s", "c", b"1")], [Delete("s", "b"), Put("s", "a", bytes(11))]):
            with pytest.raises(HostError) as failed:
                await host.storage.write(too_much)
            assert failed.value.code == "storage-full"
        assert host.disk.size_bytes() == 10

        host.storage.quota_bytes = 1
        await host.storage.write([Put("s", "a", bytes(8)), Put("s", "b", b"1")])
        await host.storage.write([Delete("s", "a")])
        assert await host.storage.read("s") == [("b", b"1")]

    asyncio.run(scenario())


def test_a_copied_disk_and_its_original_go_their_own_ways() -> None:
    disk = FakeDisk({"db": {"s": {"k": b"1"}}}, {"root": b"r"}, {"note": b"n"})
    copied = disk.copy()
    assert copied == disk
    disk.databases["db"]["s"]["k"] = b"2"
    disk.roots.clear()
    disk.notes.clear()

    assert copied == FakeDisk({"db": {"s": {"k": b"1"}}}, {"root": b"r"}, {"note": b"n"})


@pytest.mark.parametrize(("last", "is_done"), [("write:before", False), ("write:after", True)])
def test_a_crash_keeps_what_was_done_and_nothing_else(last: str, is_done: bool) -> None:
    async def scenario() -> None:
        host = create_fake_host()
        steps: list[str] = []

        def on_step(name: str) -> None:
            steps.append(name)
            if name == last:
                raise SimulatedCrash(name)

        host.storage.steps.on_step = on_step
        await host.crypto.open_root("root", create=True)
        await host.storage.open("db", ["s"])
        with pytest.raises(SimulatedCrash):
            await host.storage.write([Put("s", "k", b"1")])

        later = create_fake_host(host.disk)
        await later.storage.open("db", ["s"])
        assert bool(await later.storage.read("s")) is is_done
        begun = [name for name in steps if name.endswith(":before")]
        assert begun == ["open_root:before", "open:before", "write:before"]
        assert steps[:2] == ["open_root:before", "open_root:after"]

    asyncio.run(scenario())


def test_every_operation_lets_another_go_first() -> None:
    async def scenario() -> None:
        host = create_fake_host()
        await host.storage.open("db", ["s"])
        writing = asyncio.create_task(host.storage.write([Put("s", "k", b"1")]))
        reading = asyncio.create_task(host.storage.read("s"))
        await asyncio.sleep(0)
        assert not writing.done() and not reading.done()
        assert host.disk.databases["db"]["s"] == {}
        await writing
        assert await reading == [("k", b"1")]

    asyncio.run(scenario())


def test_a_database_deleted_under_its_writer_is_empty_and_its_guard_finds_nothing() -> None:
    async def scenario() -> None:
        host = create_fake_host()
        await host.storage.open("db", ["s"])
        await host.storage.write([Put("s", "k", b"1")])
        host.disk.databases.clear()

        with pytest.raises(RefusedError) as failed:
            await host.storage.write([Put("s", "x", b"")], guard=Guard("s", "k", b"1"))
        assert failed.value.details == {"found": False}
        assert await host.storage.read("s") == []

    asyncio.run(scenario())


def test_a_root_deleted_on_the_disk_takes_what_is_loaded_with_it() -> None:
    async def scenario() -> None:
        host = create_fake_host()
        await host.crypto.open_root("root", create=True)
        await host.crypto.create_key("key", "root", b"place")
        sealed = await host.crypto.seal("key", b"secret", b"place")
        host.disk.roots.clear()

        for act in (
            host.crypto.seal("key", b"secret", b"place"),
            host.crypto.unseal("key", sealed, b"place"),
        ):
            with pytest.raises(HostError, match="deleted"):
                await act
        assert await host.crypto.open_root("root", create=False) is False

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
        file = ModelFile("m.onnx", hashlib.sha256(data).hexdigest(), data=data)
        await host.inference.open("lane", "m", file, Target("wasm"))
        host.inference.lose_next_run = True

        for _ in range(2):
            with pytest.raises(HostError) as failed:
                await host.inference.run("lane", "m", {})
            assert failed.value.code == "worker-lost"
        assert (host.inference.sessions, host.inference.closed) == ([], ["lane"])
        await host.inference.open("lane", "m", file, Target("wasm"))
        running = asyncio.create_task(host.inference.run("lane", "m", {}))
        await settle()
        assert not running.done()
        await host.clock.advance(5)
        assert (await running).infer_ms == 5

    asyncio.run(scenario())


def test_packages_and_notices_are_remembered() -> None:
    async def scenario() -> None:
        host = create_fake_host()
        host.interpreter.available.add("numpy")
        await host.interpreter.install("numpy", None)
        with pytest.raises(HostError, match="package scipy") as missing:
            await host.interpreter.install("scipy", None)
        assert missing.value.details == {"packages": ["scipy"]}
        assert host.interpreter.installed == ["numpy"]

        host.page.notify("log", {"message": "a"})
        host.page.notify("result", {"value": 1}, "tab")
        assert host.page.named("result") == [{"value": 1}]
        assert (len(host.page.notices), host.page.clients) == (2, [None, "tab"])
        host.page.superseded()
        assert host.page.superseded_calls == 1

    asyncio.run(scenario())
