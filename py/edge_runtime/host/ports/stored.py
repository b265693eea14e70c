"""The two ports that keep what outlives a page: records in a database, and keys beside it."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from ...types import Algorithm

Durability = Literal["relaxed", "strict"]


@dataclass(frozen=True, slots=True)
class Put:
    """Write ``data`` under ``key`` of ``store``, replacing what was there."""

    store: str
    key: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove ``key`` from ``store``; a missing key is no error."""

    store: str
    key: str


@dataclass(frozen=True, slots=True)
class Clear:
    """Remove every record of ``store``."""

    store: str


Operation = Put | Delete | Clear


@dataclass(frozen=True, slots=True)
class Guard:
    """Write only if the record under ``key`` of ``store`` is ``data`` (None: is not there).

    It is looked at inside the write's own transaction. A record that one of the write's own puts
    has already made counts as well, so a write may be repeated when its answer was lost.
    """

    store: str
    key: str
    data: bytes | None


class Storage(Protocol):
    """Durable bytes under string keys, in named stores of one database."""

    async def open(self, database: str, stores: Sequence[str]) -> None:
        """Open or create the database with these stores; others that are there stay.

        Raises:
            HostError: ``storage-failed``: no IndexedDB, blocked, or private mode.
        """

    async def get(self, store: str, key: str) -> bytes | None:
        """Return the record under ``key``; None if there is none."""

    async def read(
        self, store: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return up to ``limit`` records with keys > ``after``, in order of UTF-16 code units."""

    async def write(
        self,
        operations: Sequence[Operation],
        *,
        durability: Durability = "relaxed",
        guard: Guard | None = None,
    ) -> None:
        """Apply all operations, in order, in one transaction; returns when it has completed.

        Raises:
            HostError: ``storage-full`` (quota; nothing was written) or ``storage-failed``.
            RefusedError: ``writer-superseded``: the guard did not hold; nothing was written.
                ``details["found"]`` says whether there was a record at all.
        """

    async def close(self) -> None:
        """Close the connection; a second call does nothing."""

    async def erase(
        self, guard: Guard | None = None, before: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Delete the database that was opened last, and close the connection.

        Args:
            guard: Delete only if it holds. Nobody else writes between the look at it and the end.
            before: Is done first, once the guard holds.

        Raises:
            HostError: ``storage-failed``: it may be deleted later, when other tabs let go of it.
            RefusedError: ``writer-superseded``: the guard did not hold; nothing was done.
        """


class Crypto(Protocol):
    """Authenticated encryption with keys that cannot be exported, and randomness.

    A root key lives beside the data, in a database of its own, and is never exportable. Data keys
    are random, wrapped by a root key, and live where their owner keeps the wrapped form.
    """

    async def open_root(self, root_id: str, *, create: bool) -> bool:
        """Load the root key ``root_id``, creating it (strict) if absent and ``create``.

        Returns:
            Whether it is there; it can then be named in ``seal`` and ``unseal``, too.

        Raises:
            HostError: ``storage-failed``, or ``feature-missing`` without WebCrypto.
        """

    async def delete_root(self, root_id: str) -> None:
        """Destroy a root key: what it wrapped or sealed can never be opened again."""

    async def create_key(self, key_id: str, root_id: str, associated_data: bytes) -> bytes:
        """Make a data key, usable as ``key_id`` from now on.

        Returns:
            Its wrapped form for :meth:`load_key`: ``iv (12) ‖ ciphertext ‖ tag (16)``.
        """

    async def load_key(
        self, key_id: str, root_id: str, wrapped: bytes, associated_data: bytes
    ) -> None:
        """Unwrap a data key, usable as ``key_id`` from now on.

        Raises:
            TrustError: ``seal-broken``: other root key, other associated data, or changed bytes.
        """

    async def seal(self, key_id: str, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv (12) ‖ ciphertext ‖ tag (16)`` with a fresh random IV.

        Raises:
            ValueError: ``associated_data`` is empty; unbound ciphertext could be swapped.
            HostError: ``storage-failed``: the key is unknown, or its database was deleted.
        """

    async def unseal(self, key_id: str, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            TrustError: ``seal-broken``: other key, other associated data, or changed bytes.
        """

    async def unseal_with(self, secret: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        """Return what was sealed with an AES-256 key that is given, not loaded.

        Args:
            secret: The key, 32 bytes.
            sealed: ``iv (12) ‖ ciphertext ‖ tag (16)``.
            associated_data: What it was bound to; never empty.

        Raises:
            TrustError: ``seal-broken``: other key, other associated data, or changed bytes.
        """

    async def verify(
        self, algorithm: Algorithm, public_key: bytes, signature: bytes, data: bytes
    ) -> bool:
        """Say whether ``signature`` is the key's signature of ``data``.

        Args:
            algorithm: ``ed25519`` (RFC 8032), or ``p256``: ECDSA with SHA-256.
            public_key: 32 bytes, or the uncompressed point, 65 bytes. What is no key signed
                nothing.
            signature: 64 bytes; of ``p256`` r ‖ s.
            data: What was signed.

        Raises:
            HostError: ``feature-missing``: this engine does not know the algorithm.
        """

    async def read_note(self, name: str) -> bytes | None:
        """Return a note kept beside the root keys; None if there is none."""

    async def write_note(self, name: str, data: bytes) -> None:
        """Keep a note beside the root keys, durable (strict) when this returns."""

    async def erase(self) -> None:
        """Destroy every root key and note, and delete their database."""

    def random_bytes(self, count: int) -> bytes:
        """Return cryptographically strong random bytes."""
