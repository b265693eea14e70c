"""Keys and encryption in memory, from hashes of the standard library. Slow; not for production."""

import hashlib
import hmac
import secrets
from typing import Final, NamedTuple

from ..errors import HostError, TrustError
from ..types import Algorithm
from .fake_disk import FakeDisk, Steps, stepped

try:
    from ..signatures import unsealed_with, verified
except ModuleNotFoundError:  # No `cryptography`: bundles that are signed or sealed are refused.

    def verified(algorithm: str, public_key: bytes, signature: bytes, data: bytes) -> bool:
        """Say that this is missing."""
        text = "signatures: expected the package cryptography, got none. Install it."
        raise HostError("feature-missing", text)

    def unsealed_with(secret: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        """Say that this is missing, likewise."""
        text = "seals: expected the package cryptography, got none. Install it."
        raise HostError("feature-missing", text)


_KEY_BYTES: Final = 32
_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16


class _Loaded(NamedTuple):
    """A key in memory; a root key's root is itself."""

    root_id: str
    key: bytes


class FakeCrypto:
    """Implements ``Crypto``; root keys and notes are on the disk, loaded keys in this object.

    Attributes:
        steps: Where tests step in.
    """

    def __init__(self, disk: FakeDisk, steps: Steps | None = None) -> None:
        self._disk = disk
        self.steps = steps or Steps()
        self._keys: dict[str, _Loaded] = {}
        self._lost: set[str] = set()

    @stepped
    async def open_root(self, root_id: str, *, create: bool) -> bool:
        """Load a root key, creating it if absent and ``create``."""
        self._forget_deleted()
        if root_id in self._keys:
            return True
        # A new beginning: what is not loaded from here on is unknown.
        self._lost.clear()
        if create:
            self._disk.roots.setdefault(root_id, secrets.token_bytes(_KEY_BYTES))
        if root_id in self._disk.roots:
            self._keys[root_id] = _Loaded(root_id, self._disk.roots[root_id])
        return root_id in self._keys

    @stepped
    async def delete_root(self, root_id: str) -> None:
        """Destroy a root key and forget what it wrapped."""
        self._disk.roots.pop(root_id, None)

    @stepped
    async def create_key(self, key_id: str, root_id: str, associated_data: bytes) -> bytes:
        """Make a data key and return its wrapped form."""
        key = secrets.token_bytes(_KEY_BYTES)
        wrapped = _sealed(self._key(root_id), key, associated_data)
        self._keys[key_id] = _Loaded(root_id, key)
        return wrapped

    @stepped
    async def load_key(
        self, key_id: str, root_id: str, wrapped: bytes, associated_data: bytes
    ) -> None:
        """Unwrap a data key, or raise ``seal-broken``."""
        key = _unsealed(self._key(root_id), wrapped, associated_data)
        self._keys[key_id] = _Loaded(root_id, key)

    @stepped
    async def seal(self, key_id: str, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv ‖ ciphertext ‖ tag``."""
        return _sealed(self._key(key_id), plaintext, associated_data)

    @stepped
    async def unseal(self, key_id: str, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext, or raise ``seal-broken``."""
        # The id may come from damaged bytes: an unknown one is another key.
        is_known = key_id in self._keys or key_id in self._lost
        key = self._key(key_id) if is_known else None
        return _unsealed(key, sealed, associated_data)

    @stepped
    async def unseal_with(self, secret: bytes, sealed: bytes, associated_data: bytes) -> bytes:
        """Return what AES-GCM sealed with ``secret``; needs the package ``cryptography``."""
        return unsealed_with(secret, sealed, associated_data)

    @stepped
    async def verify(
        self, algorithm: Algorithm, public_key: bytes, signature: bytes, data: bytes
    ) -> bool:
        """Say whether ``signature`` is the key's of ``data``; needs ``cryptography``, too."""
        return verified(algorithm, public_key, signature, data)

    @stepped
    async def read_note(self, name: str) -> bytes | None:
        """Return a note; None if there is none."""
        return self._disk.notes.get(name)

    @stepped
    async def write_note(self, name: str, data: bytes) -> None:
        """Keep a note."""
        self._disk.notes[name] = bytes(data)

    @stepped
    async def erase(self) -> None:
        """Delete every root key and note."""
        self._disk.roots.clear()
        self._disk.notes.clear()

    def forget_everything(self) -> None:
        """Lose what was loaded, as when the keys' database is deleted."""
        self._lost |= self._keys.keys()
        self._keys.clear()

    def random_bytes(self, count: int) -> bytes:
        """Return random bytes."""
        return secrets.token_bytes(count)

    def _key(self, key_id: str) -> bytes:
        self._forget_deleted()
        if key_id in self._keys:
            return self._keys[key_id].key
        got = "none: its database was deleted" if key_id in self._lost else "none"
        raise HostError("storage-failed", f"key {key_id}: expected a loaded key, got {got}.")

    def _forget_deleted(self) -> None:
        """Forget what depends on a root key that is not on the disk any more."""
        roots = {key_id: each.key for key_id, each in self._keys.items() if each.root_id == key_id}
        gone = {root_id for root_id, key in roots.items() if self._disk.roots.get(root_id) != key}
        lost = {key_id for key_id, each in self._keys.items() if each.root_id in gone}
        self._lost |= lost
        self._keys = {key_id: each for key_id, each in self._keys.items() if key_id not in lost}


def _sealed(key: bytes, plaintext: bytes, associated_data: bytes) -> bytes:
    _require_bound(associated_data)
    iv = secrets.token_bytes(_IV_BYTES)
    body = iv + _stream(key, iv, plaintext)
    return body + _tag(key, body, associated_data)


def _unsealed(key: bytes | None, sealed: bytes, associated_data: bytes) -> bytes:
    _require_bound(associated_data)
    body, tag = sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    if key is None or len(body) < _IV_BYTES or not _is_tag(tag, key, body, associated_data):
        raise TrustError("seal-broken", "unseal: expected bytes sealed for this place, got others.")
    return _stream(key, body[:_IV_BYTES], body[_IV_BYTES:])


def _stream(key: bytes, iv: bytes, data: bytes) -> bytes:
    pad = hashlib.shake_256(key + iv).digest(len(data))
    mixed = int.from_bytes(data, "big") ^ int.from_bytes(pad, "big")
    return mixed.to_bytes(len(data), "big")


def _require_bound(associated_data: bytes) -> None:
    if not associated_data:
        raise ValueError("associated data: expected bytes, got none. Bind it to a place.")


def _is_tag(tag: bytes, key: bytes, body: bytes, associated_data: bytes) -> bool:
    return hmac.compare_digest(tag, _tag(key, body, associated_data))


def _tag(key: bytes, body: bytes, associated_data: bytes) -> bytes:
    bound = len(associated_data).to_bytes(8, "big") + associated_data + body
    return hmac.digest(key, bound, "sha256")[:_TAG_BYTES]
