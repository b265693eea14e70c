"""Which route a key belongs to: what its caller asked for, and what the rules say."""

from collections.abc import Sequence
from enum import IntEnum
from typing import Final

from ..config import KeyRule
from .segment import Route


class Asked(IntEnum):
    """What the caller of a put said about encryption; stored beside the value."""

    NOTHING = 0
    SEALED = 1
    PLAIN = 2


_ASKED: Final[dict[bool | None, Asked]] = {
    None: Asked.NOTHING,
    True: Asked.SEALED,
    False: Asked.PLAIN,
}


def asked(encrypted: bool | None) -> Asked:
    """Return what ``encrypted`` of a put says."""
    return _ASKED[None if encrypted is None else bool(encrypted)]


def rule_for(rules: Sequence[KeyRule], key: str) -> KeyRule | None:
    """Return the rule with the longest prefix of ``key``.

    >>> rule_for([KeyRule("ui."), KeyRule("ui.theme.")], "ui.theme.dark").prefix
    'ui.theme.'
    """
    matching = (rule for rule in rules if key.startswith(rule.prefix))
    return max(matching, key=lambda rule: len(rule.prefix), default=None)


def route_for(rules: Sequence[KeyRule], key: str, said: Asked) -> Route:
    """Return where ``key`` is kept: plain only if nobody wants it sealed and somebody wants it not.

    >>> route_for([KeyRule("ui.", encrypted=False)], "ui.theme", Asked.NOTHING)
    'plain'
    >>> route_for([KeyRule("ui.", encrypted=True)], "ui.theme", Asked.PLAIN)
    'sealed'
    """
    rule = rule_for(rules, key)
    if said is Asked.SEALED or (rule is not None and rule.encrypted):
        return "sealed"
    return "plain" if rule is not None or said is Asked.PLAIN else "sealed"
