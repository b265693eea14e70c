"""The runs that wait for a slot: new ones, those that come back from a nested call, both by age."""

from collections.abc import Iterator, Sequence
from typing import Final

from ..types import Priority
from .tickets import Ticket
from .waiting_lines import WaitingLines

CORE_IN_A_ROW: Final = 3
"""So many core runs are served, then one that has waited until it counts as core.

Without them a flood of the other classes, which has always waited long, would go before all core.
"""


class RunLines:
    """New runs wait in three lines, returning ones in three of their own; keys name new ones."""

    def __init__(self, ageing_ms: float) -> None:
        self._new: WaitingLines[Ticket] = WaitingLines(ageing_ms)
        self._returning: WaitingLines[Ticket] = WaitingLines(ageing_ms)
        # Several only where a more urgent one did not join: at most one per class.
        self._by_key: dict[str, list[Ticket]] = {}
        self._core_in_a_row = 0

    def __iter__(self) -> Iterator[Ticket]:
        """Iterate over the new ones."""
        return iter(self._new)

    def set_ageing(self, ageing_ms: float) -> None:
        """Promote by one class per ``ageing_ms`` from now on."""
        self._new.ageing_ms = self._returning.ageing_ms = ageing_ms

    def waiting(self, priority: Priority) -> int:
        """Return how many new runs of ``priority`` wait."""
        return self._new.waiting(priority)

    def by_key(self, key: str | None) -> Ticket | None:
        """Return the latest run that waits under ``key``."""
        waiting = [] if key is None else self._by_key.get(key, [])
        return waiting[-1] if waiting else None

    def push(self, ticket: Ticket) -> None:
        """Let a new run wait at its place."""
        self._new.push(ticket)
        if ticket.key is not None:
            self._by_key.setdefault(ticket.key, []).append(ticket)

    def push_returning(self, ticket: Ticket) -> None:
        """Let a run that started before wait at its old place; no limit holds."""
        self._returning.push(ticket)

    def remove(self, ticket: Ticket) -> None:
        """Take a run out of the line it is in, if it is in one."""
        if not self._new.remove(ticket):
            self._returning.remove(ticket)
        elif ticket.key is not None:
            self._by_key[ticket.key].remove(ticket)
            if not self._by_key[ticket.key]:
                del self._by_key[ticket.key]

    def take(self, ticket: Ticket) -> None:
        """Take out a run that is served."""
        self.remove(ticket)
        self._core_in_a_row = self._core_in_a_row + 1 if ticket.priority is Priority.CORE else 0

    def first(
        self, now_ms: float, among: Sequence[Priority], *, with_new: bool = True
    ) -> Ticket | None:
        """Return who gets the next slot that runs of ``among`` may have, core among them."""
        first = self._first(now_ms, among, with_new)
        if first is None or first.priority is Priority.CORE or self._core_in_a_row >= CORE_IN_A_ROW:
            return first
        return self._first(now_ms, (Priority.CORE,), with_new) or first

    def _first(self, now_ms: float, among: Sequence[Priority], with_new: bool) -> Ticket | None:
        new = self._new.first(now_ms, among) if with_new else None
        returning = self._returning.first(now_ms, among)
        if new is None or returning is None:
            return new or returning
        return min(new, returning, key=lambda each: self._new.rank(each, now_ms))
