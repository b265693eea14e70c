"""Bundles that no device may run, made from good ones in every way that somebody could.

``mutated(count, seed)`` is the same everywhere, so a browser can be given a sample of what CPython
tries; ``TRUST`` and ``VERSIONS`` are what the device knows.
"""

import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any, Final, NamedTuple

from edge_runtime.bundle_writer import Signing, write_bundle, zstd
from edge_runtime.pure.abi import Abi
from edge_runtime.pure.bundle import Signer, head_of, read_frame, signed_part
from edge_runtime.pure.manifest import Manifest, canonical, from_task_toml
from edge_runtime.pure.manifest_fields import digest_of

from web_runtime.keys import SealKey, Signature, SigningKey, signing_of

TOML: Final = {"name": "Rank", "system_code": "demo", "business_code": "rank"}
FRESH: Final = SigningKey("fresh", b"\1" * 32, b"\2" * 32)
SECOND: Final = SigningKey("second", b"\3" * 32, b"\4" * 32, "2100-01-01")
EXPIRED: Final = SigningKey("expired", b"\5" * 32, b"\6" * 32, "2020-12-31")
STRANGER: Final = SigningKey("stranger", b"\7" * 32, b"\10" * 32)
IMPOSTOR: Final = SigningKey("fresh", b"\11" * 32, b"\12" * 32)
SEAL: Final = SealKey("s1", b"\13" * 32)
TRUST: Final[dict[str, Any]] = {
    "keys": [key.trusted() for key in (FRESH, SECOND, EXPIRED)],
    "seals": {"s1": SEAL.to_dict()["key"]},
}
VERSIONS: Final = {"Rank": "2.0.0"}

CODES: Final = frozenset(
    {
        "bundle-invalid",
        "bundle-untrusted",
        "bundle-outdated",
        "version-mismatch",
        "digest-mismatch",
        "seal-broken",
    }
)


class Mutation(NamedTuple):
    """A bundle, what was done to it, and the only codes it may be refused with."""

    kind: str
    data: bytes
    codes: frozenset[str]


class Material(NamedTuple):
    """Good bundles, and bad ones that a signer's own mistakes or another signer could make."""

    good: tuple[bytes, ...]
    bad: tuple[Mutation, ...]


Change = Callable[[random.Random, bytes], bytes]


def mutated(count: int, seed: int, abi: Abi, code: bytes) -> Iterator[Mutation]:
    """Yield ``count`` bundles, none of them good.

    Args:
        count: How many.
        seed: Which ones.
        abi: The interpreter that good bundles are for.
        code: A marshalled code object: what must never be read.
    """
    chance, material = random.Random(seed), material_of(abi, code)
    good = set(material.good)
    while count:
        mutation = _mutation(chance, material)
        if mutation.data not in good:
            yield mutation
            count -= 1


@cache
def material_of(abi: Abi, code: bytes) -> Material:
    """Return what mutations are made of."""
    files = {"main.pyc": code, "data/words.txt": b"one\ntwo\n"}

    def manifest(version: str = "2.0.0", abi: Abi = abi) -> Manifest:
        return from_task_toml({**TOML, "version": version}, files, abi)

    def made(given: Manifest, signing: list[Signature], seal: SealKey | None = SEAL) -> bytes:
        return write_bundle(given, files, signing=signing, sealing=seal)

    both, fresh = [*signing_of(FRESH), *signing_of(SECOND)], signing_of(FRESH)
    one_wrong = [fresh[0], signing_of(IMPOSTOR)[1]]
    good = (
        made(manifest(), fresh),
        made(manifest("2.1.0"), both),
        made(manifest("3.0"), fresh[:1], None),
        made(manifest("2.0.1"), fresh[1:], None),
    )
    bad = [
        *(
            _one("older version", made(manifest(version), fresh), "bundle-outdated")
            for version in ("1.9.9", "1.99", "0.1", "v1.2.3", "1-beta2", "1.0.0+9", "0")
        ),
        *(
            _one("other ABI", made(manifest(abi=other), fresh), "version-mismatch")
            for other in (
                Abi("1.2.3", abi.python, abi.magic),
                Abi(abi.pyodide, "3.99", abi.magic),
                Abi(abi.pyodide, abi.python, "ffff0d0a"),
            )
        ),
        _one("unknown key", made(manifest(), signing_of(STRANGER)), "bundle-untrusted"),
        _one("wrong key", made(manifest(), signing_of(IMPOSTOR)), "bundle-untrusted"),
        _one("expired key", made(manifest(), signing_of(EXPIRED)), "bundle-untrusted"),
        _one("no signature", made(manifest(), []), "bundle-untrusted"),
        _one("one of two wrong", made(manifest(), one_wrong), "bundle-untrusted"),
        _one("other seal", made(manifest(), fresh, SealKey("s1", bytes(32))), "seal-broken"),
        _one("unknown seal", made(manifest(), fresh, SealKey("s2", bytes(32))), "seal-broken"),
        *_by_its_signer(canonical(manifest().to_dict()), files, fresh),
    ]
    return Material(good, tuple(bad))


def _by_its_signer(
    text: bytes, files: dict[str, bytes], signing: list[Signature]
) -> Iterator[Mutation]:
    """Yield what a trusted signer could only write with other tools."""
    words, code = files["data/words.txt"], files["main.pyc"]
    packed = zstd.compress(words + code)
    other = code[:-1] + bytes([code[-1] ^ 1])
    for kind, content, codes in (
        (
            "file changed",
            zstd.compress(words + other),
            "digest-mismatch",
        ),
        ("files swapped", zstd.compress(code + words), "digest-mismatch"),
        ("file missing", zstd.compress(words), "bundle-invalid"),
        ("file twice", zstd.compress(words + code + code), "bundle-invalid"),
        ("bomb", zstd.compress(bytes(2**20)), "bundle-invalid"),
        ("not packed", words + code, "bundle-invalid"),
        ("two frames", packed + packed, "bundle-invalid"),
    ):
        yield _one(kind, raw_bundle(text, content, signing), codes)
    for kind, manifest in (
        ("manifest spaced", text.replace(b",", b", ", 1)),
        ("manifest key twice", text.replace(b'"format":2', b'"format":2,"format":2')),
        ("manifest field", text.replace(b'"format":2', b'"format":2,"formula":2')),
        ("no manifest", b""),
    ):
        yield _one(kind, raw_bundle(manifest, packed, signing), "bundle-invalid")


def raw_bundle(manifest: bytes, payload: bytes, signing: list[Signature]) -> bytes:
    """Return a signed bundle of anything."""
    signers = [Signer(each.key_id, each.algorithm) for each in signing]
    signed = signed_part(head_of(manifest), signers, digest_of(payload))
    return b"".join([signed, *(_signed(each, signed) for each in signing), payload])


def _signed(signing: Signing, data: bytes) -> bytes:
    return signing.sign(data)


def _one(kind: str, data: bytes, *codes: str) -> Mutation:
    return Mutation(kind, data, frozenset(codes))


def _mutation(chance: random.Random, material: Material) -> Mutation:
    kind = chance.choice([*_CHANGES, "payload", "splice", "bad", "bad and changed"])
    data, other = chance.choice(material.good), chance.choice(material.good)
    if kind == "payload":
        start = len(data) - len(read_frame(data).payload)
        return _one(kind, data[:start] + _changed(chance, data[start:]), "digest-mismatch")
    if kind == "splice":
        return Mutation(kind, _splice(chance, data, other), CODES)
    if kind == "bad":
        return chance.choice(material.bad)
    if kind == "bad and changed":
        return Mutation(kind, _changed(chance, chance.choice(material.bad).data), CODES)
    return Mutation(kind, _CHANGES[kind](chance, data), CODES)


def _changed(chance: random.Random, data: bytes) -> bytes:
    changed = data
    while changed == data:
        changed = chance.choice([*_CHANGES.values()])(chance, data)
    return changed


def _splice(chance: random.Random, data: bytes, other: bytes) -> bytes:
    """Join parts of two good bundles: head, signers, digest, signatures and payload."""
    ours, theirs = _parts(data), _parts(other)
    return b"".join(chance.choice(pair) for pair in zip(ours, theirs, strict=True))


def _parts(data: bytes) -> list[bytes]:
    frame = read_frame(data)
    digest_at = len(frame.signed) - 36
    signers = frame.signed[len(frame.head) : digest_at]
    return [
        frame.head,
        signers,
        frame.signed[digest_at:],
        b"".join(frame.signatures),
        frame.payload,
    ]


def _flip(chance: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    for _ in range(chance.choice((1, 1, 1, 2, 8))):
        changed[chance.randrange(len(data))] ^= chance.randrange(1, 256)
    return bytes(changed)


def _range(chance: random.Random, data: bytes) -> tuple[int, int]:
    start = chance.randrange(len(data))
    return start, min(len(data), start + chance.choice((1, 2, 4, 32, 64, 200)))


def _remove(chance: random.Random, data: bytes) -> bytes:
    start, end = _range(chance, data)
    return data[:start] + data[end:]


def _repeat(chance: random.Random, data: bytes) -> bytes:
    start, end = _range(chance, data)
    return data[:end] + data[start:]


def _swap(chance: random.Random, data: bytes) -> bytes:
    one, two = sorted((_range(chance, data), _range(chance, data)))
    middle = max(one[1], two[0])
    return b"".join(
        [
            data[: one[0]],
            data[two[0] : two[1]],
            data[one[1] : middle],
            data[one[0] : one[1]],
            data[two[1] :],
        ]
    )


_CHANGES: Final[dict[str, Change]] = {
    "flip": _flip,
    "cut": lambda chance, data: data[: chance.randrange(len(data))],
    "remove": _remove,
    "repeat": _repeat,
    "swap": _swap,
    "insert": lambda chance, data: (
        data[: (at := chance.randrange(len(data) + 1))]
        + chance.randbytes(chance.choice((1, 64)))
        + data[at:]
    ),
    "overwrite": lambda chance, data: (
        data[: (at := chance.randrange(len(data)))]
        + chance.randbytes(min(16, len(data) - at))
        + data[at + 16 :]
    ),
    "parts": lambda chance, data: b"".join(
        part for part in _parts_or_whole(data) for _ in range(chance.choice((0, 1, 1, 1, 2)))
    ),
    "parts shuffled": lambda chance, data: b"".join(
        chance.sample(parts := _parts_or_whole(data), len(parts))
    ),
}


def _parts_or_whole(data: bytes) -> list[bytes]:
    """Return the parts of a bundle; of other bytes two halves."""
    if data.startswith(b"EDGE"):
        return _parts(data)
    return [data[: len(data) // 2], data[len(data) // 2 :]]
