"""AES-256-GCM with keys in files that only their owner can read."""

import os
from pathlib import Path
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ...errors import HostError, TrustError
from ...signatures import unsealed_with, verified
from ...types import Algorithm
from .secret_files import SecretFiles

_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16
_KEY_BYTES: Final = 32


class _Loaded(NamedTuple):
    """A key; a root key's root is itself."""

    root_id: str
    key: AESGCM


class FileCrypto:
    """Implements ``Crypto``.

    Args:
        directory: Folder of ``<root id>.key`` and ``<name>.note``; None keeps both in this object.
    """

    def __init__(self, directory: Path | None) -> None:
        self._roots = SecretFiles(directory, ".key")
        self._notes = SecretFiles(directory, ".note")
        self._keys: dict[str, _Loaded] = {}
        self._lost: set[str] = set()

    async def open_root(self, root_id: str, *, create: bool) -> bool:
        """Load a root key, creating it if absent and ``create``."""
        if root_id in self._keys:
            return True
        # A new beginning: what is not loaded from here on is unknown.
        self._lost.clear()
        key = self._roots.get(root_id)
        if key is None and create:
            key = self._roots.add(root_id, os.urandom(_KEY_BYTES))
        if key is None:
            return False
        if len(key) != _KEY_BYTES:
            text = f"key {root_id}: expected {_KEY_BYTES} bytes, got {len(key)}, which is no key."
            raise HostError("storage-failed", text)
        self._keys[root_id] = _Loaded(root_id, AESGCM(key))
        return True

    async def delete_root(self, root_id: str) -> None:
        """Destroy a root key and forget what it wrapped."""
        self._roots.delete(root_id)
        self._lose(root_id)

    async def create_key(self, key_id: str, root_id: str, associated_data: bytes) -> bytes:
        """Make a data key and return its wrapped form."""
        root, key = self._key(root_id), os.urandom(_KEY_BYTES)
        wrapped = _sealed(root, key, associated_data)
        self._keys[key_id] = _Loaded(root_id, AESGCM(key))
        return wrapped

    async def load_key(
        self, key_id: str, root_id: str, wrapped: bytes, associated_data: bytes
    ) -> None:
        """Unwrap a data key, or raise ``seal-broken``."""
        key = _unsealed(self._key(root_id), wrapped, associated_data, root_id)
        self._keys[key_id] = _Loaded(root_id, AESGCM(key))

    async def seal(self, key_id: str, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv ‖ ciphertext ‖ tag``."""
        return _sealed(self._key(key_id), plaintext, associated_data)

    async def unseal(self, key_id: str, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext, or raise ``seal-broken``."""
        # The id may come from damaged bytes: an unknown one is another key.
        is_known = key_id in self._keys or key_id in self._lost
        key = self._key(key_id) if is_known else None
        return _unsealed(key, sealed, associated_data, key_id)

    async def unseal_with(self, secret: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        """Return what was sealed with ``secret``, or raise ``seal-broken``."""
        return unsealed_with(secret, sealed, associated_data)

    async def verify(
        self, algorithm: Algorithm, public_key: bytes, signature: bytes, data: bytes
    ) -> bool:
        """Say whether ``signature`` is the key's of ``data``."""
        return verified(algorithm, public_key, signature, data)

    async def read_note(self, name: str) -> bytes | None:
        """Return a note."""
        return self._notes.get(name)

    async def write_note(self, name: str, data: bytes) -> None:
        """Keep a note."""
        self._notes.put(name, data)

    async def erase(self) -> None:
        """Delete every key and note, and forget what the keys wrapped."""
        self._roots.clear()
        self._notes.clear()
        self._lost |= self._keys.keys()
        self._keys.clear()

    def random_bytes(self, count: int) -> bytes:
        """Return random bytes of the system."""
        return os.urandom(count)

    def _key(self, key_id: str) -> AESGCM:
        if key_id in self._keys:
            return self._keys[key_id].key
        got = "none: it was deleted" if key_id in self._lost else "none"
        raise HostError("storage-failed", f"key {key_id}: expected a loaded key, got {got}.")

    def _lose(self, root_id: str) -> None:
        lost = {key_id for key_id, loaded in self._keys.items() if loaded.root_id == root_id}
        self._lost |= lost
        for key_id in lost:
            del self._keys[key_id]


def _sealed(key: AESGCM, plaintext: bytes, associated_data: bytes) -> bytes:
    _require_bound(associated_data)
    iv = os.urandom(_IV_BYTES)
    return iv + key.encrypt(iv, plaintext, associated_data)


def _unsealed(key: AESGCM | None, sealed: bytes, associated_data: bytes, key_id: str) -> bytes:
    _require_bound(associated_data)
    try:
        if key is None or len(sealed) < _IV_BYTES + _TAG_BYTES:
            raise InvalidTag
        return key.decrypt(sealed[:_IV_BYTES], sealed[_IV_BYTES:], associated_data)
    except InvalidTag as error:
        message = f"unseal: expected bytes sealed with {key_id} for this place, got others."
        raise TrustError("seal-broken", message) from error


def _require_bound(associated_data: bytes) -> None:
    if not associated_data:
        raise ValueError("associated data: expected bytes, got none. Bind it to a place.")
