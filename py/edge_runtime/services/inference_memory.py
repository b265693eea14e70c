"""What is remembered of this device from one life to the next: verdicts, and a mark of danger.

Before a plan that may take the browser down is tried, its name is made durable; when it has been
tried, the name goes. A start that finds one steps down: it does not try the plan. People leave
pages at any time, so only what ends two lives in a row is refused for longer.
"""

import asyncio
from collections import Counter
from typing import Final, Protocol

from ..errors import EdgeError
from ..pure.plans import Plan
from ..pure.verdicts import Verdicts, verdicts_of
from ..types import JsonValue

KEY: Final = "edge.inference"
RISK_KEY: Final = "edge.inference-risk"

ENDED: Final = "the browser, the page or its worker ended while this was tried the last time"

_MOST_ENDS: Final = 2


class Values(Protocol):
    """Where it is kept."""

    def get(self, key: str) -> JsonValue:
        """Return the value of ``key`` or None."""

    async def put(self, key: str, value: JsonValue, encrypted: bool | None = None) -> None:
        """Keep ``value``, durable when this returns."""

    async def delete(self, key: str) -> None:
        """Remove ``key``."""


class InferenceMemory:
    """Verdicts of this device, kept by the store."""

    def __init__(self, values: Values) -> None:
        self._values = values
        self.verdicts = Verdicts()
        # How many lives ended while a plan was tried, the one that is tried now included.
        self._ends: dict[str, int] = {}
        self._tried: Counter[str] = Counter()
        self._used: set[str] = set()
        self.stepped_down: set[str] = set()
        self._saving: asyncio.Task[None] | None = None
        self._unsaved = False

    def load(self) -> None:
        """Look for a mark of danger that the life before left."""
        mark = self._values.get(RISK_KEY)
        ends = mark.get("ends") if isinstance(mark, dict) else None
        if isinstance(mark, dict) and isinstance(ends, dict):
            self._ends = {plan: count for plan, count in ends.items() if isinstance(count, int)}
            tried = mark.get("tried")
            self.stepped_down = set(self._ends) & set(
                map(str, tried if isinstance(tried, list) else ())
            )

    def knows(self, digest: str) -> bool:
        """Say whether a file was measured on some device, which may be another one by now."""
        stored = self._values.get(KEY)
        plans = stored.get("plans") if isinstance(stored, dict) else None
        return isinstance(plans, dict) and any(plan.startswith(digest) for plan in plans)

    async def recall(self, device: str, now_ms: float) -> None:
        """Go by what was found on ``device``, and refuse what ended the life before."""
        self.verdicts = verdicts_of(self._values.get(KEY), device)
        for plan in self.stepped_down:
            if self._ends.get(plan, 0) >= _MOST_ENDS:
                self.verdicts.refuse(plan, ENDED, now_ms)
                self.save()
                del self._ends[plan]
        # Written at once: lives that step down may end in any way, too.
        await self._mark()

    def first_use(self, plan: Plan) -> str | None:
        """Return the key of an accelerator's plan that was not tried yet in this life."""
        return None if plan.is_wasm or plan.key in self._used else plan.key

    async def enter(self, plan: str) -> None:
        """Leave a mark before ``plan`` is tried; where nothing is kept, there is none."""
        self._used.add(plan)
        self._tried[plan] += 1
        if self._tried[plan] == 1:
            self._ends[plan] = self._ends.get(plan, 0) + 1
            await self._mark()

    async def leave(self, plan: str) -> None:
        """Take the mark away: whatever came of it, the worker is alive."""
        self._tried[plan] -= 1
        if not self._tried[plan]:
            del self._tried[plan], self._ends[plan]
            await self._mark()

    async def settle(self) -> None:
        """Have an end from here on be nobody's fault; what ended the life before is remembered."""
        ends = {plan: count - (plan in self._tried) for plan, count in self._ends.items()}
        await self._write_mark({plan: count for plan, count in ends.items() if count}, [])

    async def _mark(self) -> None:
        await self._write_mark(dict(self._ends), sorted(self._tried))

    async def _write_mark(self, ends: dict[str, JsonValue], tried: list[JsonValue]) -> None:
        mark: JsonValue = {"ends": ends, "tried": tried}
        try:
            if not ends:
                if self._values.get(RISK_KEY) is not None:
                    await self._values.delete(RISK_KEY)
            elif self._values.get(RISK_KEY) != mark:
                await self._values.put(RISK_KEY, mark, encrypted=True)
        except EdgeError:
            pass  # The store tells of its own troubles.

    def save(self) -> None:
        """Keep the verdicts as they are now, soon."""
        self._unsaved = True
        if self._saving is None:
            self._saving = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Return when what was to be kept is kept, or cannot be."""
        if self._saving is not None:
            await asyncio.wait([self._saving])
        await self.settle()

    def forget(self) -> None:
        """Know nothing: the store is erased."""
        self.verdicts = Verdicts(self.verdicts.device)

    async def _write(self) -> None:
        try:
            while self._unsaved:
                self._unsaved = False
                await self._values.put(KEY, self.verdicts.to_plain(), encrypted=True)
        except EdgeError:
            pass  # The store tells of its own troubles; the next change is written with this one.
        finally:
            self._saving = None
