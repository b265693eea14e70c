"""Writes of the store through what goes wrong: a full disk, a deleted database, a lost key.

What can be mended is, once, from what is in memory; the rest is told and tried again later.
"""

from collections.abc import Mapping

from ..errors import HostError, RefusedError
from ..host.ports import Durability
from ..pure.segment import ROUTES, Operations, Route
from .store_afresh import Afresh
from .store_commit import GroupCommit
from .store_intake import Intake
from .store_tables import Tables
from .store_writer import Mode, Writer


class Mender:
    """Makes operations durable, whatever it takes."""

    def __init__(self, writer: Writer, tables: Tables) -> None:
        self._writer = writer
        self._tables = tables

    async def append(
        self, routes: Mapping[Route, Operations], durability: Durability, intake: Intake
    ) -> None:
        """Make operations durable.

        Args:
            routes: Operations by route.
            durability: How sure it must be.
            intake: Knows what is not durable yet, for the case that the database was deleted.

        Raises:
            HostError: Nothing was written; trying again may help.
            RefusedError: ``store-unavailable`` or ``writer-superseded``.
        """
        if self._writer.mode is Mode.MEMORY_ONLY:
            raise self._writer.refusal()
        if self._writer.mode is Mode.CLOSED:
            await self.reopen(intake)
        await self._append_mending(routes, durability, intake)

    async def come_back(self, commits: GroupCommit, intake: Intake) -> None:
        """Try to become durable again after a time in memory only.

        Raises:
            EdgeError: It cannot be yet.
        """
        if self._writer.durable is None:
            await self.reopen(intake)
            return
        await self._try_less()
        # A little has room before a lot is tried.
        await self._writer.durable.heads.change(lambda head: head)
        await commits.try_commit(self._append)
        self._writer.returned()

    async def _try_less(self) -> None:
        """Give back what was forgotten meanwhile, if there is room for that."""
        checkpoints = self._writer.opened().checkpoints
        try:
            await checkpoints.drop_spare()
            await checkpoints.write(self._tables, keep_spare=False)
        except HostError as error:
            if error.code != "storage-full":
                raise

    async def reopen(self, intake: Intake) -> None:
        """Open again; what waits to become durable is in memory at the end, as it was before."""
        await self._writer.open(self._tables)
        intake.add_waiting()

    async def _append(self, routes: Mapping[Route, Operations], durability: Durability) -> None:
        await self._writer.opened().log.append(routes, durability)

    async def _append_mending(
        self, routes: Mapping[Route, Operations], durability: Durability, intake: Intake
    ) -> None:
        try:
            if self._writer.is_unsaved:
                await self._save_anew()
            await self._append(routes, durability)
        except RefusedError as error:
            await self._after_fence(error, intake)
            await self._append(routes, durability)
        except HostError as error:
            if error.code == "storage-full":
                await self._append_with_less(routes, durability)
            elif await self._writer.opened().vault.open_root(create=False):
                raise
            else:
                await self._seal_anew(intake)
                await self._append(routes, durability)

    async def _after_fence(self, error: RefusedError, intake: Intake) -> None:
        """Go on if the database was deleted under us; otherwise somebody else writes."""
        self._writer.notice(error)
        if self._writer.mode is Mode.SUPERSEDED or error.code != "writer-superseded":
            raise error
        # Whoever deletes a site's data does not want it back from memory.
        for route in ROUTES:
            self._tables.clear(route)
        self._writer.is_unsaved = False
        problems = [*self._writer.problems]
        await self.reopen(intake)
        # The start misses the database, too: one loss is told once, and as what it was.
        self._writer.problems = problems
        self._writer.lost(_deleted())

    async def _append_with_less(
        self, routes: Mapping[Route, Operations], durability: Durability
    ) -> None:
        """Give up the spare, or what is dead in the log, and try once more."""
        self._writer.is_tight = True
        checkpoints = self._writer.opened().checkpoints
        try:
            if await checkpoints.drop_spare():
                self._writer.is_to_shrink = True
            else:
                # Values that were put again and again take more room in the log than in an image.
                await checkpoints.write(self._tables, keep_spare=False)
            await self._append(routes, durability)
        except HostError as error:
            self._writer.give_up(error)
            raise

    async def _seal_anew(self, intake: Intake) -> None:
        """Write everything under a new root: the former was deleted while the store was open."""
        # Before there is a new life: whatever ends it halfway, nothing is sealed by it alone.
        self._writer.is_unsaved = True
        try:
            await Afresh(self._writer.opened()).new_life()
            await self._save_anew()
        except RefusedError as error:
            await self._after_fence(error, intake)

    async def _save_anew(self) -> None:
        await self._writer.opened().checkpoints.write(self._tables, keep_spare=False)
        self._writer.is_unsaved = False


def _deleted() -> HostError:
    return HostError(
        "storage-failed",
        "store: expected its database, got none: it was deleted while it was open. The store went "
        "on with an empty one; what was tracked and not yet durable is in it.",
        {"lost": "deleted"},
    )
