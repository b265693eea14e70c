"""Three lines of waiting items; waiting promotes an item by one class per ageing step.

The effective class is computed when somebody asks who is first; what is stored never changes. In a
line the earlier place has also waited longer, so only the heads of the lines are compared.

>>> from types import SimpleNamespace as Item
>>> lines = WaitingLines(ageing_ms=100)
>>> low = Item(priority=Priority.LOW, since_ms=0, place=(1, 0))
>>> core = Item(priority=Priority.CORE, since_ms=150, place=(2, 0))
>>> lines.push(low), lines.push(core)
(None, None)
>>> lines.first(150) is core, lines.first(200) is low
(True, True)
"""

import heapq
from collections.abc import Iterator, Sequence
from typing import Final, Generic, Protocol, TypeVar

from ..types import Priority

Place = tuple[int, int]

PRIORITIES: Final = tuple(Priority)
_INDEX: Final = {priority: index for index, priority in enumerate(PRIORITIES)}


class Waiting(Protocol):
    """What can wait. Two items at once never have the same place; a later one is no older."""

    @property
    def priority(self) -> Priority: ...  # noqa: D102 - see the class
    @property
    def since_ms(self) -> float: ...  # noqa: D102 - see the class
    @property
    def place(self) -> Place: ...  # noqa: D102 - see the class


W = TypeVar("W", bound=Waiting)


class WaitingLines(Generic[W]):
    """Waiting items, the one to be served next first.

    Arrivals in order, removals and looking cost O(1) amortised, taking the first O(log n).

    Args:
        ageing_ms: Milliseconds of waiting that promote an item by one class.
    """

    def __init__(self, ageing_ms: float) -> None:
        self.ageing_ms = ageing_ms
        self._lines: dict[Priority, _Line[W]] = {priority: _Line() for priority in PRIORITIES}

    def __len__(self) -> int:
        return sum(len(line.items) for line in self._lines.values())

    def __iter__(self) -> Iterator[W]:
        for line in self._lines.values():
            yield from line.items.values()

    def waiting(self, priority: Priority) -> int:
        """Return how many items wait in the line of ``priority``."""
        return len(self._lines[priority].items)

    def push(self, item: W) -> None:
        """Let ``item`` wait at its place in the line of its priority.

        Raises:
            ValueError: Something waits at that place already.
        """
        self._lines[item.priority].push(item)

    def first(self, now_ms: float, among: Sequence[Priority] = PRIORITIES) -> W | None:
        """Return whom to serve next: the most urgent effective class, there the earliest place.

        Args:
            now_ms: On the clock of ``since_ms``.
            among: The lines to look at.
        """
        heads = [head for priority in among if (head := self._lines[priority].head()) is not None]
        return min(heads, key=lambda head: self.rank(head, now_ms), default=None)

    def rank(self, item: W, now_ms: float) -> tuple[float, Place]:
        """Return the effective class, 0 for core, and the place: the smaller goes first."""
        steps = (now_ms - item.since_ms) // self.ageing_ms
        return max(0, _INDEX[item.priority] - steps), item.place

    def remove(self, item: W) -> bool:
        """Take ``item`` itself out of its line; return False if it does not wait."""
        return self._lines[item.priority].remove(item)


class _Line(Generic[W]):
    """Items by place. The heap may hold places that were left; they are dropped when met."""

    __slots__ = ("_heap", "items")

    def __init__(self) -> None:
        self.items: dict[Place, W] = {}
        self._heap: list[Place] = []

    def push(self, item: W) -> None:
        if item.place in self.items:
            raise ValueError(f"place {item.place} is taken")
        self.items[item.place] = item
        # Sifting up stops at once for the greatest place, which is the usual one.
        heapq.heappush(self._heap, item.place)

    def head(self) -> W | None:
        heap = self._heap
        while heap and heap[0] not in self.items:
            heapq.heappop(heap)
        return self.items[heap[0]] if heap else None

    def remove(self, item: W) -> bool:
        if self.items.get(item.place) is not item:
            return False
        del self.items[item.place]
        if len(self._heap) > 2 * len(self.items) + 16:
            self._heap = sorted(self.items)
        return True
