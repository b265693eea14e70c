"""Storage and crypto in memory, with the failures real ones have. Not for production.

A :class:`FakeDisk` outlives the hosts that use it, as a browser profile outlives its pages.
"""

import asyncio
import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from ..errors import HostError, TrustError
from ..host.ports import Delete, Durability, Put

_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16


@dataclass(slots=True)
class FakeDisk:
    """What survives a restart: ``databases[database][store][key]``, and keys by id."""

    databases: dict[str, dict[str, dict[str, bytes]]] = field(default_factory=dict)
    keys: dict[str, bytes] = field(default_factory=dict)

    def flip_byte(self, database: str, store: str, key: str, offset: int) -> None:
        """Damage one byte of a record."""
        damaged = bytearray(self.databases[database][store][key])
        damaged[offset] ^= 0xFF
        self.databases[database][store][key] = bytes(damaged)


class FakeStorage:
    """Implements ``Storage`` over a disk.

    Attributes:
        writes: Durability of every completed write, in order.
        open_error: Raised by ``open`` while it is set.
        may_write: Writes wait while this event is clear.
    """

    def __init__(self, disk: FakeDisk) -> None:
        self._disk = disk
        self._database: str | None = None
        self._failures: list[tuple[str, bool]] = []
        self.writes: list[Durability] = []
        self.open_error: HostError | None = None
        self.may_write = asyncio.Event()
        self.may_write.set()

    def fail_next_write(
        self, code: Literal["storage-full", "storage-failed"], *, applied: bool = False
    ) -> None:
        """Make the next write raise; ``applied``: it was done, but the answer was lost."""
        self._failures.append((code, applied))

    async def open(self, database: str, stores: Sequence[str]) -> None:
        """Open or create the database with exactly these stores."""
        if self.open_error is not None:
            raise self.open_error
        existing = self._disk.databases.get(database, {})
        self._disk.databases[database] = {store: existing.get(store, {}) for store in stores}
        self._database = database

    async def read(
        self, store: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return up to ``limit`` records with keys > ``after``, in UTF-16 order."""
        records = self._stores()[store]
        keys = sorted((key for key in records if _utf16(key) > _utf16(after)), key=_utf16)
        return [(key, records[key]) for key in keys[:limit]]

    async def write(
        self, operations: Sequence[Put | Delete], *, durability: Durability = "relaxed"
    ) -> None:
        """Apply all operations or none."""
        await self.may_write.wait()
        stores = self._stores()
        code, applied = self._failures.pop(0) if self._failures else ("", True)
        unknown = {operation.store for operation in operations} - stores.keys()
        if unknown:
            raise HostError("storage-failed", f"storage: expected a known store, got {unknown}.")
        if applied:
            self._apply(operations)
        if code:
            raise HostError(code, f"storage: expected a completed write, got {code} (injected).")
        self.writes.append(durability)

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""
        self._database = None

    async def erase(self) -> None:
        """Delete the database and close the connection."""
        self._disk.databases.pop(self._database or "", None)
        self._database = None

    def _apply(self, operations: Sequence[Put | Delete]) -> None:
        for operation in operations:
            records = self._stores()[operation.store]
            if isinstance(operation, Put):
                records[operation.key] = bytes(operation.data)
            else:
                records.pop(operation.key, None)

    def _stores(self) -> dict[str, dict[str, bytes]]:
        if self._database is None:
            raise HostError("storage-failed", "storage: expected an open database, got none.")
        return self._disk.databases[self._database]


class FakeCrypto:
    """Implements ``Crypto`` with hashes, a keystream and a tag. Slow; not for production."""

    def __init__(self, disk: FakeDisk) -> None:
        self._disk = disk

    async def ensure_key(self, key_id: str) -> None:
        """Load the key, creating one if absent."""
        self._disk.keys.setdefault(key_id, secrets.token_bytes(32))

    async def seal(self, key_id: str, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv ‖ ciphertext ‖ tag``."""
        if not associated_data:
            raise ValueError("associated data: expected bytes, got none. Bind it to a place.")
        iv = secrets.token_bytes(_IV_BYTES)
        body = iv + self._stream(key_id, iv, plaintext)
        return body + self._tag(key_id, body, associated_data)

    async def unseal(self, key_id: str, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext, or raise ``seal-broken``."""
        body, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
        known = key_id in self._disk.keys and len(body) >= _IV_BYTES
        if not known or not hmac.compare_digest(tag, self._tag(key_id, body, associated_data)):
            raise TrustError(
                "seal-broken", f"unseal: expected bytes sealed with {key_id} here, got others."
            )
        return self._stream(key_id, body[:_IV_BYTES], body[_IV_BYTES:])

    def random_bytes(self, count: int) -> bytes:
        """Return random bytes."""
        return secrets.token_bytes(count)

    def _stream(self, key_id: str, iv: bytes, data: bytes) -> bytes:
        pad = hashlib.shake_256(self._disk.keys[key_id] + iv).digest(len(data))
        mixed = int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")
        return mixed.to_bytes(len(data), "big")

    def _tag(self, key_id: str, body: bytes, associated_data: bytes) -> bytes:
        bound = len(associated_data).to_bytes(8, "big") + associated_data + body
        return hmac.digest(self._disk.keys[key_id], bound, "sha256")[:_TAG_BYTES]


def _utf16(key: str) -> bytes:
    return key.encode("utf-16-be", "surrogatepass")
