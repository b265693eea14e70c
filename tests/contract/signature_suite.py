"""What every Crypto must say of signatures and of what was sealed elsewhere: the same verdicts.

Signatures are the examples of RFC 8032 (7.1) and RFC 6979 (A.2.5), the seal is a test case of the
specification of GCM (16). What is made of them is what implementations are known to differ in.
"""

from collections.abc import Iterator
from typing import Final

from edge_runtime.errors import TrustError
from edge_runtime.host.ports import Host
from edge_runtime.types import Algorithm

from .crypto_suite import changed, is_unbound

Case = tuple[Algorithm, bytes, bytes, bytes]
"""Algorithm, public key, signature and data."""

_SIGNED: Final[tuple[tuple[Algorithm, str, str, str], ...]] = (
    (
        "ed25519",
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        "",
    ),
    (
        "ed25519",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        "72",
    ),
    (
        "ed25519",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac"
        "18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        "af82",
    ),
    (
        "p256",
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        "efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716"
        "f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8",
        "73616d706c65",
    ),
    (
        "p256",
        "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6"
        "7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
        "f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367"
        "019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083",
        "74657374",
    ),
)
_SECRET: Final = bytes.fromhex("feffe9928665731c6d6a8f9467308308" * 2)
_BOUND: Final = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
_PLAIN: Final = bytes.fromhex(
    "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
    "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
)
_SEALED: Final = bytes.fromhex(
    "cafebabefacedbaddecaf888522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b"
)
# Orders of the groups; a half of a signature is a number below.
_ED25519_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_P256_ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551


def signed() -> list[Case]:
    """Return signatures that hold."""
    return [
        (algorithm, bytes.fromhex(key), bytes.fromhex(signature), bytes.fromhex(data))
        for algorithm, key, signature, data in _SIGNED
    ]


def unsigned() -> Iterator[Case]:
    """Yield what no key has signed."""
    for algorithm, key, signature, data in signed():
        for at in (0, 31, 32, 63):
            yield algorithm, key, changed(signature, at), data
        for at in range(0, len(key), 8):
            yield algorithm, changed(key, at), signature, data
        for wrong in (b"", bytes(64), b"\xff" * 64, signature[:-1], signature + b"\0"):
            yield algorithm, key, wrong, data
        for no_key in (b"", key[:-1], key + b"\0", b"\xff" * len(key), b"\4" + b"\1" * 64):
            yield algorithm, no_key, signature, data
        yield algorithm, key, signature[32:] + signature[:32], data
        yield algorithm, key, signature, data + b"\0"
        yield algorithm, key, _unreduced(algorithm, signature), data
    yield from _mixed()


def _unreduced(algorithm: Algorithm, signature: bytes) -> bytes:
    """Return the same signature with a number that is as good modulo the group's order."""
    if algorithm == "ed25519":
        s = int.from_bytes(signature[32:], "little") + _ED25519_ORDER
        return signature[:32] + s.to_bytes(32, "little")
    # r + n is above 256 bits, so what remains is s = n for zero.
    return signature[:32] + _P256_ORDER.to_bytes(32, "big")


def _mixed() -> Iterator[Case]:
    """Yield keys and signatures of others: another signer's, another algorithm's, compressed."""
    (first, key, signature, data), (_, other_key, other_signature, _), *_, (last, point, by, of) = (
        signed()
    )
    yield first, other_key, signature, data
    yield first, key, other_signature, data
    yield first, point, by, of
    yield last, key, signature, data
    yield last, bytes([2 + point[-1] % 2]) + point[1:33], by, of
    zero = bytes(32)
    for r, s in ((zero, by[32:]), (by[:32], zero), (b"\xff" * 32, by[32:])):
        yield last, point, r + s, of


async def check_signatures_of_the_standards_hold(host: Host) -> None:
    for case in signed():
        assert await host.crypto.verify(*case) is True, case


async def check_nothing_else_holds(host: Host) -> None:
    for case in unsigned():
        assert await host.crypto.verify(*case) is False, case


async def check_what_was_sealed_elsewhere_opens(host: Host) -> None:
    assert await host.crypto.unseal_with(_SECRET, _SEALED, _BOUND) == _PLAIN


async def check_another_secret_place_or_byte_opens_nothing(host: Host) -> None:
    for at in range(len(_SEALED)):
        assert await _refuses(host, _SECRET, changed(_SEALED, at), _BOUND), at
    for secret in (changed(_SECRET, 0), b"", _SECRET[:16], _SECRET + b"\0"):
        assert await _refuses(host, secret, _SEALED, _BOUND), secret
    for sealed in (b"", _SEALED[:12], _SEALED[:27], _SEALED[:28], _SEALED[:-1]):
        assert await _refuses(host, _SECRET, sealed, _BOUND), sealed
    assert await _refuses(host, _SECRET, _SEALED, _BOUND + b"\0")
    assert await is_unbound(host.crypto.unseal_with(_SECRET, _SEALED, b""))


async def _refuses(host: Host, secret: bytes, sealed: bytes, bound: bytes) -> bool:
    try:
        await host.crypto.unseal_with(secret, sealed, bound)
    except TrustError as error:
        return error.code == "seal-broken"
    return False
