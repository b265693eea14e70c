"""Writes bundles, for tools and tests; no part of what a page loads."""

import sys
from collections.abc import Mapping, Sequence
from typing import Final, Protocol

from .pure.bundle import Signer, head_of, read_frame, signed_part
from .pure.manifest import Manifest, OpenedBundle, canonical, read_manifest, unpacked_files
from .pure.manifest_fields import bundle_invalid, digest_of
from .types import Algorithm

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

_ZSTD_LEVEL: Final = 19


class Signing(Protocol):
    """A private key."""

    @property
    def key_id(self) -> str: ...  # noqa: D102 - see the class
    @property
    def algorithm(self) -> Algorithm: ...  # noqa: D102 - see the class

    def sign(self, data: bytes) -> bytes:
        """Return 64 bytes: an Ed25519 signature, or r ‖ s of ECDSA with SHA-256."""


class Sealing(Protocol):
    """A key that seals."""

    @property
    def key_id(self) -> str: ...  # noqa: D102 - see the class

    def seal(self, plaintext: bytes, associated_data: bytes) -> bytes:
        """Return ``iv (12) ‖ ciphertext ‖ tag (16)`` of AES-256-GCM."""


def write_bundle(
    manifest: Manifest,
    files: Mapping[str, bytes],
    *,
    signing: Sequence[Signing] = (),
    sealing: Sealing | None = None,
) -> bytes:
    """Return the bundle of ``files``; the same input gives the same bytes, if the keys' do.

    Raises:
        TrustError: ``bundle-invalid`` or ``digest-mismatch``: no runtime would open it.
    """
    head = head_of(canonical(manifest.to_dict()), sealing.key_id if sealing else "")
    packed = zstd.compress(b"".join(data for _, data in sorted(files.items())), level=_ZSTD_LEVEL)
    payload = sealing.seal(packed, head) if sealing else packed
    signers = [Signer(each.key_id, each.algorithm) for each in signing]
    signed = signed_part(head, signers, digest_of(payload))
    bundle = b"".join([signed, *(each.sign(signed) for each in signing), payload])
    if manifest.files.keys() != files.keys():
        raise bundle_invalid("the files of the manifest", ", ".join(sorted(files)))
    unpacked_files(read_manifest(read_frame(bundle).manifest), packed)
    return bundle


def manifest_of(bundle: bytes) -> Manifest:
    """Return a bundle's manifest, whoever signed it.

    Raises:
        TrustError: ``bundle-invalid``.
    """
    return read_manifest(read_frame(bundle).manifest)


def open_bundle(bundle: bytes) -> OpenedBundle:
    """Open a bundle that is not sealed, whoever signed it.

    Raises:
        TrustError: ``bundle-invalid`` or ``digest-mismatch``.
    """
    manifest = manifest_of(bundle)
    return OpenedBundle(manifest, unpacked_files(manifest, read_frame(bundle).payload))
