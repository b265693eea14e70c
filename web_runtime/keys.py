"""Files with keys: those that sign bundles, and those that seal them.

Whoever can read a signing key can publish code to every page that trusts it: such files belong on
the machine that packs, readable by nobody else. A seal's key is in the page's configuration.
"""

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from edge_runtime.types import Algorithm

from .errors import ToolError

SECRET_BYTES: Final = 32
_IV_BYTES: Final = 12
_SIGNING: Final = "edge-signing-key"
_SEAL: Final = "edge-seal-key"
_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class SigningKey:
    """A signer's two private keys; ``not_after`` is the last day of trust, ``YYYY-MM-DD``."""

    key_id: str
    ed25519: bytes
    p256: bytes
    not_after: str | None = None

    def trusted(self) -> dict[str, str]:
        """Return its entry in ``trust.keys`` of a configuration."""
        ed25519 = Ed25519PrivateKey.from_private_bytes(self.ed25519).public_key()
        point = _p256(self.p256).public_key()
        public = {
            "id": self.key_id,
            "ed25519": _text(ed25519.public_bytes_raw()),
            "p256": _text(point.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)),
        }
        return public if self.not_after is None else {**public, "notAfter": self.not_after}

    def to_dict(self) -> dict[str, str]:
        """Return the form that its file holds."""
        secrets = {"ed25519": _text(self.ed25519), "p256": _text(self.p256)}
        ends = {} if self.not_after is None else {"notAfter": self.not_after}
        return {"kind": _SIGNING, "id": self.key_id, **secrets, **ends}


@dataclass(frozen=True)
class SealKey:
    """A key that seals bundles."""

    key_id: str
    secret: bytes

    def seal(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv ‖ ciphertext ‖ tag``.

        The IV is a MAC of all that is sealed: the same bundle gives the same bytes, and another one
        never meets the same IV.
        """
        mac = hmac.HMAC(self.secret, hashes.SHA256())
        mac.update(len(associated_data).to_bytes(8, "big") + associated_data + plaintext)
        iv = mac.finalize()[:_IV_BYTES]
        return iv + AESGCM(self.secret).encrypt(iv, plaintext, associated_data)

    def to_dict(self) -> dict[str, str]:
        """Return the form that its file holds."""
        return {"kind": _SEAL, "id": self.key_id, "key": _text(self.secret)}


@dataclass(frozen=True)
class Signature:
    """One algorithm of a signing key; implements what ``write_bundle`` signs with."""

    key_id: str
    algorithm: Algorithm
    secret: bytes

    def sign(self, data: bytes) -> bytes:
        """Return 64 bytes, the same ones for the same data."""
        if self.algorithm == "ed25519":
            return Ed25519PrivateKey.from_private_bytes(self.secret).sign(data)
        algorithm = ec.ECDSA(hashes.SHA256(), deterministic_signing=True)
        r, s = decode_dss_signature(_p256(self.secret).sign(data, algorithm))
        return r.to_bytes(SECRET_BYTES, "big") + s.to_bytes(SECRET_BYTES, "big")


def signing_of(key: SigningKey) -> list[Signature]:
    """Return both algorithms of a key: engines without Ed25519 go by P-256."""
    return [
        Signature(key.key_id, "ed25519", key.ed25519),
        Signature(key.key_id, "p256", key.p256),
    ]


def new_signing_key(key_id: str, not_after: str | None = None) -> SigningKey:
    """Make a key.

    Raises:
        ToolError: An id or date that is none.
    """
    scalar = ec.generate_private_key(ec.SECP256R1()).private_numbers().private_value
    ed25519 = Ed25519PrivateKey.generate().private_bytes_raw()
    return SigningKey(
        checked_id(key_id), ed25519, scalar.to_bytes(SECRET_BYTES, "big"), checked_date(not_after)
    )


def new_seal_key(key_id: str) -> SealKey:
    """Make a key that seals; ToolError for an id that is none."""
    return SealKey(checked_id(key_id), os.urandom(SECRET_BYTES))


def read_key(path: Path) -> SigningKey | SealKey:
    """Read a key file.

    Raises:
        ToolError: The file cannot be read, or is no key.
    """
    try:
        plain = json.loads(path.read_text())
        if plain["kind"] == _SEAL:
            return SealKey(checked_id(plain["id"]), _secret(plain, "key"))
        if plain["kind"] == _SIGNING:
            ends = checked_date(plain.get("notAfter"))
            ed25519, p256 = _secret(plain, "ed25519"), _secret(plain, "p256")
            _p256(p256)
            return SigningKey(checked_id(plain["id"]), ed25519, p256, ends)
    except OSError as error:
        raise ToolError(f"{path}: expected a key file, got {error}.") from error
    except (ValueError, KeyError, TypeError, AttributeError):
        pass
    raise ToolError(
        f"{path}: expected a key file of `web-runtime keys new`, got something else. Name another."
    )


def write_key(path: Path, key: SigningKey | SealKey, *, replace: bool = False) -> None:
    """Write a key into a file that only its owner can read.

    Raises:
        ToolError: There is a file already and not ``replace``, or it cannot be written.
    """
    part = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(key.to_dict(), file, indent=1)
            file.write("\n")
        # A link is made only where nothing is; a lost key cannot be made again.
        os.replace(part, path) if replace else os.link(part, path)
    except FileExistsError as error:
        advice = "A key is never overwritten: name another file."
        raise ToolError(f"{path}: expected a new file, got one that is there. {advice}") from error
    except OSError as error:
        raise ToolError(f"{path}: expected to write a key, got {error}.") from error
    finally:
        part.unlink(missing_ok=True)


def checked_id(text: str) -> str:
    """Return a key id; ToolError for other text."""
    if not _ID.fullmatch(text):
        raise ToolError(
            f"key id: expected at most 64 letters, digits, - _ and ., got {text!r}. Use --id."
        )
    return text


def checked_date(text: str | None) -> str | None:
    """Return a date, ``YYYY-MM-DD``; ToolError for other text."""
    try:
        return None if text is None else date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise ToolError(f"date: expected YYYY-MM-DD, got {text!r}.") from error


def _p256(secret: bytes) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())


def _secret(plain: Mapping[str, Any], name: str) -> bytes:
    secret = base64.b64decode(plain[name], validate=True)
    if len(secret) != SECRET_BYTES:
        raise ValueError(name)
    return secret


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
