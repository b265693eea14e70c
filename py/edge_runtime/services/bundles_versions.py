"""The highest version of each task that ran on this device: an older bundle is not run again.

An old bundle is as well signed as a new one; whoever stands between server and device could
bring back a version with a known fault.
"""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Final, Protocol

from ..errors import EdgeError
from ..pure.bundle_trust import check_version, version_numbers
from ..pure.manifest import Manifest
from ..types import JsonValue

KEY: Final = "edge.versions"


class Values(Protocol):
    """Where versions are kept."""

    def get(self, key: str) -> JsonValue:
        """Return the value of ``key`` or None."""

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        """Keep ``value``, durable when this returns."""


class Versions:
    """Refuses versions of signed bundles that are too old; what it knows is one value of the store.

    It is deleted with all other stored data, but this life goes by it to its end.
    """

    def __init__(self, values: Values) -> None:
        self._values = values
        self._recalled = asyncio.Event()
        self._highest: dict[str, str] = {}
        self._signed: set[tuple[str, str]] = set()
        self._saving: asyncio.Task[None] | None = None

    def recall(self) -> None:
        """Go on with what is stored; the store has started, or never will. Checks wait for this."""
        stored = self._values.get(KEY)
        if isinstance(stored, Mapping):
            self._highest = {
                task: version for task, version in stored.items() if isinstance(version, str)
            }
        self._recalled.set()

    async def check(self, manifest: Manifest) -> None:
        """Refuse the version of a signed bundle if it is too old.

        Raises:
            TrustError: ``bundle-outdated``.
        """
        await self._recalled.wait()
        check_version(manifest, self._highest.get(manifest.name, ""))
        self._signed.add((manifest.name, manifest.version))

    def remember(self, manifests: Iterable[Manifest]) -> None:
        """Take in that tasks are in use; those of unsigned bundles count for nothing."""
        higher = {
            each.name: each.version
            for each in manifests
            if (each.name, each.version) in self._signed
            and version_numbers(each.version) > version_numbers(self._highest.get(each.name, ""))
        }
        if higher:
            self._highest |= higher
            # Queued in the store from the loop's next turn on; its flush waits for it.
            self._saving = asyncio.create_task(self._write())

    async def _write(self) -> None:
        try:
            await self._values.put(KEY, dict(self._highest), encrypted=True)
        except EdgeError:
            pass  # The store tells of its own troubles; the next higher version is written with it.
