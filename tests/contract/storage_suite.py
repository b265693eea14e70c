"""What every Storage must do. Each check gets a host whose storage is not open yet."""

import asyncio

from edge_runtime.errors import HostError
from edge_runtime.host.ports import Delete, Host, Put

DATABASE = "contract-store"
STORES = ("first", "second")


async def opened(host: Host) -> None:
    """Open an empty database."""
    await host.storage.open(DATABASE, STORES)
    await host.storage.erase()
    await host.storage.open(DATABASE, STORES)


async def check_what_was_written_is_read_in_key_order(host: Host) -> None:
    await opened(host)
    # U+1F600 is two UTF-16 code units, the first of which sorts below U+FB01.
    keys = ["b", "a", "10", "9", "\ufb01", "\U0001f600", "é"]
    await host.storage.write([Put("first", key, key.encode()) for key in keys])

    expected = sorted(keys, key=lambda key: key.encode("utf-16-be"))
    assert await host.storage.read("first") == [(key, key.encode()) for key in expected]
    await host.storage.close()


async def check_reading_goes_on_after_a_key_in_bounded_steps(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", f"{n:02}", bytes([n])) for n in range(10)])

    assert [key for key, _ in await host.storage.read("first", limit=3)] == ["00", "01", "02"]
    following = await host.storage.read("first", after="02", limit=3)
    assert following == [("03", b"\x03"), ("04", b"\x04"), ("05", b"\x05")]
    assert await host.storage.read("first", after="09") == []
    await host.storage.close()


async def check_stores_are_apart(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "k", b"1"), Put("second", "k", b"2")])

    assert await host.storage.read("first") == [("k", b"1")]
    assert await host.storage.read("second") == [("k", b"2")]
    await host.storage.close()


async def check_operations_of_one_write_apply_in_order(host: Host) -> None:
    await opened(host)
    await host.storage.write(
        [Put("first", "k", b"1"), Put("first", "k", b"2"), Put("first", "x", b"3")]
    )
    await host.storage.write(
        [Delete("first", "k"), Put("first", "k", b"4"), Delete("first", "x"), Delete("first", "no")]
    )
    assert await host.storage.read("first") == [("k", b"4")]
    await host.storage.close()


async def check_empty_and_large_data_survive(host: Host) -> None:
    await opened(host)
    large = bytes(range(256)) * 8192
    await host.storage.write([Put("first", "empty", b""), Put("first", "large", large)])

    assert await host.storage.read("first") == [("empty", b""), ("large", large)]
    await host.storage.close()


async def check_data_survives_closing(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "k", b"1")], durability="strict")
    await host.storage.close()
    await host.storage.close()
    await host.storage.open(DATABASE, STORES)

    assert await host.storage.read("first") == [("k", b"1")]
    await host.storage.close()


async def check_a_failed_write_changes_nothing(host: Host) -> None:
    await opened(host)
    try:
        await host.storage.write([Put("first", "k", b"1"), Put("unknown", "k", b"2")])
    except HostError as error:
        assert error.code == "storage-failed", error.code
    else:
        raise AssertionError("a write to an unknown store was accepted")
    assert await host.storage.read("first") == []
    await host.storage.close()


async def check_an_empty_write_is_no_error(host: Host) -> None:
    await opened(host)
    await host.storage.write([])
    await host.storage.close()


async def check_writes_made_together_all_complete(host: Host) -> None:
    await opened(host)
    writes = [host.storage.write([Put("first", f"{n:02}", b"")]) for n in range(20)]
    await asyncio.gather(*writes)

    assert len(await host.storage.read("first")) == 20
    await host.storage.close()


async def check_erasing_leaves_nothing(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "k", b"1")])
    await host.storage.erase()
    await host.storage.open(DATABASE, STORES)

    assert await host.storage.read("first") == []
    await host.storage.close()
