"""Keeps the head: two copies in one transaction, and an anchor beside the root key.

The anchor says which version of the head there was at least. Who puts back an older copy of the
whole database, head included, is found out by it.
"""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final, NamedTuple

from ..errors import TrustError
from ..host.ports import Crypto, Delete, Put
from ..pure.head import Head, plain_images_to_bytes
from ..pure.record import is_newer_head
from .store_disk import META, Disk
from .store_vault import HEADS, Vault

PLAIN_IMAGES: Final = "plain-images"
_ANCHOR: Final = "anchor"


class Anchor(NamedTuple):
    """What was there at least: the head's version, and segments written per route."""

    version: int
    written: dict[str, int]


class Heads:
    """The current head and how it changes.

    Attributes:
        head: As it is in storage, once :meth:`change` or :meth:`adopt` was called.
    """

    def __init__(self, disk: Disk, vault: Vault, crypto: Crypto) -> None:
        self._disk = disk
        self._vault = vault
        self._crypto = crypto
        self._lock = asyncio.Lock()
        self._version_floor = 0
        self._in_doubt: Head | None = None
        self._anchored: Anchor | None = None
        self.head = Head(0, 0)

    async def found(self) -> list[bytes]:
        """Return the copies in storage.

        Raises:
            TrustError: ``version-mismatch``: a later version of the runtime made them.
        """
        copies = [await self._disk.get(META, row) for row in HEADS]
        records = [copy if copy is not None else b"" for copy in copies]
        # One alone is damage: both are written together.
        if all(is_newer_head(record) for record in records):
            raise TrustError(
                "version-mismatch",
                "store: expected a database of this version or an older one, got a newer one. It "
                "is left as it is; reload the page to get the newer runtime.",
            )
        return records

    async def opened(self, records: Sequence[bytes]) -> dict[str, Head]:
        """Return the copies that open, by row, the newest first."""
        heads: dict[str, Head] = {}
        for row, record in zip(HEADS, records, strict=True):
            try:
                heads[row] = await self._vault.unseal_head(row, record)
            except (TrustError, ValueError, LookupError, TypeError):
                continue
        return dict(sorted(heads.items(), key=lambda each: -each[1].version))

    def raise_floor(self, version: int) -> None:
        """Have the next head's version above ``version``."""
        self._version_floor = max(self._version_floor, version)

    def adopt(self, head: Head) -> None:
        """Go on from ``head``, which :meth:`change` will put into storage with something else."""
        self.head = head
        self._version_floor = max(self._version_floor, head.version)
        self._vault.use(head)

    async def change(
        self, update: Callable[[Head], Head], operations: Sequence[Put | Delete] = ()
    ) -> None:
        """Put another head and what belongs to it into storage, in one strict transaction.

        Args:
            update: Makes it of the head as it is then; two changes never lose one another.
            operations: What belongs to it.

        Raises:
            HostError, RefusedError: Nothing was written; the former head stays.
        """
        async with self._lock:
            await self._settle()
            head = update(self.head)
            version = max(self._version_floor, head.version) + 1
            head = replace(head, version=version, generation=self._disk.generation)
            puts = [Put(META, row, await self._vault.seal_head(head, row)) for row in HEADS]
            puts.append(Put(META, PLAIN_IMAGES, plain_images_to_bytes(head)))
            # Without an answer, or cancelled on its way, it may be in storage all the same.
            self._in_doubt = head
            await self._disk.write([*puts, *operations], durability="strict")
            self._in_doubt = None
            self.adopt(head)

    async def settle(self) -> None:
        """Find out what became of a change whose end nobody saw; the head is then certain.

        Raises:
            HostError: It cannot be found out now.
        """
        async with self._lock:
            await self._settle()

    async def _settle(self) -> None:
        head = self._in_doubt
        if head is None:
            return
        stored = await self.opened(await self.found())
        if any(each.version == head.version for each in stored.values()):
            self.adopt(head)
        self._in_doubt = None

    async def claim(self, uses: int) -> None:
        """Return when so many uses of the current key are written down, and the caller's."""
        while not self._vault.claim(uses):
            await self.change(self._vault.reserved)

    async def is_anchored(self) -> bool:
        """Say whether there was a head on this device once."""
        return await self._crypto.read_note(_ANCHOR) is not None

    async def anchor(self) -> Anchor | None:
        """Read the anchor; None if there is none. The root key must be loaded.

        Raises:
            TrustError: ``seal-broken``: there is one, and it was not sealed here.
        """
        note = await self._crypto.read_note(_ANCHOR)
        if note is None:
            return None
        plain = json.loads(await self._vault.unseal_note(_ANCHOR, note))
        found = Anchor(plain["version"], plain["written"])
        self._anchored = found
        self._version_floor = max(self._version_floor, found.version)
        return found

    async def anchor_to(self, written: dict[str, int]) -> None:
        """Note the head's version and how many segments there are, unless that is noted."""
        anchor = Anchor(self.head.version, dict(written))
        if anchor != self._anchored:
            plain = {"version": anchor.version, "written": anchor.written}
            note = await self._vault.seal_note(_ANCHOR, json.dumps(plain).encode())
            await self._crypto.write_note(_ANCHOR, note)
            self._anchored = anchor
