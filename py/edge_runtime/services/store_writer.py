"""Whether the store can write, and the opening of its durable side.

::

    CLOSED ──open──▶ DURABLE ──no room, or no storage──▶ MEMORY_ONLY ──it works again──▶ DURABLE
                        └─────── another tab took over ───────▶ SUPERSEDED
"""

from collections.abc import Callable
from enum import StrEnum

from ..config import DataConfig, Limits
from ..errors import EdgeError, HostError, RefusedError
from ..host.ports import Clock, Crypto, Storage
from ..pure.damage import Damage
from ..pure.head import KeyLimits
from .store_durable import Durable, create_durable
from .store_recovery import Recovery
from .store_tables import Tables


class Mode(StrEnum):
    """What becomes of a write."""

    CLOSED = "closed"
    DURABLE = "durable"
    MEMORY_ONLY = "memory-only"
    SUPERSEDED = "superseded"


class Writer:
    """Opens the durable side and knows what becomes of a write.

    Attributes:
        mode: What becomes of a write now.
        reason: Why the mode is memory-only.
        durable: The open database; None without one.
        recovery: The start that opened it.
        problems: What starts found, for the page.
        damage: What starts left out.
        is_tight: The quota was reached: spares are not kept any more.
        is_unsaved: Keys and head were made anew and are in memory only: the next thing written is
            a checkpoint under them.
        is_to_shrink: The last spare was given up: the keeper is to make room before the next time.
    """

    def __init__(
        self,
        clock: Clock,
        storage: Storage,
        crypto: Crypto,
        data: DataConfig,
        limits: Limits,
        key_limits: KeyLimits,
        *,
        on_change: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._storage = storage
        self._crypto = crypto
        self._data = data
        self._limits = limits
        self._key_limits = key_limits
        self._on_change = on_change
        self.mode = Mode.CLOSED
        self.reason: EdgeError | None = None
        self.durable: Durable | None = None
        self.recovery: Recovery | None = None
        self.problems: list[EdgeError] = []
        self.damage: list[Damage] = []
        self.is_tight = False
        self.is_to_shrink = False
        self.is_unsaved = False
        self._is_to_erase = False

    async def open(self, tables: Tables) -> None:
        """Bring what is stored into ``tables``; without storage the mode is memory-only.

        Raises:
            RefusedError: ``writer-superseded``.
        """
        self.durable = self.recovery = None
        durable = self._create()
        recovery = Recovery(durable, tables, self._data)
        try:
            if self._is_to_erase:
                await self._erased(None)
            await recovery.run()
        except RefusedError as error:
            self.notice(error)
            raise
        except EdgeError as error:
            # Storage may be open although the key is missing; a connection blocks other tabs.
            await durable.disk.close()
            self.give_up(error)
            return
        self.durable, self.recovery = durable, recovery
        self.problems += recovery.problems
        self.damage += recovery.damage
        self.returned()
        try:
            await recovery.finish()
        except HostError as error:
            self.problems.append(error)

    def opened(self) -> Durable:
        """Return the open database.

        Raises:
            RefusedError: ``store-unavailable``: there is none.
        """
        if self.durable is None:
            raise self.refusal()
        return self.durable

    async def erase(self) -> None:
        """Delete database and keys; the next write makes new ones, and finishes what failed.

        Raises:
            HostError: Something could not be deleted; nothing of it is in use any more.
            RefusedError: ``writer-superseded``: what another writer has is left alone.
        """
        durable, self.durable, self.recovery = self.durable, None, None
        self._is_to_erase = True
        self.problems, self.damage, self.reason = [], [], None
        try:
            await self._erased(durable)
        except RefusedError as error:
            self.notice(error)
            raise
        finally:
            if self.mode is not Mode.SUPERSEDED:
                self._change(Mode.CLOSED)

    async def close(self) -> None:
        """Note how far the log has come, so that its end cannot be cut off, and close."""
        if self.durable is None:
            return
        if self.mode is Mode.DURABLE and not self.is_unsaved:
            try:
                await self.durable.heads.anchor_to(self.durable.log.written)
            except EdgeError as error:
                self.problems.append(error)
        await self.durable.disk.close()

    def give_up(self, error: EdgeError) -> None:
        """Work in memory only from now on, because of ``error``."""
        self.reason = error
        self._change(Mode.MEMORY_ONLY)

    def returned(self) -> None:
        """Write again."""
        self.reason = None
        self._change(Mode.DURABLE)

    def lost(self, error: EdgeError) -> None:
        """Tell of data that went while the store was open."""
        self.problems.append(error)
        self._on_change()

    def notice(self, error: EdgeError) -> None:
        """Take note of an error that may mean that another tab took over."""
        if error.code == "writer-superseded" and error.details.get("found", True):
            self._change(Mode.SUPERSEDED)

    def refusal(self) -> RefusedError:
        """Return why nothing can be made durable now."""
        cause = self.reason.message if self.reason else "it is closed."
        return RefusedError(
            "store-unavailable",
            "store: expected room and storage that opens, got none; it works in memory only, and "
            f"goes on by itself when that ends. Try again later. Cause: {cause}",
            {"reason": self.reason.code if self.reason else "closed"},
        )

    async def _erased(self, durable: Durable | None) -> None:
        try:
            if durable is not None:
                await durable.erase()
        except RefusedError as error:
            if error.details.get("found", True):
                raise
            # Somebody else has deleted the database; the keys are still there.
            durable = None
        if durable is None:
            durable = self._create()
            await durable.disk.open()
            await durable.disk.take_over()
            await durable.erase()
        self._is_to_erase = False

    def _create(self) -> Durable:
        return create_durable(
            self._clock, self._storage, self._crypto, self._limits, self._key_limits
        )

    def _change(self, mode: Mode) -> None:
        if self.mode is not mode:
            self.mode = mode
            self._on_change()
