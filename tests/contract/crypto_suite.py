"""What every Crypto must do. Each check begins without keys and notes."""

import asyncio
from collections.abc import Awaitable
from typing import Any

from edge_runtime.errors import HostError, TrustError
from edge_runtime.host.ports import Host

ROOT = "contract-root"
OTHER_ROOT = "contract-root-2"
KEY = "contract-key"
OTHER_KEY = "contract-key-2"
PLACE = b"database\0store\0row"


async def with_keys(host: Host) -> bytes:
    """Make a root key and a data key; return the data key's wrapped form."""
    await host.crypto.erase()
    assert await host.crypto.open_root(ROOT, create=True)
    return await host.crypto.create_key(KEY, ROOT, PLACE)


async def refuses(act: Awaitable[Any]) -> bool:
    """Say whether the seal is reported as broken."""
    try:
        await act
    except TrustError as error:
        return error.code == "seal-broken"
    return False


async def fails(act: Awaitable[Any]) -> bool:
    """Say whether ``act`` fails with ``storage-failed``."""
    try:
        await act
    except HostError as error:
        return error.code == "storage-failed"
    return False


async def is_unbound(act: Awaitable[Any]) -> bool:
    """Say whether ``act`` is refused as a mistake of its caller."""
    try:
        await act
    except ValueError:
        return True
    return False


def changed(data: bytes, offset: int) -> bytes:
    """Return ``data`` with one bit turned."""
    other = bytearray(data)
    other[offset] ^= 1
    return bytes(other)


async def check_what_was_sealed_opens(host: Host) -> None:
    await with_keys(host)
    for key in (KEY, ROOT):
        for plaintext in (b"", b"x", bytes(range(256)) * 4096):
            sealed = await host.crypto.seal(key, plaintext, PLACE)
            assert await host.crypto.unseal(key, sealed, PLACE) == plaintext


async def check_a_seal_is_iv_ciphertext_and_tag_and_never_the_same(host: Host) -> None:
    await with_keys(host)
    first, second = [await host.crypto.seal(KEY, b"secret", PLACE) for _ in range(2)]
    assert len(first) == 12 + len(b"secret") + 16
    assert first != second and first[:12] != second[:12]
    assert b"secret" not in first


async def check_any_changed_byte_breaks_the_seal(host: Host) -> None:
    await with_keys(host)
    data = await host.crypto.seal(KEY, b"secret", PLACE)
    for offset in range(len(data)):
        assert await refuses(host.crypto.unseal(KEY, changed(data, offset), PLACE)), offset


async def check_cut_off_and_empty_data_break_the_seal(host: Host) -> None:
    wrapped = await with_keys(host)
    data = await host.crypto.seal(KEY, b"secret", PLACE)
    for length in (0, 5, 12, 27, len(data) - 1):
        assert await refuses(host.crypto.unseal(KEY, data[:length], PLACE)), length
    assert await refuses(host.crypto.unseal(KEY, data + b"x", PLACE))
    for length in (0, 5, 12, 28, len(wrapped) - 1):
        assert await refuses(host.crypto.load_key("k", ROOT, wrapped[:length], PLACE)), length


async def check_another_place_or_key_breaks_the_seal(host: Host) -> None:
    await with_keys(host)
    await host.crypto.create_key(OTHER_KEY, ROOT, PLACE)
    data = await host.crypto.seal(KEY, b"secret", PLACE)
    assert await refuses(host.crypto.unseal(KEY, data, PLACE + b"x"))
    for key in (OTHER_KEY, ROOT, "a key nobody knows"):
        assert await refuses(host.crypto.unseal(key, data, PLACE)), key


async def check_a_root_is_made_once_and_only_if_asked_for(host: Host) -> None:
    await host.crypto.erase()
    for _ in range(2):
        assert await host.crypto.open_root(ROOT, create=False) is False
    assert await fails(host.crypto.seal(ROOT, b"secret", PLACE))
    assert await host.crypto.open_root(ROOT, create=True) is True
    data = await host.crypto.seal(ROOT, b"secret", PLACE)
    for create in (True, False):
        assert await host.crypto.open_root(ROOT, create=create) is True
        assert await host.crypto.unseal(ROOT, data, PLACE) == b"secret"


async def check_of_openings_at_once_all_get_one_root(host: Host) -> None:
    await host.crypto.erase()
    opening = [host.crypto.open_root(ROOT, create=True) for _ in range(4)]
    assert await asyncio.gather(*opening) == [True] * 4
    wrapped = await host.crypto.create_key(KEY, ROOT, PLACE)
    await host.crypto.load_key(OTHER_KEY, ROOT, wrapped, PLACE)
    data = await host.crypto.seal(KEY, b"secret", PLACE)
    assert await host.crypto.unseal(OTHER_KEY, data, PLACE) == b"secret"


async def check_a_wrapped_key_opens_what_the_key_sealed(host: Host) -> None:
    wrapped = await with_keys(host)
    data = await host.crypto.seal(KEY, b"secret", PLACE)
    assert len(wrapped) == 12 + 32 + 16

    await host.crypto.load_key("loaded", ROOT, wrapped, PLACE)
    assert await host.crypto.unseal("loaded", data, PLACE) == b"secret"
    again = await host.crypto.seal("loaded", b"secret", PLACE)
    assert await host.crypto.unseal(KEY, again, PLACE) == b"secret"
    assert await host.crypto.create_key(OTHER_KEY, ROOT, PLACE) != wrapped


async def check_a_wrapped_key_is_bound_to_its_root_and_place(host: Host) -> None:
    wrapped = await with_keys(host)
    assert await host.crypto.open_root(OTHER_ROOT, create=True)
    assert await refuses(host.crypto.load_key("k", OTHER_ROOT, wrapped, PLACE))
    assert await refuses(host.crypto.load_key("k", ROOT, wrapped, PLACE + b"x"))
    for offset in range(0, len(wrapped), 7):
        act = host.crypto.load_key("k", ROOT, changed(wrapped, offset), PLACE)
        assert await refuses(act), offset
    assert await fails(host.crypto.seal("k", b"secret", PLACE))


async def check_a_key_needs_an_open_root(host: Host) -> None:
    wrapped = await with_keys(host)
    assert await fails(host.crypto.create_key("k", "no-root", PLACE))
    assert await fails(host.crypto.load_key("k", "no-root", wrapped, PLACE))
    assert await fails(host.crypto.seal("no-root", b"secret", PLACE))


async def check_a_deleted_root_takes_its_keys_with_it_and_no_others(host: Host) -> None:
    wrapped = await with_keys(host)
    data = await host.crypto.seal(KEY, b"secret", PLACE)
    await host.crypto.open_root(OTHER_ROOT, create=True)
    await host.crypto.create_key(OTHER_KEY, OTHER_ROOT, PLACE)
    other = await host.crypto.seal(OTHER_KEY, b"other", PLACE)

    await host.crypto.delete_root(ROOT)
    await host.crypto.delete_root("no-root")

    assert await host.crypto.unseal(OTHER_KEY, other, PLACE) == b"other"
    for key in (KEY, ROOT):
        assert await fails(host.crypto.seal(key, b"secret", PLACE)), key
        assert await fails(host.crypto.unseal(key, data, PLACE)), key
    assert await host.crypto.open_root(ROOT, create=False) is False
    assert await host.crypto.open_root(ROOT, create=True) is True
    assert await refuses(host.crypto.load_key(KEY, ROOT, wrapped, PLACE))


async def check_nothing_is_done_without_associated_data(host: Host) -> None:
    wrapped = await with_keys(host)
    data = await host.crypto.seal(KEY, b"secret", PLACE)
    assert await is_unbound(host.crypto.seal(KEY, b"secret", b""))
    assert await is_unbound(host.crypto.unseal(KEY, data, b""))
    assert await is_unbound(host.crypto.create_key("k", ROOT, b""))
    assert await is_unbound(host.crypto.load_key("k", ROOT, wrapped, b""))


async def check_notes_are_kept_and_replaced(host: Host) -> None:
    await host.crypto.erase()
    assert await host.crypto.read_note("a") is None
    await host.crypto.write_note("a", b"one")
    await host.crypto.write_note("a", bytes(range(256)))
    await host.crypto.write_note("b/c", b"")
    await host.crypto.open_root("a", create=True)
    await host.crypto.delete_root("a")

    assert await host.crypto.read_note("a") == bytes(range(256))
    assert await host.crypto.read_note("b/c") == b""


async def check_erasing_leaves_neither_keys_nor_notes(host: Host) -> None:
    wrapped = await with_keys(host)
    await host.crypto.write_note("a", b"one")
    data = await host.crypto.seal(ROOT, b"secret", PLACE)
    await host.crypto.erase()

    for key in (ROOT, KEY):
        assert await fails(host.crypto.seal(key, b"secret", PLACE)), key
        assert await fails(host.crypto.unseal(key, data, PLACE)), key
    assert await host.crypto.read_note("a") is None
    assert await host.crypto.open_root(ROOT, create=False) is False
    await host.crypto.erase()
    assert await host.crypto.open_root(ROOT, create=True) is True
    assert await refuses(host.crypto.unseal(ROOT, data, PLACE))
    assert await refuses(host.crypto.load_key(KEY, ROOT, wrapped, PLACE))


async def check_random_bytes_differ(host: Host) -> None:
    assert len(host.crypto.random_bytes(16)) == 16
    assert host.crypto.random_bytes(16) != host.crypto.random_bytes(16)
