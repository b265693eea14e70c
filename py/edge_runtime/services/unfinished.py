"""The runs that events asked for and that have not ended, so that the next worker can go on.

They are one value of the store. A run that ends soon costs no write: only what is left after a
while is written, from then on what changes, and at once that nothing is left.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from ..errors import EdgeError
from ..host.ports import Clock
from ..pure.events import event_of
from ..pure.noted_runs import Noted, begun, noted_runs
from ..types import Event, JsonValue

KEY: Final = "edge.runs"

AFTER_MS: Final = 100
"""How long a run goes on before it is worth a write."""

SAVE_MS: Final = 1_000
"""From one write to the next, at least, as long as something is left."""

MOST: Final = 1_000
"""Of more, those asked for last are not kept: the value stays far below what a key may hold."""

_EVENT: Final = "select id, ts, type, page_id, click_id, pv, props from events where id = :id"


class Stored(Protocol):
    """Where the list is kept, and the events."""

    def get(self, key: str) -> JsonValue:
        """Return the value of ``key`` or None."""

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        """Keep ``value``, durable when this returns, and all events before it."""

    def query(
        self, sql: str, params: Mapping[str, JsonValue] | None = None
    ) -> list[dict[str, Any]]:
        """Return what a statement over ``events`` selects."""


@dataclass(slots=True)
class _Going:
    noted: Noted
    is_waiting: Callable[[], bool]
    added_ms: float


class Unfinished:
    """Those of one worker, and what the one before it left.

    Args:
        clock: Measures how long runs go on.
        stored: Where they are kept.
    """

    def __init__(self, clock: Clock, stored: Stored) -> None:
        self._clock = clock
        self._values = stored
        self._going: dict[tuple[str, str], _Going] = {}
        self._left: list[Noted] = []
        self._distrusted: list[Noted] = []
        # None: not known, as a write was given up.
        self._stored: JsonValue = []
        self._saving: asyncio.Task[None] | None = None
        self._pause: asyncio.Task[None] | None = None
        self._next_ms = 0.0
        self._ending: asyncio.Task[None] | None = None

    async def recall(self) -> None:
        """Read what is left."""
        self._stored = self._values.get(KEY) or []
        self._distrusted = noted_runs(self._stored)
        await self.secure()

    def distrust(self, noted: Noted) -> None:
        """Leave a run to this worker itself: it may have ended the one before."""
        self._distrusted.append(noted)

    async def secure(self) -> None:
        """Have what is left stored as begun; only then may any of it begin.

        So a run that ends its worker is taken up once, not by one worker after the other.
        """
        while runs := list(self._distrusted):
            is_stored = await self._put(self._runs())
            # Those that :meth:`forget` took out meanwhile stay forgotten.
            still, now_stored = set(self._distrusted), set(runs)
            kept = [each for each in runs if each in still]
            self._distrusted = [each for each in self._distrusted if each not in now_stored]
            self._left += kept if is_stored else begun(kept)

    def taken_up(self) -> list[Noted]:
        """Return what was left, in the order in which it was asked for; a second time nothing."""
        if self._ending is not None:
            return []
        left, self._left = self._left, []
        self._watch()
        return left

    def event(self, event_id: str) -> Event | None:
        """Return a stored event, None for an unknown id."""
        rows = self._values.query(_EVENT, {"id": event_id})
        return event_of(tuple(rows[0].values())) if rows else None

    def add(self, noted: Noted, is_waiting: Callable[[], bool]) -> None:
        """Note a run that has been asked for.

        Args:
            noted: The run; one that may have begun stays so until its worker stops.
            is_waiting: Says whether its code has not begun yet.
        """
        self._going[noted[:2]] = _Going(noted, is_waiting, self._clock.monotonic_ms())
        self._watch()

    def remove(self, noted: Noted) -> None:
        """Forget a run that has ended, unless it ends because its worker stops."""
        if self._ending is not None:
            return
        self._going.pop(noted[:2], None)
        if self._pause is not None and not self._going and self._stored != []:
            self._pause.cancel()

    def forget(self) -> None:
        """Let nothing be gone on with: the store is erased."""
        for runs in (self._left, self._distrusted, self._going):
            runs.clear()
        self._stored = []

    async def save(self) -> None:
        """Store what there is now, however young; return when it is stored, or cannot be."""
        await self._put(self._runs())

    def freeze(self) -> None:
        """Have stored what there is now: whatever ends from now on is ended by the stop."""
        going = [
            each.noted._replace(may_have_begun=not each.is_waiting())
            for each in self._going.values()
        ]
        left = [*self._left, *self._distrusted]
        self._ending = asyncio.create_task(self._finish([*left, *going]))

    async def stop(self) -> None:
        """Return when what :meth:`freeze` found is stored, or cannot be."""
        if self._ending is not None:
            await self._ending

    def _watch(self) -> None:
        if self._saving is None and (self._going or self._stored != []):
            self._saving = asyncio.create_task(self._save())

    async def _save(self) -> None:
        try:
            if self._stored == []:
                # Of ordinary traffic nothing is left by then: one task for all of this time.
                await self._clock.sleep_ms(AFTER_MS)
            while self._going or self._stored != []:
                wait_ms = self._due_ms() - self._clock.monotonic_ms()
                if wait_ms > 0:
                    await self._rest(wait_ms)
                    continue
                if not await self._put(self._runs()):
                    await self._rest(SAVE_MS)
        finally:
            self._saving = None

    def _due_ms(self) -> float:
        """Return when the list is to be written."""
        if not (self._going or self._left or self._distrusted):
            return 0.0
        if self._stored != [] or not self._going:
            return self._next_ms
        return next(iter(self._going.values())).added_ms + AFTER_MS

    async def _rest(self, wait_ms: float) -> None:
        """Wait, unless :meth:`remove` ends it."""
        self._pause = asyncio.create_task(self._clock.sleep_ms(wait_ms))
        try:
            await asyncio.wait([self._pause])
        finally:
            self._pause.cancel()
            self._pause = None

    def _runs(self) -> list[Noted]:
        """Return what the next worker is to know."""
        going = map(_as_of_now, self._going.values())
        return [*begun([*self._left, *self._distrusted]), *going]

    async def _finish(self, runs: list[Noted]) -> None:
        if self._saving is not None:
            self._saving.cancel()
            await asyncio.gather(self._saving, return_exceptions=True)
        await self._put(runs)

    async def _put(self, runs: list[Noted]) -> bool:
        """Store ``runs`` if they are not; say whether they are now."""
        self._next_ms = self._clock.monotonic_ms() + SAVE_MS
        rows, before = [list(each) for each in runs[:MOST]], self._stored
        if rows == before:
            return True
        self._stored = None
        try:
            await self._values.put(KEY, rows, encrypted=True)
        except EdgeError:
            # The store tells of its own troubles; the key keeps its former value.
            self._stored = before
            return False
        self._stored = rows
        return True


def _as_of_now(going: _Going) -> Noted:
    noted = going.noted
    return noted._replace(may_have_begun=noted.may_have_begun or not going.is_waiting())
