"""Decides whether a bundle may run, and opens it.

Always in this order, so that nothing is looked at before what vouches for it: size and frame;
signatures; the manifest's version and interpreter; digest of the payload as it arrived; its seal;
size and digest of every file.
"""

from collections.abc import Awaitable, Iterable
from datetime import UTC, datetime
from typing import Final

from ..config import TrustConfig
from ..errors import HostError, TrustError
from ..host.ports import Clock, Crypto
from ..pure.abi import abi_here
from ..pure.bundle import Frame, read_frame
from ..pure.bundle_trust import Claim, check_abi, claims_of, untrusted
from ..pure.manifest import Manifest, OpenedBundle, check_digest, read_manifest, unpacked_files
from .bundles_versions import Values, Versions

_LAST_MS: Final = 253_402_300_799_000.0
"""The end of the year 9999, the last one that has a date."""


class Bundles:
    """Opens bundles, each only if it can be trusted.

    Args:
        crypto: Verifies signatures and opens seals.
        clock: Its Unix time is what keys expire by.
        trust: Whose bundles run.
        values: Where it is kept which versions ran here.
    """

    def __init__(
        self,
        crypto: Crypto,
        clock: Clock,
        trust: TrustConfig,
        values: Values,
    ) -> None:
        self._crypto = crypto
        self._clock = clock
        self._trust = trust
        self._versions = Versions(values)

    async def recall_after(self, starting: Awaitable[None]) -> None:
        """Recall which versions ran here when the store has started; :meth:`open` waits for it."""
        try:
            await starting
        finally:
            self._versions.recall()

    def remember(self, manifests: Iterable[Manifest]) -> None:
        """Take in that tasks are in use: lower versions of them are refused from now on."""
        self._versions.remember(manifests)

    async def open(self, data: bytes) -> OpenedBundle:
        """Verify what arrived.

        Raises:
            TrustError: ``bundle-invalid``, ``bundle-untrusted``, ``bundle-outdated``,
                ``version-mismatch``, ``digest-mismatch`` or ``seal-broken``.
            HostError: ``feature-missing``: the engine knows none of its signatures' algorithms.
        """
        frame = read_frame(data)
        is_signed = await self._is_signed(frame)
        manifest = read_manifest(frame.manifest)
        if is_signed:
            await self._versions.check(manifest)
        check_abi(manifest, abi_here())
        check_digest(f"bundle of {manifest.name}", frame.digest, frame.payload)
        packed = await self._unsealed(frame)
        return OpenedBundle(manifest, unpacked_files(manifest, packed))

    async def _is_signed(self, frame: Frame) -> bool:
        """Say whether trusted keys signed it; False: it runs without."""
        claims = claims_of(frame, self._trust, self._today())
        missing = [each for each in [await self._verify(claim, frame) for claim in claims] if each]
        if claims and len(missing) == len(claims):
            raise missing[0]
        return bool(claims)

    async def _verify(self, claim: Claim, frame: Frame) -> HostError | None:
        """Verify one signature; returns why the engine cannot."""
        algorithm, key, signature = claim.algorithm, claim.public_key, claim.signature
        try:
            if await self._crypto.verify(algorithm, key, signature, frame.signed):
                return None
        except HostError as error:
            return error
        advice = "It was changed after it was signed, or another key has this id: sign it again."
        expected = f"a signature by {claim.key_id} ({algorithm})"
        raise untrusted("wrong-signature", expected, "another one", advice)

    async def _unsealed(self, frame: Frame) -> bytes:
        if not frame.seal_id:
            return frame.payload
        secret = self._trust.seals.get(frame.seal_id)
        if secret is None:
            known = ", ".join(self._trust.seals) or "none"
            text = f"bundle: expected a key of trust.seals ({known}), got {frame.seal_id}. Add it."
            raise TrustError("seal-broken", text, {"seal": frame.seal_id})
        return await self._crypto.unseal_with(secret, frame.payload, frame.head)

    def _today(self) -> str:
        now_ms = min(max(self._clock.now_ms(), 0.0), _LAST_MS)
        return datetime.fromtimestamp(now_ms / 1_000, UTC).date().isoformat()
