"""Places for running code, one of them kept for class core.

>>> slots = Slots(max_running=2)
>>> slots.take(Ticket(task="Rank", priority=Priority.LOW, timeout_ms=100))
>>> slots.open()
(<Priority.CORE: 'core'>,)
>>> slots.take(Ticket(task="Rank", priority=Priority.CORE, timeout_ms=100))
>>> slots.open()
()
"""

from typing import Final

from ..types import Priority, WaitedFor
from .tickets import Ticket
from .waiting_lines import PRIORITIES

_CORE_ONLY: Final = (Priority.CORE,)


class Slots:
    """Counts who holds a slot, by class. Of two slots or more one is kept for class core."""

    def __init__(self, max_running: int) -> None:
        self.max_running = max_running
        self._held = dict.fromkeys(PRIORITIES, 0)
        self._used = 0

    @property
    def shared(self) -> int:
        """How many slots runs of any class may hold."""
        return max(1, self.max_running - 1)

    def held(self, priority: Priority) -> int:
        """Return how many slots runs of ``priority`` hold."""
        return self._held[priority]

    def open(self) -> tuple[Priority, ...]:
        """Return the classes of which a run could start now."""
        if self._used >= self.max_running:
            return ()
        others = self._used - self._held[Priority.CORE]
        return _CORE_ONLY if others >= self.shared else PRIORITIES

    def obstacle(self) -> WaitedFor:
        """Return what a run waits for that got none."""
        return WaitedFor.CORE_SLOT if self.open() else WaitedFor.SLOTS

    def take(self, ticket: Ticket) -> None:
        """Let a run hold a slot, if it does not; above the limit, too: who calls asks first."""
        if not ticket.holds_slot:
            ticket.holds_slot = True
            self._held[ticket.priority] += 1
            self._used += 1

    def free(self, ticket: Ticket) -> None:
        """Take back the slot of a run, if it holds one."""
        if ticket.holds_slot:
            ticket.holds_slot = False
            self._held[ticket.priority] -= 1
            self._used -= 1
