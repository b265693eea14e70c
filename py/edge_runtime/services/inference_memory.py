"""What is remembered of this device from one life to the next: verdicts, and a mark of danger.

Before a plan that may take the browser down is tried, its name is made durable; when it has been
tried, the name goes. A start that finds one steps down: the plan is refused.
"""

import asyncio
from typing import Final, Protocol

from ..errors import EdgeError
from ..pure.verdicts import Verdicts, verdicts_of
from ..types import JsonValue

KEY: Final = "edge.inference"
RISK_KEY: Final = "edge.inference-risk"

ENDED: Final = "the browser, the page or its worker ended while this was tried the last time"


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
        self._found_risk: str | None = None
        self._risks: set[str] = set()
        self._saving: asyncio.Task[None] | None = None
        self._unsaved = False

    def load(self) -> None:
        """Look for a mark of danger that the life before left."""
        plan = self._values.get(RISK_KEY)
        self._found_risk = plan if isinstance(plan, str) else None

    def knows(self, digest: str) -> bool:
        """Say whether a file was measured on some device, which may be another one by now."""
        stored = self._values.get(KEY)
        plans = stored.get("plans") if isinstance(stored, dict) else None
        return isinstance(plans, dict) and any(plan.startswith(digest) for plan in plans)

    async def recall(self, device: str, now_ms: float) -> None:
        """Go by what was found on ``device``, and refuse what ended the life before."""
        self.verdicts = verdicts_of(self._values.get(KEY), device)
        if self._found_risk is not None:
            self.verdicts.refuse(self._found_risk, ENDED, now_ms)
            self._found_risk = None
            self.save()
            await self.clear()

    async def enter(self, plan: str) -> None:
        """Leave a mark before ``plan`` is tried; where nothing is kept, there is none."""
        self._risks.add(plan)
        try:
            await self._values.put(RISK_KEY, plan, encrypted=True)
        except EdgeError:
            pass  # The store tells of its own troubles.

    async def leave(self, plan: str) -> None:
        """Take the mark away: whatever came of it, the worker is alive."""
        self._risks.discard(plan)
        if not self._risks:
            await self.clear()

    async def clear(self) -> None:
        """Take any mark away: from here on an end is nobody's fault."""
        if self._values.get(RISK_KEY) is None:
            return
        try:
            await self._values.delete(RISK_KEY)
        except EdgeError:
            pass

    def save(self) -> None:
        """Keep the verdicts as they are now, soon."""
        self._unsaved = True
        if self._saving is None:
            self._saving = asyncio.create_task(self._write())

    async def stop(self) -> None:
        """Return when what was to be kept is kept, or cannot be."""
        if self._saving is not None:
            await asyncio.wait([self._saving])
        await self.clear()

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
