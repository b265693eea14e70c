"""A start of the store: takes over, opens the head, loads the checkpoint, replays the log.

Whatever does not open is left out, told, and moved aside; whatever does is kept. Only where no key
opens the head, or the whole database was put back to an older state, does the store begin afresh.
"""

from collections.abc import Mapping, Sequence

from ..config import DataConfig
from ..errors import EdgeError, TrustError
from ..host.ports import Delete, Put
from ..pure.chain import Base
from ..pure.damage import WHOLE, Damage, corrupt, key_lost
from ..pure.head import Head
from ..pure.segment import Route
from .store_afresh import Afresh
from .store_disk import META, QUARANTINE
from .store_durable import Durable
from .store_heads import Anchor
from .store_legacy import LegacyLog
from .store_log import TAIL
from .store_replay import Replay
from .store_routes import drop_misplaced_plain, settle_routes
from .store_tables import Tables
from .store_vault import HEADS


class Recovery:
    """One start.

    Attributes:
        damage: What is left out, by place.
        problems: What the page is told: damage, lost keys.
        aside: Operations that move damaged records aside; due with the next checkpoint.
        is_due: Whether that checkpoint is to be made now, without a spare.
    """

    def __init__(self, durable: Durable, tables: Tables, data: DataConfig) -> None:
        self._durable = durable
        self._tables = tables
        self._data = data
        self.damage: list[Damage] = []
        self.problems: list[EdgeError] = []
        self.aside: list[Put | Delete] = []
        self.is_due = False

    async def run(self) -> None:
        """Bring everything that is stored into memory, and become the writer.

        Raises:
            HostError: Storage or keys cannot be used at all.
            TrustError: ``version-mismatch``: a later version made the database.
            RefusedError: ``writer-superseded``.
        """
        heads, legacy = self._durable.heads, LegacyLog(self._durable.disk, self._durable.crypto)
        await self._durable.disk.open()
        # A later version's database is left alone, before anything is written.
        await heads.found()
        await self._durable.disk.take_over()
        if self._durable.disk.is_emptied:
            await self._durable.erase()
            await self._durable.disk.open()
            await self._durable.disk.take_over()
        # Only now: until then the former writer could still change its head.
        copies = await heads.found()
        has_root = await self._durable.vault.open_root(create=False)
        anchor = await self._anchor() if has_root else None
        opened = await heads.opened(copies) if has_root else {}
        head = next(iter(opened.values()), None)
        if head is not None and (anchor is None or head.version >= anchor.version):
            stale = [row for row in HEADS if opened.get(row) != head]
            self.damage += [Damage(META, row, row, "seal-broken") for row in stale]
            await self._continue(head, anchor)
        elif head is not None:
            await self._begin_afresh(copies, anchor, "rolled-back")
        elif any(copies):
            await self._begin_without_key(copies, anchor)
        elif await heads.is_anchored() or await self._durable.log.is_there():
            # What schema 1 left is none of it: it was migrated before there was an anchor.
            await self._begin_afresh((), anchor, "missing")
        elif await legacy.find():
            await self._migrate(legacy)
        else:
            await self._begin()
        if self.damage:
            self.problems.append(corrupt(self.damage))
        # Before the first segment: a crash may have kept the start that migrated from doing it.
        if not any(self._durable.log.written.values()):
            await legacy.forget_root()
        await heads.anchor_to(self._durable.log.written)

    async def finish(self) -> None:
        """Make the checkpoint that is due: damaged records leave the log, moved rows their route.

        Raises:
            HostError, RefusedError: It is still due.
        """
        if self.is_due:
            with_it = [*await self._former_quarantine(), *self.aside]
            await self._durable.checkpoints.write(self._tables, keep_spare=False, with_it=with_it)
            self.is_due, self.aside = False, []

    async def _former_quarantine(self) -> list[Delete]:
        """Return the deletes that make room for what is moved aside now."""
        if not any(isinstance(each, Put) for each in self.aside):
            return []
        batches = [batch async for batch in self._durable.disk.read(QUARANTINE)]
        return [Delete(QUARANTINE, key) for batch in batches for key, _ in batch]

    async def _continue(self, head: Head, anchor: Anchor | None) -> None:
        durable = self._durable
        durable.heads.adopt(head)
        unwrapped = await durable.vault.load(head.keys)
        self._note_head(head, anchor, unwrapped)
        tail = await self._tail(anchor)
        replay = Replay(durable, self._tables)
        await replay.run(head, tail)
        self.damage += replay.damage
        self.aside += replay.aside
        moved = settle_routes(self._tables, self._data)
        self.is_due = bool(self.damage or moved)
        if head.current.key_id in unwrapped:
            await Afresh(durable).new_key(head)
        orphans = await durable.images.orphans(durable.heads.head)
        await durable.heads.change(durable.vault.resume, orphans)

    async def _anchor(self) -> Anchor | None:
        try:
            return await self._durable.heads.anchor()
        except TrustError:
            self.damage.append(Damage("notes", "anchor", "anchor", "seal-broken"))
            return None

    def _note_head(self, head: Head, anchor: Anchor | None, unwrapped: Sequence[str]) -> None:
        if anchor is None and head.version > 1 and not self.damage:
            self.damage.append(Damage("notes", "anchor", "anchor", "missing"))
        self.damage += [Damage(META, key_id, key_id, "seal-broken") for key_id in unwrapped]

    async def _tail(self, anchor: Anchor | None) -> Mapping[Route, Base] | None:
        try:
            tail = await self._durable.log.tail()
        except TrustError:
            self.damage.append(Damage(META, TAIL, TAIL, "seal-broken"))
            return None
        if tail is None:
            self.damage.append(Damage(META, TAIL, TAIL, "missing"))
            return None
        written = {} if anchor is None else anchor.written
        return {route: _at_least(written.get(route, 0), base) for route, base in tail.items()}

    async def _begin(self) -> None:
        """First start on this device, as far as anybody can tell."""
        await Afresh(self._durable).new_life()
        await self._durable.heads.claim(1)
        tail = await self._durable.log.sealed_tail()
        await self._durable.heads.change(lambda head: head, [tail])

    async def _begin_afresh(
        self, copies: Sequence[bytes], anchor: Anchor | None, reason: str
    ) -> None:
        self.aside += await Afresh(self._durable).after_loss(copies, anchor)
        self.damage.append(Damage(WHOLE, "head", "head", reason))
        await self._make_room()

    async def _begin_without_key(self, copies: Sequence[bytes], anchor: Anchor | None) -> None:
        afresh, dropped_rows = Afresh(self._durable), 0
        self.aside += await afresh.after_loss(copies, anchor)
        # Who has the key of the anchor has all of ours: what does not open was written by others.
        if anchor is None:
            await afresh.salvage_plain(self._tables)
            found = self._tables.rows("plain")
            drop_misplaced_plain(self._tables, self._data)
            dropped_rows = found - self._tables.rows("plain")
        self.problems.append(afresh.key_lost(dropped_rows))
        await self._make_room()

    async def _make_room(self) -> None:
        settle_routes(self._tables, self._data)
        self.is_due = True
        await self.finish()
        await self._durable.disk.write(await self._durable.images.orphans(self._durable.heads.head))

    async def _migrate(self, legacy: LegacyLog) -> None:
        await legacy.load(self._tables)
        self.damage += [Damage(route, key, key, "seal-broken") for route, key in legacy.unreadable]
        if legacy.lost_bytes:
            self.problems.append(key_lost(len(legacy.lost_bytes), sum(legacy.lost_bytes)))
        await Afresh(self._durable).new_life()
        settle_routes(self._tables, self._data)
        self.aside, self.is_due = legacy.removal(), True
        await self.finish()


def _at_least(written: int, base: Base) -> Base:
    return base if base.sequence >= written else Base(written, b"")
