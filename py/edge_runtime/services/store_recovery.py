"""A start of the store: takes over, opens the head, loads the checkpoint, replays the log.

Whatever does not open is left out, told, and moved aside; whatever does is kept. Only where no key
opens the head, or the whole database was put back to an older state, does the store begin afresh.
"""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from ..config import LIMITS, DataConfig
from ..errors import EdgeError, TrustError
from ..host.ports import Delete, Put
from ..pure import segment
from ..pure.chain import Base, end_of, judge
from ..pure.damage import Damage, corrupt
from ..pure.head import Checkpoint, Head, base_of, piece_key, piece_keys
from ..pure.segment import ROUTES, Route
from .store_afresh import Afresh
from .store_disk import META, QUARANTINE
from .store_durable import Durable
from .store_heads import Anchor
from .store_legacy import LegacyLog
from .store_log import TAIL, Segment
from .store_routes import drop_misplaced_plain, settle_routes
from .store_tables import Tables
from .store_vault import HEADS

_QUARANTINED_RECORDS: Final = 64


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
        if await heads.is_erasing():
            await self._durable.erase()
            await self._durable.disk.open()
        # A later version's database is left alone, before anything is written.
        await heads.found()
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
            await self._begin_afresh(copies, "rolled-back")
        elif any(copies):
            await self._begin_without_key(copies, anchor)
        elif await heads.is_anchored() or await self._durable.log.is_there():
            # What schema 1 left is none of it: it was migrated before there was an anchor.
            await self._begin_afresh((), "missing")
        elif await legacy.find():
            await self._migrate(legacy)
        else:
            await self._begin()
        if self.damage:
            self.problems.append(corrupt(self.damage))
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
        for route in ROUTES:
            base = await self._load_image(head, route)
            await self._replay(head, route, base, tail)
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

    async def _load_image(self, head: Head, route: Route) -> Base:
        """Load the newest image that opens and return what it holds."""
        for checkpoint in filter(None, (head.checkpoint, head.spare)):
            try:
                await self._durable.images.load(self._tables, checkpoint, route)
            except TrustError:
                self.damage.append(_damaged_image(checkpoint, route))
                continue
            if route == self._tables.events_route:
                self._durable.checkpoints.last_rowid = self._tables.last_rowid()
            return base_of(checkpoint, route)
        return base_of(None, route)

    async def _replay(
        self, head: Head, route: Route, base: Base, tail: Mapping[Route, Base] | None
    ) -> None:
        log = self._durable.log
        oldest = min(base, base_of(head.spare or head.checkpoint, route))
        segments = await log.read(route, oldest)
        by_number = {n: each for each in segments if (n := segment.sequence_of(each.key))}
        links = {n: each.link for n, each in by_number.items() if n > base.sequence}
        verdict = judge(base, links, None if tail is None else tail[route])
        self.damage += [
            Damage(route, segment.record_key(first), segment.record_key(last), reason)
            for first, last, reason in verdict.faults
        ]
        good = set(verdict.good)
        for number in verdict.good:
            if not self._apply(route, by_number[number]):
                good.discard(number)
        for number, each in by_number.items():
            if number in good or number <= base.sequence:
                log.note(route, number, len(each.record), each.key_id)
        strays = [each for each in segments if segment.sequence_of(each.key) is None]
        strays += await log.strays(route, oldest)
        self.damage += [Damage(route, each.key, each.key, "unexpected") for each in strays]
        self._move_aside(route, [by_number[n] for n in links if n not in good] + strays)
        log.last[route] = end_of(base, links, None if tail is None else tail[route])

    def _apply(self, route: Route, each: Segment) -> bool:
        try:
            text = segment.decode(each.payload or b"", max_bytes=LIMITS.segment_bytes)
            self._tables.replay(route, text)
        except (TrustError, sqlite3.Error, ValueError, TypeError, LookupError):
            self.damage.append(Damage(route, each.key, each.key, "seal-broken"))
            return False
        return True

    def _move_aside(self, route: Route, bad: Sequence[Segment]) -> None:
        room = _QUARANTINED_RECORDS - sum(isinstance(each, Put) for each in self.aside)
        # What is plain would stay readable there, whatever the rules come to say.
        for each in bad[: max(0, room)] if route == "sealed" else ():
            self.aside.append(Put(QUARANTINE, f"{route}-{each.key}", each.record))
        self.aside += [Delete(route, each.key) for each in bad]

    async def _begin(self) -> None:
        """First start on this device, as far as anybody can tell."""
        await Afresh(self._durable).new_life()
        await self._durable.heads.claim(1)
        tail = await self._durable.log.sealed_tail()
        await self._durable.heads.change(lambda head: head, [tail])

    async def _begin_afresh(self, copies: Sequence[bytes], reason: str) -> None:
        self.aside += await Afresh(self._durable).after_loss(copies)
        self.damage.append(Damage("edge-store", "head", "head", reason))
        await self._make_room()

    async def _begin_without_key(self, copies: Sequence[bytes], anchor: Anchor | None) -> None:
        afresh = Afresh(self._durable)
        self.aside += await afresh.after_loss(copies)
        self.problems.append(afresh.key_lost())
        # Who has the key of the anchor has all of ours: what does not open was written by others.
        if anchor is None:
            await afresh.salvage_plain(self._tables)
            drop_misplaced_plain(self._tables, self._data)
        await self._make_room()

    async def _make_room(self) -> None:
        settle_routes(self._tables, self._data)
        self.is_due = True
        await self.finish()
        await self._durable.disk.write(await self._durable.images.orphans(self._durable.heads.head))

    async def _migrate(self, legacy: LegacyLog) -> None:
        await legacy.load(self._tables)
        self.damage += [Damage(route, key, key, "seal-broken") for route, key in legacy.unreadable]
        await Afresh(self._durable).new_life()
        settle_routes(self._tables, self._data)
        self.aside, self.is_due = legacy.removal(), True
        await self.finish()
        await legacy.forget_root()


def _at_least(written: int, base: Base) -> Base:
    return base if base.sequence >= written else Base(written, b"")


def _damaged_image(checkpoint: Checkpoint, route: Route) -> Damage:
    keys = [key for key in piece_keys(checkpoint) if f"-{route}-" in key]
    first = keys[0] if keys else piece_key(checkpoint.slot, route, 0)
    return Damage("checkpoint", first, keys[-1] if keys else first, "seal-broken")
