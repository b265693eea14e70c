"""Three bounded waiting lines with strict priority between them.

Invariants: items of one priority leave in order of arrival; an item is in at most one line; a line
never holds more than its limit. Items are told apart by identity, so equal ones can wait together.

>>> queue = PriorityQueue({Priority.CORE: 1, Priority.REGULAR: 2, Priority.LOW: 1})
>>> for item, priority in [("a", Priority.LOW), ("b", Priority.CORE)]:
...     queue.push(item, priority)
>>> queue.pop(), queue.pop(), queue.pop()
('b', 'a', None)
"""

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from typing import Generic, TypeVar

from ..errors import RefusedError
from ..types import Priority

T = TypeVar("T")


class PriorityQueue(Generic[T]):
    """Waiting items, most urgent line first; every operation but iteration is O(1).

    Args:
        limits: How many items may wait per priority; a priority left out takes none.
    """

    def __init__(self, limits: Mapping[Priority, int]) -> None:
        self._limits = {priority: limits.get(priority, 0) for priority in Priority}
        # An OrderedDict forgets its head in O(1); a plain dict walks over what was deleted there.
        self._lines: dict[Priority, OrderedDict[int, T]] = {
            priority: OrderedDict() for priority in Priority
        }

    def __len__(self) -> int:
        return sum(map(len, self._lines.values()))

    def __iter__(self) -> Iterator[T]:
        for line in self._lines.values():
            yield from line.values()

    def waiting(self, priority: Priority) -> int:
        """Return how many items wait in the line of ``priority``."""
        return len(self._lines[priority])

    def push(self, item: T, priority: Priority) -> None:
        """Append ``item`` to the line of ``priority``.

        Raises:
            RefusedError: ``queue-full`` with ``details`` queue and limit; nothing changed.
            ValueError: The very same object waits already.
        """
        line, limit = self._lines[priority], self._limits[priority]
        if any(id(item) in other for other in self._lines.values()):
            raise ValueError("this item waits already")
        if len(line) >= limit:
            raise RefusedError(
                "queue-full",
                f"queue {priority.value}: expected fewer than {limit} waiting, got {len(line)}. "
                "Try again when some have run.",
                {"queue": priority.value, "limit": limit},
            )
        line[id(item)] = item

    def pop(self) -> T | None:
        """Remove and return the first item of the most urgent line; None when nothing waits."""
        for line in self._lines.values():
            if line:
                return line.popitem(last=False)[1]
        return None

    def remove(self, item: T) -> bool:
        """Take ``item`` itself out of its line; return False if it does not wait."""
        return any(line.pop(id(item), None) is not None for line in self._lines.values())
