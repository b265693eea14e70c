"""Decides whether a bundle may run, and opens it."""

from ..pure.manifest import OpenedBundle, open_bundle


class Bundles:
    """Opens bundles, each only if it can be trusted."""

    async def open(self, data: bytes) -> OpenedBundle:
        """Verify what arrived.

        Raises:
            TrustError: ``bundle-invalid`` or ``digest-mismatch``.
        """
        return open_bundle(data)
