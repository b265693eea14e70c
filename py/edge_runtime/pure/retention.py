"""Which rule a key falls under, and which records of the log nobody needs any more.

Invariant: records are deleted from the oldest on, without gaps. A delete in a record may be what
keeps an older put from coming back, so a record goes only when all before it have gone.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

from ..config import KeyRule

DAY_MS: Final = 86_400_000.0
_SPARE_OPERATIONS: Final = 1_000


def rule_for(rules: Sequence[KeyRule], key: str) -> KeyRule | None:
    """Return the rule with the longest prefix of ``key``.

    >>> rule_for([KeyRule("ui."), KeyRule("ui.theme.")], "ui.theme.dark").prefix
    'ui.theme.'
    """
    matching = (rule for rule in rules if key.startswith(rule.prefix))
    return max(matching, key=lambda rule: len(rule.prefix), default=None)


def is_expired(rules: Sequence[KeyRule], key: str, updated_ms: float, now_ms: float) -> bool:
    """Say whether a value is older than its rule allows."""
    rule = rule_for(rules, key)
    if rule is None or rule.max_age_days is None:
        return False
    return updated_ms < now_ms - rule.max_age_days * DAY_MS


class Ledger:
    """What each replayed record contributed, in replay order."""

    def __init__(self) -> None:
        self._newest_ts: list[float] = []
        self._last_put: dict[str, int] = {}
        self._operations = 0

    def add(self, newest_ts: float, events: int, operations: Sequence[Sequence[Any]]) -> None:
        """Note a record: its newest event's time, its number of events, its key operations."""
        index = len(self._newest_ts)
        self._newest_ts.append(newest_ts)
        self._operations += events + len(operations)
        for operation in operations:
            if operation[0] == "put":
                self._last_put[operation[1]] = index
            else:
                self._last_put.pop(operation[1], None)

    def leading_dead(self, oldest_ts: float, is_kept: Callable[[str], bool]) -> int:
        """Return how many leading records hold no event from ``oldest_ts`` on and no kept value."""
        needed = {index for key, index in self._last_put.items() if is_kept(key)}
        for index, newest_ts in enumerate(self._newest_ts):
            if newest_ts >= oldest_ts or index in needed:
                return index
        return len(self._newest_ts)

    def is_wasteful(self, live: int) -> bool:
        """Say whether more than half of what was replayed is superseded or expired."""
        return self._operations > 2 * live + _SPARE_OPERATIONS
