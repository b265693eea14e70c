"""AES-256-GCM with keys in files that only their owner can read."""

import contextlib
import os
import tempfile
from pathlib import Path
from typing import Final
from urllib.parse import quote

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ...errors import HostError, TrustError

_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16


class FileCrypto:
    """Implements ``Crypto``.

    Args:
        directory: Folder of ``<key id>.key``; None keeps keys in this object.
    """

    def __init__(self, directory: Path | None) -> None:
        self._directory = directory
        self._keys: dict[str, AESGCM] = {}

    async def ensure_key(self, key_id: str) -> None:
        """Load the key, creating one if absent."""
        if key_id in self._keys:
            return
        try:
            key = self._load(key_id)
            self._keys[key_id] = AESGCM(key)
        except (OSError, ValueError) as error:
            raise HostError(
                "storage-failed", f"key {key_id}: expected a key, got {error}."
            ) from error

    async def seal(self, key_id: str, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv ‖ ciphertext ‖ tag``."""
        if not associated_data:
            raise ValueError("associated data: expected bytes, got none. Bind it to a place.")
        iv = os.urandom(_IV_BYTES)
        return iv + self._keys[key_id].encrypt(iv, plaintext, associated_data)

    async def unseal(self, key_id: str, sealed: bytes, associated_data: bytes) -> bytes:
        """Return the plaintext, or raise ``seal-broken``."""
        key = self._keys.get(key_id)
        try:
            if key is None or len(sealed) < _IV_BYTES + _TAG_BYTES:
                raise InvalidTag
            return key.decrypt(sealed[:_IV_BYTES], sealed[_IV_BYTES:], associated_data)
        except InvalidTag as error:
            message = f"unseal: expected bytes sealed with {key_id} for this place, got others."
            raise TrustError("seal-broken", message) from error

    def random_bytes(self, count: int) -> bytes:
        """Return random bytes of the system."""
        return os.urandom(count)

    def _load(self, key_id: str) -> bytes:
        key = AESGCM.generate_key(256)
        if self._directory is None:
            return key
        path = self._directory / f"{quote(key_id, safe='')}.key"
        with tempfile.NamedTemporaryFile(dir=self._directory) as new:
            new.write(key)
            new.flush()
            os.fsync(new.fileno())
            # Linking fails if the file exists: of two processes, both end with the first one's key.
            with contextlib.suppress(FileExistsError):
                os.link(new.name, path)
        return path.read_bytes()
