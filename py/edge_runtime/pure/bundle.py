"""The outside of a bundle (``.edge``), format 2: what is signed, by whom, and what it covers.

::

    head        "EDGE" · format (1) · length (4) of the manifest · manifest · seal id
    signers     count (1), then for each: algorithm (1) · key id
    payload's   size (4) · SHA-256 (32)
    signatures  64 bytes for each signer, of all bytes before this line
    payload     [IV (12) ‖] zstd frame of all files [‖ tag (16)]

Ids are a length (1) and ASCII; an empty seal id: the payload is not sealed. Numbers are big endian.
A sealed payload is bound to the head. Only the payload's end is the file's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from ..config import LIMITS
from ..errors import TrustError
from ..types import Algorithm
from .manifest import FileDigest, check_at_most
from .manifest_fields import FORMAT, bundle_invalid

ALGORITHMS: Final[tuple[Algorithm, ...]] = ("ed25519", "p256")
MAGIC: Final = b"EDGE"
SIGNATURE_BYTES: Final = 64
MANIFEST_BYTES: Final = 2**20
SIGNERS: Final = 16
_ID: Final = re.compile(rb"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class Signer(NamedTuple):
    """Who signs, with which of its keys."""

    key_id: str
    algorithm: Algorithm


@dataclass(frozen=True, slots=True)
class Frame:
    """A bundle taken apart; nothing of it is verified.

    Attributes:
        manifest: Text of the manifest.
        seal_id: Name of the key that the payload is sealed with; empty: it is not.
        head: What a sealed payload is bound to.
        signers: In the order of ``signatures``.
        signed: What the signatures are of.
        digest: What ``payload`` should be.
    """

    manifest: bytes
    seal_id: str
    head: bytes
    signers: tuple[Signer, ...]
    signatures: tuple[bytes, ...]
    signed: bytes
    digest: FileDigest
    payload: bytes


def head_of(manifest: bytes, seal_id: str = "") -> bytes:
    """Return the first part of a bundle."""
    return b"".join(
        [MAGIC, bytes([FORMAT]), len(manifest).to_bytes(4, "big"), manifest, _id_bytes(seal_id)]
    )


def signed_part(head: bytes, signers: Sequence[Signer], digest: FileDigest) -> bytes:
    """Return all that signatures cover."""
    named = [
        bytes([ALGORITHMS.index(each.algorithm) + 1]) + _id_bytes(each.key_id) for each in signers
    ]
    size = digest.bytes.to_bytes(4, "big")
    return b"".join([head, bytes([len(signers)]), *named, size, bytes.fromhex(digest.sha256)])


def read_frame(data: bytes) -> Frame:
    """Take a bundle apart.

    Raises:
        TrustError: ``bundle-invalid``: too large, cut off, or of another format.
    """
    check_at_most("packed bytes", len(data), LIMITS.bundle_packed_bytes)
    if not data.startswith(MAGIC):
        raise bundle_invalid("a file that begins with EDGE", f"{data[:4]!r}")
    rest = _Reader(data, len(MAGIC))
    version = rest.number(1)
    if version != FORMAT:
        raise bundle_invalid(f"format {FORMAT}", f"format {version}")
    length = rest.number(4)
    check_at_most("manifest bytes", length, MANIFEST_BYTES)
    manifest, seal_id = rest.take(length), rest.id(may_be_empty=True)
    head = data[: rest.at]
    count = rest.number(1)
    check_at_most("signatures", count, SIGNERS)
    signers = tuple(rest.signer() for _ in range(count))
    size = rest.number(4)
    digest = FileDigest(rest.take(32).hex(), size)
    signed = data[: rest.at]
    signatures = tuple(rest.take(SIGNATURE_BYTES) for _ in range(count))
    payload = data[rest.at :]
    return Frame(manifest, seal_id, head, signers, signatures, signed, digest, payload)


class _Reader:
    """Reads a bundle from ``at`` on."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def take(self, count: int) -> bytes:
        taken = self._data[self.at : self.at + count]
        if len(taken) != count:
            raise bundle_invalid("a whole bundle", "a cut-off one")
        self.at += count
        return taken

    def number(self, count: int) -> int:
        return int.from_bytes(self.take(count), "big")

    def id(self, *, may_be_empty: bool = False) -> str:
        text = self.take(self.number(1))
        if not _ID.fullmatch(text) and (text or not may_be_empty):
            raise _no_id(text)
        return text.decode("ascii")

    def signer(self) -> Signer:
        number = self.number(1)
        if not 1 <= number <= len(ALGORITHMS):
            raise bundle_invalid(f"an algorithm from 1 to {len(ALGORITHMS)}", str(number))
        return Signer(self.id(), ALGORITHMS[number - 1])


def _id_bytes(text: str) -> bytes:
    given = text.encode()
    if given and not _ID.fullmatch(given):
        raise _no_id(given)
    return bytes([len(given)]) + given


def _no_id(given: bytes) -> TrustError:
    return bundle_invalid("a key id of letters, digits, - _ and .", repr(given))
