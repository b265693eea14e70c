"""The durable side of a store in one piece: database, keys, head, log and checkpoints."""

from dataclasses import dataclass

from ..config import Limits
from ..host.ports import Clock, Crypto, Storage
from ..pure.head import KeyLimits
from .store_checkpoint import Checkpoints
from .store_disk import Disk
from .store_heads import Heads
from .store_images import Images
from .store_log import SegmentLog
from .store_vault import Vault


@dataclass(frozen=True, slots=True)
class Durable:
    """One opening of the database; another opening needs another one of these."""

    clock: Clock
    crypto: Crypto
    disk: Disk
    vault: Vault
    heads: Heads
    log: SegmentLog
    images: Images
    checkpoints: Checkpoints

    async def erase(self) -> None:
        """Delete database, keys and notes; what a crash cuts off, the next start finishes.

        Raises:
            HostError: Some of it is still there.
            RefusedError: ``writer-superseded``: another writer's data and keys are left alone.
        """
        await self.disk.empty()
        await self.disk.erase(before=self.crypto.erase)


def create_durable(
    clock: Clock, storage: Storage, crypto: Crypto, limits: Limits, key_limits: KeyLimits
) -> Durable:
    """Return the parts, connected; nothing is opened yet."""
    disk = Disk(storage, crypto.random_bytes(6).hex())
    vault = Vault(crypto, key_limits)
    heads = Heads(disk, vault, crypto)
    log = SegmentLog(disk, vault, heads)
    checkpoints = Checkpoints(clock, disk, vault, heads, log, limits)
    images = Images(disk, vault, limits)
    return Durable(clock, crypto, disk, vault, heads, log, images, checkpoints)
