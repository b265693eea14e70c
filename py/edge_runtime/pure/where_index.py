"""Which of many ``where`` an event's props satisfy, in time independent of how many there are.

An item that wants a prop to be one of some values is found by that value. Only items that do not,
and the other conditions of those found, are checked one by one.

>>> index: WhereIndex[str] = WhereIndex()
>>> index.add("shoe", [Condition("item.sku", "eq", '"s1"'), Condition("item.price", "gt", "10")])
>>> index.matching({"item": {"sku": "s1", "price": 12}}), index.matching({"item": {"sku": "s2"}})
(['shoe'], [])
"""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Generic, TypeVar

from ..config_where import MISSING, Condition, Typed, typed
from ..types import JsonValue

Item = TypeVar("Item")
Props = Mapping[str, JsonValue]
Accepts = Callable[[Props], bool]
Entries = list[tuple[Item, Accepts | None]]
"""Items with what is still to be checked."""


class _Prop(Generic[Item]):
    """What is wanted of a prop and, by their names, of its parts."""

    __slots__ = ("by_value", "parts")

    def __init__(self) -> None:
        self.parts: dict[str, _Prop[Item]] = {}
        self.by_value: dict[Typed, Entries[Item]] = {}

    def at(self, path: str) -> "_Prop[Item]":
        """Return the part that ``path`` leads to."""
        found = self
        for name in path.split("."):
            if name not in found.parts:
                found.parts[name] = _Prop()
            found = found.parts[name]
        return found

    def wanting(self, value: object) -> Iterator[Entries[Item]]:
        """Yield those who want what ``value``, or a part of it, is."""
        if isinstance(value, dict):
            for name in self.parts.keys() & value.keys():
                yield from self.parts[name].wanting(value[name])
        elif (wanting := self.by_value.get(typed(value))) is not None:
            yield wanting


class WhereIndex(Generic[Item]):
    """Items by what they want of the props of events that have the same key.

    It is built when the first event comes: most keys of a large configuration never occur.
    """

    __slots__ = ("_added", "_checked", "_props")

    def __init__(self) -> None:
        self._added: list[tuple[Item, Sequence[Condition]]] = []
        self._checked: Entries[Item] = []
        self._props: _Prop[Item] | None = None

    def add(self, item: Item, where: Sequence[Condition]) -> None:
        """Add an item that wants all of ``where``; one that was added twice may be found twice."""
        self._added.append((item, where))

    def matching(self, props: Props) -> list[Item]:
        """Return the items whose conditions ``props`` satisfy, in no particular order."""
        return [
            item
            for entries in self.candidates(props)
            for item, accepts in entries
            if accepts is None or accepts(props)
        ]

    def candidates(self, props: Props) -> Sequence[Entries[Item]]:
        """Return all items that could match, in lists that belong to the index."""
        if self._added:
            self._build()
        if self._props is None:
            return (self._checked,)
        return (self._checked, *self._props.wanting(props))

    def _build(self) -> None:
        for item, where in self._added:
            wanted = [(each, values) for each in where if (values := each.values()) is not None]
            if wanted:
                self._props = self._props or _Prop()
                self._file(self._props, item, where, wanted)
            else:
                self._checked.append((item, _compiled(tuple(where))))
        self._added.clear()

    def _file(
        self,
        props: _Prop[Item],
        item: Item,
        where: Sequence[Condition],
        wanted: Sequence[tuple[Condition, frozenset[Typed]]],
    ) -> None:
        def crowd(each: tuple[Condition, frozenset[Typed]]) -> tuple[int, int]:
            by_value = props.at(each[0].path).by_value
            return max(len(by_value.get(value, ())) for value in each[1]), len(each[1])

        # Of several, the one whose values the fewest others want.
        chosen, values = min(wanted, key=crowd) if len(wanted) > 1 else wanted[0]
        entry = item, _compiled(tuple(each for each in where if each is not chosen))
        by_value = props.at(chosen.path).by_value
        for value in values:
            by_value.setdefault(value, []).append(entry)


# Many rules want the same but for one value: what they share is faster to ask, too.
@functools.lru_cache(maxsize=256)
def _compiled(where: tuple[Condition, ...]) -> Accepts | None:
    """Return what says whether props satisfy all of ``where``; None if it asks for nothing."""
    checks = [(tuple(each.path.split(".")), each.predicate()) for each in where]
    if not checks:
        return None
    if len(checks) == 1:
        ((only, check),) = checks
        return lambda props: check(_value(props, only))
    return lambda props: all(holds(_value(props, path)) for path, holds in checks)


def _value(props: Props, path: tuple[str, ...]) -> object:
    value: object = props
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value
