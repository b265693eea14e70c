"""Whose bundles run here: which signatures count, and which versions are too old."""

import re
from typing import Final, NamedTuple

from ..config import TrustConfig
from ..config_container import TrustedKey
from ..errors import TrustError
from ..types import Algorithm
from .abi import Abi
from .bundle import Frame
from .manifest import Manifest

_NUMBERS: Final = re.compile(r"\D*(\d+(?:\.\d+)*)")


class Claim(NamedTuple):
    """A signature of a frame's signed part by a trusted key, not verified yet."""

    key_id: str
    algorithm: Algorithm
    public_key: bytes
    signature: bytes


def claims_of(frame: Frame, trust: TrustConfig, today: str) -> list[Claim]:
    """Return the signatures of which all that can be verified have to hold, and one at least.

    Args:
        frame: A bundle.
        trust: Whose bundles run.
        today: The date in UTC, ``YYYY-MM-DD``.

    Returns:
        Empty: the bundle runs as an unsigned one.

    Raises:
        TrustError: ``bundle-untrusted`` with ``details["reason"]`` unsigned, unknown-key or
            expired-key.
    """
    if trust.unsigned and not (frame.signers and trust.keys):
        return []
    if not frame.signers:
        advice = "Sign it with `web-runtime pack --key`, or allow it with trust.unsigned."
        raise untrusted("unsigned", "a signature", "none", advice)
    known = {key.key_id: key for key in trust.keys}
    found, expired = [], []
    for signer, signature in zip(frame.signers, frame.signatures, strict=True):
        key = known.get(signer.key_id)
        public_key = _public_key(key, signer.algorithm)
        if key is None or public_key is None:
            continue
        if key.not_after is not None and today > key.not_after:
            expired.append(f"{key.key_id}, valid until {key.not_after}")
            continue
        found.append(Claim(signer.key_id, signer.algorithm, public_key, signature))
    if not found and expired:
        advice = "Sign it with a key that is valid, or correct the device's clock."
        raise untrusted("expired-key", f"a key valid on {today}", ", ".join(expired), advice)
    if not found:
        given = ", ".join(f"{each.key_id} ({each.algorithm})" for each in frame.signers)
        expected = f"a key of trust.keys ({', '.join(known) or 'none'})"
        raise untrusted("unknown-key", expected, given, "Sign it with one of them, or add the key.")
    return found


def untrusted(reason: str, expected: str, got: str, advice: str) -> TrustError:
    """Build the one form of these errors."""
    text = f"bundle: expected {expected}, got {got}. {advice}"
    return TrustError("bundle-untrusted", text, {"reason": reason})


def check_version(manifest: Manifest, highest: str) -> None:
    """Refuse a version below the highest one that ran here.

    Raises:
        TrustError: ``bundle-outdated``.
    """
    if version_numbers(manifest.version) < version_numbers(highest):
        raise TrustError(
            "bundle-outdated",
            f"task {manifest.name}: expected version {highest} or higher, as it ran here before, "
            f"got {manifest.version}. Publish a higher version.",
            {"taskName": manifest.name, "version": manifest.version, "highest": highest},
        )


def version_numbers(version: str) -> tuple[int, ...]:
    """Return the numbers that versions are compared by: the first ones with dots between them.

    >>> version_numbers("1.10.0") > version_numbers("1.9"), version_numbers("v2.0-beta3+7")
    (True, (2,))
    """
    found = _NUMBERS.match(version)
    numbers = [int(each) for each in found[1].split(".")] if found else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def check_abi(manifest: Manifest, here: Abi) -> None:
    """Refuse bytecode of another interpreter.

    Raises:
        TrustError: ``version-mismatch``.
    """
    if manifest.abi is not None and manifest.abi != here:
        raise TrustError(
            "version-mismatch",
            f"task {manifest.name}: expected bytecode for {here}, got it for {manifest.abi}. "
            "Pack it again with the runtime that this site serves.",
            {"taskName": manifest.name, "expected": str(here), "given": str(manifest.abi)},
        )


def _public_key(key: TrustedKey | None, algorithm: Algorithm) -> bytes | None:
    if key is None:
        return None
    return key.ed25519 if algorithm == "ed25519" else key.p256
