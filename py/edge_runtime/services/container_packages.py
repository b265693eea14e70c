"""Brings the wheels of tasks, which lie beside their bundles, checked against the manifests."""

import asyncio
import hashlib
from collections.abc import Iterable
from urllib.parse import urljoin

from ..config import LIMITS
from ..errors import HostError, TrustError
from ..host.ports import Network
from ..host.ports.machines import Wheel
from ..pure.manifest import Manifest
from ..pure.manifest_fields import Package


class Packages:
    """Fetches each wheel once and keeps it, as VMs come and go and a device may be offline.

    URLs of bundles are absolute.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._wheels: dict[tuple[str, str], asyncio.Task[Wheel]] = {}

    def prefetch(self, manifest: Manifest, bundle_url: str) -> None:
        """Begin to fetch what a task needs; what fails is tried again at first use."""
        for package in manifest.packages:
            if package.file is not None:
                self._fetching(manifest, package, bundle_url)

    async def wheels(self, manifest: Manifest, bundle_url: str) -> list[tuple[str, Wheel | None]]:
        """Return a task's packages in the order of its manifest; None for what the runtime ships.

        Raises:
            HostError: ``network-failed``: a wheel did not come, in time or at all.
            TrustError: ``digest-mismatch``: it is not the one that was locked.
        """
        self.prefetch(manifest, bundle_url)
        found: list[tuple[str, Wheel | None]] = []
        for package in manifest.packages:
            wheel = None
            if package.file is not None:
                # Others may wait for the same download: who is cancelled leaves it alone.
                wheel = await asyncio.shield(self._fetching(manifest, package, bundle_url))
            found.append((package.name, wheel))
        return found

    def keep(self, manifests: Iterable[Manifest]) -> None:
        """Drop the wheels that none of these tasks names, and end their downloads."""
        named = {each.sha256 for manifest in manifests for each in manifest.packages}
        for key in [key for key in self._wheels if key[1] not in named]:
            self._wheels.pop(key).cancel()

    def _fetching(
        self, manifest: Manifest, package: Package, bundle_url: str
    ) -> asyncio.Task[Wheel]:
        url = urljoin(bundle_url, f"packages/{package.file}")
        key = url, str(package.sha256)
        fetching = self._wheels.get(key)
        if fetching is None:
            fetching = asyncio.ensure_future(self._fetch(manifest.name, package, url))
            self._wheels[key] = fetching
            fetching.add_done_callback(lambda done: self._let_go(key, done))
        return fetching

    def _let_go(self, key: tuple[str, str], done: asyncio.Task[Wheel]) -> None:
        if done.cancelled() or done.exception() is not None:
            self._wheels.pop(key, None)

    async def _fetch(self, task_name: str, package: Package, url: str) -> Wheel:
        try:
            data = await self._network.fetch(
                url, max_bytes=LIMITS.package_bytes, timeout_ms=LIMITS.fetch_timeout_ms
            )
        except HostError as error:
            raise HostError(
                "network-failed",
                f"task {task_name}, package {package.name}: expected its wheel, got none: "
                f"{error.message} Publish the folder packages/ beside the bundle.",
                error.details,
            ) from error
        _check(task_name, package, data)
        return Wheel(str(package.file), data)


def _check(task_name: str, package: Package, data: bytes) -> None:
    digest = hashlib.sha256(data).hexdigest()
    if digest != package.sha256 or len(data) != package.bytes:
        raise TrustError(
            "digest-mismatch",
            f"task {task_name}, package {package.name}: expected {package.file} of "
            f"{package.bytes} bytes, sha256 {package.sha256}, got {len(data)} bytes, {digest}. "
            "Publish the wheel that was written when the task was packed.",
            {"taskName": task_name, "package": package.name, "sha256": digest},
        )
