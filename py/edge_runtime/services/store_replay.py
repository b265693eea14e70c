"""Loads a route's newest image that opens and applies the segments behind it that belong there."""

import sqlite3
from collections.abc import Mapping, Sequence
from typing import Final

from ..config import LIMITS
from ..errors import TrustError
from ..host.ports import Delete, Put
from ..pure import segment
from ..pure.chain import Base, end_of, judge
from ..pure.damage import Damage
from ..pure.head import Checkpoint, Head, base_of, piece_key, piece_keys
from ..pure.segment import ROUTES, Route
from .store_disk import QUARANTINE
from .store_durable import Durable
from .store_log import Segment
from .store_tables import Tables

QUARANTINED_RECORDS: Final = 64


class Replay:
    """What a head leads to, brought into memory.

    Attributes:
        damage: What is left out, by place.
        aside: Operations that move damaged records aside.
    """

    def __init__(self, durable: Durable, tables: Tables) -> None:
        self._durable = durable
        self._tables = tables
        self.damage: list[Damage] = []
        self.aside: list[Put | Delete] = []

    async def run(self, head: Head, tail: Mapping[Route, Base] | None) -> None:
        """Bring both routes into memory.

        Args:
            head: The head in use, its keys loaded.
            tail: The last segment ever written per route; None if nobody knows.
        """
        for route in ROUTES:
            base = await self._load_image(head, route)
            await self._replay(head, route, base, tail)

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
        room = QUARANTINED_RECORDS - sum(isinstance(each, Put) for each in self.aside)
        # What is plain would stay readable there, whatever the rules come to say.
        for each in bad[: max(0, room)] if route == "sealed" else ():
            self.aside.append(Put(QUARANTINE, f"{route}-{each.key}", each.record))
        self.aside += [Delete(route, each.key) for each in bad]


def _damaged_image(checkpoint: Checkpoint, route: Route) -> Damage:
    keys = [key for key in piece_keys(checkpoint) if f"-{route}-" in key]
    first = keys[0] if keys else piece_key(checkpoint.slot, route, 0)
    return Damage("checkpoint", first, keys[-1] if keys else first, "seal-broken")
