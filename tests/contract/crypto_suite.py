"""What every Crypto must do."""

from edge_runtime.errors import TrustError
from edge_runtime.host.ports import Host

KEY = "contract-key"
OTHER_KEY = "contract-key-2"
PLACE = b"database\0store\0row"


async def sealed(host: Host, plaintext: bytes = b"secret") -> bytes:
    """Seal with KEY for PLACE."""
    await host.crypto.ensure_key(KEY)
    return await host.crypto.seal(KEY, plaintext, PLACE)


async def refuses(host: Host, data: bytes, key: str = KEY, place: bytes = PLACE) -> bool:
    """Say whether the seal is reported as broken."""
    try:
        await host.crypto.unseal(key, data, place)
    except TrustError as error:
        return error.code == "seal-broken"
    return False


async def check_what_was_sealed_opens(host: Host) -> None:
    for plaintext in (b"", b"x", bytes(range(256)) * 4096):
        assert await host.crypto.unseal(KEY, await sealed(host, plaintext), PLACE) == plaintext


async def check_a_seal_is_iv_ciphertext_and_tag_and_never_the_same(host: Host) -> None:
    first, second = await sealed(host), await sealed(host)
    assert len(first) == 12 + len(b"secret") + 16
    assert first != second and first[:12] != second[:12]
    assert b"secret" not in first


async def check_any_changed_byte_breaks_the_seal(host: Host) -> None:
    data = await sealed(host)
    for offset in range(len(data)):
        changed = bytearray(data)
        changed[offset] ^= 1
        assert await refuses(host, bytes(changed)), offset


async def check_cut_off_and_empty_data_break_the_seal(host: Host) -> None:
    data = await sealed(host)
    for length in (0, 5, 12, 27, len(data) - 1):
        assert await refuses(host, data[:length]), length
    assert await refuses(host, data + b"x")


async def check_another_place_or_key_breaks_the_seal(host: Host) -> None:
    data = await sealed(host)
    await host.crypto.ensure_key(OTHER_KEY)
    assert await refuses(host, data, place=PLACE + b"x")
    assert await refuses(host, data, key=OTHER_KEY)


async def check_ensuring_a_key_twice_keeps_it(host: Host) -> None:
    data = await sealed(host)
    await host.crypto.ensure_key(KEY)
    assert await host.crypto.unseal(KEY, data, PLACE) == b"secret"


async def check_unbound_data_is_not_sealed(host: Host) -> None:
    await host.crypto.ensure_key(KEY)
    try:
        await host.crypto.seal(KEY, b"secret", b"")
    except ValueError:
        return
    raise AssertionError("sealed without associated data")


async def check_random_bytes_differ(host: Host) -> None:
    assert len(host.crypto.random_bytes(16)) == 16
    assert host.crypto.random_bytes(16) != host.crypto.random_bytes(16)
