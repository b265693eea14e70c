"""Counts and cooldowns of triggers as one JSON value, which a later life goes on from.

Triggers are named by a digest of their whole definition: a changed one begins empty.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ..config_triggers import Trigger
from ..types import JsonValue
from .rule import Rule, time_of

MAX_TIMES: Final = 10_000
"""Times in a value, which stays far below what one may hold; the latest changes are kept."""

_DIGEST_CHARS: Final = 16


def digest(trigger: Trigger) -> str:
    """Return a name for all that a trigger is made of."""
    return hashlib.sha256(repr(trigger).encode()).hexdigest()[:_DIGEST_CHARS]


def stored(
    newest_ms: float, changed: Iterable[Rule], names: Mapping[Rule, str]
) -> dict[str, JsonValue]:
    """Return what rules remember at ``newest_ms``, Unix ms, of those that changed last.

    Args:
        newest_ms: The time of the newest event.
        changed: The one that changed last comes last.
        names: Of all of them.
    """
    rules: dict[str, JsonValue] = {}
    room = MAX_TIMES
    for rule in reversed(list(changed)):
        plain = rule.to_plain(newest_ms)
        if plain != [None]:
            room -= len(plain)
            if room < 0:
                break
            rules[names[rule]] = plain
    return {"newestMs": newest_ms, "rules": rules} if rules else {}


def newest_of(plain: JsonValue) -> float | None:
    """Return the Unix time in ms that a stored value is of; None if it is none."""
    if not isinstance(plain, Mapping) or not isinstance(plain.get("rules"), Mapping):
        return None
    try:
        return time_of(plain.get("newestMs"))
    except (TypeError, ValueError, OverflowError):
        return None


def restored(
    plain: Mapping[str, JsonValue], newest_ms: float, names: Mapping[Rule, str]
) -> Iterator[tuple[Rule, None]]:
    """Give rules back what they remembered, and yield them; what cannot be read is left out."""
    rules = plain["rules"]
    assert isinstance(rules, Mapping)
    by_name = {name: rule for rule, name in names.items()}
    # Stored with the latest change first.
    for name, times in list(rules.items())[::-1]:
        if name in by_name:
            try:
                by_name[name].restore(times, newest_ms)
            except (TypeError, ValueError, OverflowError):
                continue
            yield by_name[name], None
