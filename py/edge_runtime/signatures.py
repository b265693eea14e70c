"""Signatures and seals of bundles with OpenSSL, where there is no WebCrypto."""

from typing import Final

from cryptography.exceptions import InvalidSignature, InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from .errors import HostError, TrustError

SECRET_BYTES: Final = 32
_IV_BYTES: Final = 12
_TAG_BYTES: Final = 16
_HALF_BYTES: Final = 32


def verified(algorithm: str, public_key: bytes, signature: bytes, data: bytes) -> bool:
    """Say whether ``signature`` is of ``data``, as the port's ``verify``.

    Raises:
        HostError: ``feature-missing``: OpenSSL without Ed25519.
    """
    verify = _ed25519 if algorithm == "ed25519" else _p256
    try:
        verify(public_key, signature, data)
    # A key that is none has signed nothing.
    except (InvalidSignature, ValueError):
        return False
    except UnsupportedAlgorithm as error:
        text = f"{algorithm}: expected OpenSSL to know it, got {error}. Update OpenSSL."
        raise HostError("feature-missing", text) from error
    return True


def unsealed_with(secret: bytes, sealed: bytes, associated_data: bytes) -> bytes:
    """Return the plaintext, as the port's ``unseal_with``.

    Raises:
        TrustError: ``seal-broken``.
        ValueError: ``associated_data`` is empty.
    """
    if not associated_data:
        raise ValueError("associated data: expected bytes, got none. Bind it to a place.")
    iv, body = sealed[:_IV_BYTES], sealed[_IV_BYTES:]
    try:
        if len(secret) != SECRET_BYTES or len(body) < _TAG_BYTES:
            raise InvalidTag
        return AESGCM(secret).decrypt(iv, body, associated_data)
    except InvalidTag as error:
        text = "unseal: expected bytes sealed with this key for this place, got others."
        raise TrustError("seal-broken", text) from error


def _ed25519(public_key: bytes, signature: bytes, data: bytes) -> None:
    ed25519.Ed25519PublicKey.from_public_bytes(public_key).verify(signature, data)


def _p256(public_key: bytes, signature: bytes, data: bytes) -> None:
    if len(public_key) != 2 * _HALF_BYTES + 1 or len(signature) != 2 * _HALF_BYTES:
        raise InvalidSignature
    key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), public_key)
    r, s = signature[:_HALF_BYTES], signature[_HALF_BYTES:]
    der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
    key.verify(der, data, ec.ECDSA(SHA256()))
