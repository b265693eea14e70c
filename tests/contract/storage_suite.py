"""What every Storage must do. Each check gets a host whose storage is not open yet."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from edge_runtime.errors import HostError, RefusedError
from edge_runtime.host.ports import Clear, Delete, Guard, Host, Put

DATABASE = "contract-store"
OTHER_DATABASE = "contract-store-2"
STORES = ("first", "second")


async def opened(host: Host) -> None:
    """Open an empty database; opening closes what an earlier check left open."""
    await host.storage.open(DATABASE, STORES)
    await host.storage.erase()
    await host.storage.open(DATABASE, STORES)


async def is_failed(act: Awaitable[Any]) -> bool:
    """Say whether ``act`` fails with ``storage-failed``."""
    try:
        await act
    except HostError as error:
        return error.code == "storage-failed"
    return False


async def refusal(host: Host, guard: Guard, operations: Sequence[Put | Delete] = ()) -> Any:
    """Return ``found`` of the refusal of a write; None if it was not refused."""
    try:
        await host.storage.write(operations, guard=guard)
    except RefusedError as error:
        assert error.code == "writer-superseded", error.code
        return error.details["found"]
    return None


async def check_what_was_written_is_read_in_key_order(host: Host) -> None:
    await opened(host)
    # U+1F600 is two UTF-16 code units, the first of which sorts below U+FB01.
    keys = ["b", "a", "10", "9", "\ufb01", "\U0001f600", "é"]
    await host.storage.write([Put("first", key, key.encode()) for key in keys])

    expected = sorted(keys, key=lambda key: key.encode("utf-16-be"))
    assert await host.storage.read("first") == [(key, key.encode()) for key in expected]


async def check_reading_goes_on_after_a_key_in_bounded_steps(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", f"{n:02}", bytes([n])) for n in range(10)])

    assert [key for key, _ in await host.storage.read("first", limit=3)] == ["00", "01", "02"]
    following = await host.storage.read("first", after="02", limit=3)
    assert following == [("03", b"\x03"), ("04", b"\x04"), ("05", b"\x05")]
    assert await host.storage.read("first", after="09") == []


async def check_stores_are_apart(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "k", b"1"), Put("second", "k", b"2")])

    assert await host.storage.read("first") == [("k", b"1")]
    assert await host.storage.read("second") == [("k", b"2")]


async def check_operations_of_one_write_apply_in_order(host: Host) -> None:
    await opened(host)
    await host.storage.write(
        [Put("first", "k", b"1"), Put("first", "k", b"2"), Put("first", "x", b"3")]
    )
    await host.storage.write(
        [Delete("first", "k"), Put("first", "k", b"4"), Delete("first", "x"), Delete("first", "no")]
    )
    assert await host.storage.read("first") == [("k", b"4")]


async def check_empty_and_large_data_survive(host: Host) -> None:
    await opened(host)
    large = bytes(range(256)) * 8192
    await host.storage.write([Put("first", "empty", b""), Put("first", "large", large)])

    assert await host.storage.read("first") == [("empty", b""), ("large", large)]


async def check_data_survives_closing(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "k", b"1")], durability="strict")
    await host.storage.close()
    await host.storage.close()
    await host.storage.open(DATABASE, STORES)

    assert await host.storage.read("first") == [("k", b"1")]


async def check_one_record_is_found_by_its_key(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "k", b"1"), Put("first", "empty", b"")])

    assert await host.storage.get("first", "k") == b"1"
    assert await host.storage.get("first", "empty") == b""
    assert await host.storage.get("first", "K") is None
    assert await host.storage.get("second", "k") is None
    await host.storage.write([Delete("first", "k")])
    assert await host.storage.get("first", "k") is None


async def check_a_failed_write_changes_nothing(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "old", b"0")])
    operations = [Put("first", "k", b"1"), Delete("first", "old"), Put("unknown", "k", b"2")]
    assert await is_failed(host.storage.write(operations))
    assert await host.storage.read("first") == [("old", b"0")]


async def check_an_unknown_store_is_an_error(host: Host) -> None:
    await opened(host)
    assert await is_failed(host.storage.get("unknown", "k"))
    assert await is_failed(host.storage.read("unknown"))
    assert await is_failed(host.storage.write([], guard=Guard("unknown", "k", None)))


async def check_a_closed_database_takes_and_gives_nothing(host: Host) -> None:
    await opened(host)
    await host.storage.close()

    assert await is_failed(host.storage.get("first", "k"))
    assert await is_failed(host.storage.read("first"))
    assert await is_failed(host.storage.write([Put("first", "k", b"1")]))
    await host.storage.open(DATABASE, STORES)
    assert await host.storage.read("first") == []


async def check_an_empty_write_is_no_error(host: Host) -> None:
    await opened(host)
    await host.storage.write([])


async def check_writes_made_together_all_complete(host: Host) -> None:
    await opened(host)
    writes = [host.storage.write([Put("first", f"{n:02}", b"")]) for n in range(20)]
    await asyncio.gather(*writes)

    assert len(await host.storage.read("first")) == 20


async def check_a_guard_that_holds_lets_everything_through(host: Host) -> None:
    await opened(host)
    assert await refusal(host, Guard("first", "g", None), [Put("first", "g", b"1")]) is None
    operations = [Put("first", "g", b"2"), Put("second", "k", b"x"), Delete("second", "no")]
    assert await refusal(host, Guard("first", "g", b"1"), operations) is None
    # The guard may be in a store of its own, and a write may be nothing but its guard.
    assert await refusal(host, Guard("first", "g", b"2"), [Put("second", "l", b"y")]) is None
    assert await refusal(host, Guard("first", "g", b"2")) is None

    assert await host.storage.read("first") == [("g", b"2")]
    assert await host.storage.read("second") == [("k", b"x"), ("l", b"y")]


async def check_a_guard_that_does_not_hold_lets_nothing_through(host: Host) -> None:
    await opened(host)
    before = [Put("first", "g", b"theirs"), Put("first", "empty", b""), Put("second", "k", b"x")]
    await host.storage.write(before)
    operations = [Put("first", "new", b"1"), Put("second", "k", b"y"), Delete("first", "empty")]
    for guard, found in (
        (Guard("first", "g", b"ours"), True),
        (Guard("first", "g", b"their"), True),
        (Guard("first", "g", b""), True),
        (Guard("first", "g", None), True),
        (Guard("first", "empty", None), True),
        (Guard("first", "empty", b"ours"), True),
        (Guard("first", "no", b"ours"), False),
        (Guard("first", "no", b""), False),
        (Guard("second", "g", b"theirs"), False),
    ):
        assert await refusal(host, guard, operations) is found, guard
        assert await refusal(host, guard) is found, guard

    assert await host.storage.read("first") == [("empty", b""), ("g", b"theirs")]
    assert await host.storage.read("second") == [("k", b"x")]
    await host.storage.write([Put("first", "g", b"still writable")], durability="strict")


async def check_a_guarded_write_may_be_repeated_and_no_other_takes_its_place(host: Host) -> None:
    await opened(host)
    guard, own = Guard("first", "g", None), [Put("first", "g", b"ours"), Put("second", "k", b"1")]
    for _ in range(2):
        assert await refusal(host, guard, own) is None
    for other in (
        [Put("first", "g", b"others")],
        [Put("second", "g", b"ours")],
        [Put("first", "k", b"ours")],
        [Delete("first", "g")],
    ):
        assert await refusal(host, guard, other) is True, other

    assert await host.storage.read("first") == [("g", b"ours")]
    assert await host.storage.read("second") == [("k", b"1")]


async def check_of_writes_under_one_guard_only_the_first_is_done(host: Host) -> None:
    await opened(host)
    writes = [
        refusal(host, Guard("first", "g", None), [Put("first", "g", bytes([n]))]) for n in range(8)
    ]
    outcomes = await asyncio.gather(*writes)

    assert sorted(outcomes, key=str) == [None] + [True] * 7
    (record,) = await host.storage.read("first")
    assert outcomes[record[1][0]] is None


async def check_a_store_is_cleared_in_order_with_the_rest(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "k", b"1"), Put("second", "k", b"1")])
    await host.storage.write([Put("first", "l", b"2"), Clear("first"), Put("first", "m", b"3")])

    assert await host.storage.read("first") == [("m", b"3")]
    assert await host.storage.read("second") == [("k", b"1")]


async def check_clearing_an_unknown_store_fails_and_clears_nothing(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "k", b"1")])

    assert await is_failed(host.storage.write([Clear("first"), Clear("third")]))
    assert await host.storage.read("first") == [("k", b"1")]


async def check_more_stores_come_to_what_is_there(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("second", "k", b"1")])
    await host.storage.open(DATABASE, ("third", "first"))
    await host.storage.write([Put("third", "k", b"3")])
    await host.storage.close()
    await host.storage.open(DATABASE, ("fourth", *STORES, "third"))

    found = [await host.storage.read(store) for store in ("first", "second", "third", "fourth")]
    assert found == [[], [("k", b"1")], [("k", b"3")], []]
    await host.storage.erase()


async def check_databases_are_apart(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "k", b"1")])
    await host.storage.open(OTHER_DATABASE, STORES)
    assert await host.storage.read("first") == []
    await host.storage.write([Put("first", "k", b"2")])
    await host.storage.erase()
    await host.storage.open(DATABASE, STORES)

    assert await host.storage.read("first") == [("k", b"1")]


async def check_erasing_leaves_nothing_and_needs_no_open_database(host: Host) -> None:
    await opened(host)
    for is_closed in (False, True):
        await host.storage.write([Put("first", "k", b"1")], durability="strict")
        if is_closed:
            await host.storage.close()
        await host.storage.erase()
        await host.storage.erase()
        await host.storage.open(DATABASE, STORES)
        assert await host.storage.read("first") == []


async def check_under_a_guard_that_does_not_hold_nothing_is_erased(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "g", b"another's")])
    done: list[str] = []

    async def before() -> None:
        done.append("before")

    for data, found in ((b"mine", True), (None, True)):
        assert await erase_refusal(host, Guard("first", "g", data), before) is found
    assert await erase_refusal(host, Guard("first", "h", b"mine"), before) is False
    assert done == []
    assert await host.storage.read("first") == [("g", b"another's")]


async def check_what_is_to_be_done_before_erasing_is_done_while_the_guard_holds(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "g", b"mine")])
    order: list[str] = []

    async def before() -> None:
        await host.clock.sleep_ms(20)
        order.append("before")

    await host.storage.erase(Guard("first", "g", b"mine"), before)
    order.append("erased")

    assert order == ["before", "erased"]
    await host.storage.open(DATABASE, STORES)
    assert await host.storage.read("first") == []


async def check_if_what_comes_before_erasing_fails_nothing_is_erased(host: Host) -> None:
    await opened(host)
    await host.storage.write([Put("first", "g", b"mine")])
    failure = HostError("storage-full", "injected")

    async def before() -> None:
        await host.clock.sleep_ms(1)
        raise failure

    try:
        await host.storage.erase(Guard("first", "g", b"mine"), before)
    except HostError as error:
        assert error is failure
    else:
        raise AssertionError("expected the failure of what comes before")
    assert await host.storage.read("first") == [("g", b"mine")]


async def erase_refusal(
    host: Host, guard: Guard, before: Callable[[], Awaitable[None]]
) -> bool | None:
    """Erase under ``guard``; say whether its record was found if it did not hold."""
    try:
        await host.storage.erase(guard, before)
    except RefusedError as error:
        found = error.details["found"]
        return bool(found)
    return None
