"""Storage and keys over the worker's JavaScript host."""

import os
from collections.abc import Awaitable, Callable, Sequence
from inspect import isawaitable
from typing import Any

from pyodide.ffi import create_once_callable

from ...errors import EdgeError, TrustError
from ...types import Algorithm
from ..ports import Clear, Durability, Guard, Operation, Put
from .conversions import as_bytes, as_js, converted


class BrowserStorage:
    """IndexedDB."""

    def __init__(self, js_storage: Any) -> None:
        self._js = js_storage

    async def open(self, database: str, stores: Sequence[str]) -> None:
        """Open or create the database."""
        with converted("storage-failed", f"database {database}"):
            await self._js.open(database, as_js(list(stores)))

    async def get(self, store: str, key: str) -> bytes | None:
        """Return the record under ``key``."""
        with converted("storage-failed", f"store {store}"):
            return _bytes_or_none(await self._js.get(store, key))

    async def read(
        self, store: str, *, after: str = "", limit: int = 100
    ) -> list[tuple[str, bytes]]:
        """Return up to ``limit`` records with keys > ``after``."""
        with converted("storage-failed", f"store {store}"):
            pairs = await self._js.read(store, after, limit)
            return [(pair[0], as_bytes(pair[1])) for pair in pairs]

    async def write(
        self,
        operations: Sequence[Operation],
        *,
        durability: Durability = "relaxed",
        guard: Guard | None = None,
    ) -> None:
        """Apply all operations in one transaction."""
        wires = [_wire(each) for each in operations]
        with converted("storage-failed", "storage write"):
            await self._js.write(as_js(wires), durability, _condition(guard))

    async def close(self) -> None:
        """Close the connection."""
        with converted("storage-failed", "storage close"):
            closing = self._js.close()
            if isawaitable(closing):
                await closing

    async def erase(
        self, guard: Guard | None = None, before: Callable[[], Awaitable[None]] | None = None
    ) -> None:
        """Delete the whole database."""
        failures: list[EdgeError] = []

        async def prepare() -> bool:
            # Kept on this side of the border, which would turn it into another error.
            try:
                await before() if before else None
            except EdgeError as error:
                failures.append(error)
            return not failures

        with converted("storage-failed", "storage erase"):
            await self._js.erase(_condition(guard), create_once_callable(prepare))
        if failures:
            raise failures[0]


class BrowserCrypto:
    """WebCrypto; randomness is the system's, which Pyodide takes from WebCrypto too."""

    def __init__(self, js_crypto: Any) -> None:
        self._js = js_crypto

    async def open_root(self, root_id: str, *, create: bool) -> bool:
        """Load a root key, creating it if absent and ``create``."""
        with converted("storage-failed", f"key {root_id}"):
            return bool(await self._js.openRoot(root_id, create))

    async def delete_root(self, root_id: str) -> None:
        """Destroy a root key."""
        with converted("storage-failed", f"key {root_id}"):
            await self._js.deleteRoot(root_id)

    async def create_key(self, key_id: str, root_id: str, associated_data: bytes) -> bytes:
        """Make a data key and return its wrapped form."""
        bound = _bound(associated_data)
        with converted("storage-failed", f"key {key_id}"):
            return as_bytes(await self._js.createKey(key_id, root_id, bound))

    async def load_key(
        self, key_id: str, root_id: str, wrapped: bytes, associated_data: bytes
    ) -> None:
        """Unwrap a data key, or raise ``seal-broken``."""
        bound = _bound(associated_data)
        _require_bytes(wrapped, f"key {key_id}")
        with converted("seal-broken", f"key {key_id}"):
            await self._js.loadKey(key_id, root_id, as_js(wrapped), bound)

    async def seal(self, key_id: str, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv ‖ ciphertext ‖ tag``."""
        bound = _bound(associated_data)
        with converted("storage-failed", f"seal with {key_id}"):
            return as_bytes(await self._js.seal(key_id, as_js(plaintext), bound))

    async def unseal(self, key_id: str, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext, or raise ``seal-broken``."""
        bound = _bound(associated_data)
        _require_bytes(sealed, f"unseal with {key_id}")
        with converted("seal-broken", f"unseal with {key_id}"):
            return as_bytes(await self._js.unseal(key_id, as_js(sealed), bound))

    async def unseal_with(self, secret: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        """Return what was sealed with ``secret``, or raise ``seal-broken``."""
        bound = _bound(associated_data)
        with converted("seal-broken", "unseal"):
            return as_bytes(await self._js.unsealWith(as_js(secret), as_js(sealed), bound))

    async def verify(
        self, algorithm: Algorithm, public_key: bytes, signature: bytes, data: bytes
    ) -> bool:
        """Say whether ``signature`` is the key's of ``data``."""
        given = as_js(public_key), as_js(signature), as_js(data)
        with converted("feature-missing", f"signatures with {algorithm}"):
            return bool(await self._js.verify(algorithm, *given))

    async def read_note(self, name: str) -> bytes | None:
        """Return a note kept beside the root keys."""
        with converted("storage-failed", f"note {name}"):
            return _bytes_or_none(await self._js.readNote(name))

    async def write_note(self, name: str, data: bytes) -> None:
        """Keep a note, durable when this returns."""
        with converted("storage-failed", f"note {name}"):
            await self._js.writeNote(name, as_js(data))

    async def erase(self) -> None:
        """Destroy every root key and note."""
        with converted("storage-failed", "keys"):
            await self._js.erase()

    def random_bytes(self, count: int) -> bytes:
        """Return random bytes."""
        return os.urandom(count)


def _condition(guard: Guard | None) -> Any:
    return as_js([guard.store, guard.key, guard.data] if guard else None)


def _wire(operation: Operation) -> list[object]:
    if isinstance(operation, Put):
        return ["put", operation.store, operation.key, operation.data]
    if isinstance(operation, Clear):
        return ["clear", operation.store]
    return ["delete", operation.store, operation.key]


def _bytes_or_none(buffer: Any) -> bytes | None:
    return None if buffer is None else as_bytes(buffer)


def _bound(associated_data: bytes) -> Any:
    if not associated_data:
        raise ValueError("associated data: expected bytes, got none. Bind it to a place.")
    return as_js(associated_data)


def _require_bytes(sealed: bytes, what: str) -> None:
    # WebCrypto would be given no IV at all, which each browser refuses in its own way.
    if not sealed:
        raise TrustError("seal-broken", f"{what}: expected bytes, got none.")
