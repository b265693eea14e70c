"""Which keys a rule does not keep: by age, then by number, then by bytes, the oldest first."""

from collections.abc import Sequence
from typing import NamedTuple

from ..config import KeyRule
from .head import DAY_MS


class KeyRow(NamedTuple):
    """A key, when it was last put, and the UTF-8 bytes of key and value together."""

    key: str
    updated_ms: float
    size_bytes: int


def surplus_keys(rule: KeyRule, rows: Sequence[KeyRow], now_ms: float) -> list[str]:
    """Return the keys of ``rule`` that are to go.

    >>> rows = [KeyRow("a", 1, 10), KeyRow("b", 2, 10), KeyRow("c", 3, 10)]
    >>> surplus_keys(KeyRule("", max_rows=2), rows, now_ms=3), surplus_keys(
    ...     KeyRule("", max_bytes=10), rows, now_ms=3
    ... )
    (['a'], ['a', 'b'])
    """
    newest_first = sorted(rows, key=lambda row: (row.updated_ms, row.key), reverse=True)
    gone: list[str] = []
    kept = 0
    size_bytes = 0
    for row in newest_first:
        size_bytes += row.size_bytes
        # What comes after one that does not fit is older and goes as well.
        if (
            gone
            or _is_expired(rule, row, now_ms)
            or (rule.max_rows is not None and kept >= rule.max_rows)
            or (rule.max_bytes is not None and size_bytes > rule.max_bytes)
        ):
            gone.append(row.key)
        else:
            kept += 1
    return gone[::-1]


def _is_expired(rule: KeyRule, row: KeyRow, now_ms: float) -> bool:
    return rule.max_age_days is not None and row.updated_ms < now_ms - rule.max_age_days * DAY_MS
