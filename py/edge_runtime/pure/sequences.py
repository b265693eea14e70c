"""Which sequences an event completes: shared prefixes are one path of a trie.

A step's state is the greatest time at which an instance that reached it began. Times never
decrease, so whatever that instance completes, an earlier one completes no later: one number a step
is exact. Nothing is consumed, and an event serves one step only, because all steps are judged by
the state before it.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from ..config_triggers import EventKey, EventPattern, Scope, Trigger
from ..types import Event
from .where_index import Props, WhereIndex

MAX_LOADS: Final = 64
"""Page loads whose steps are remembered; the one that was silent for longest is forgotten."""

_PARTS_OF_AN_ID: Final = 3


class _Step:
    """A step with the path to it; ``ends`` are the triggers it completes."""

    __slots__ = ("ends", "following", "later")

    def __init__(self) -> None:
        self.ends: list[tuple[int, float]] = []
        self.following: dict[EventPattern, _Step] = {}
        self.later: defaultdict[EventKey, WhereIndex[_Step]] = defaultdict(WhereIndex)


_Reached = dict[_Step, float]
_Hits = list[tuple[_Step, float]]


class _Tree:
    """Sequences that are judged by the same state: of one scope, one page, one beginning."""

    def __init__(self) -> None:
        self.window_ms = 0.0
        self.root = _Step()
        self.pairs: defaultdict[EventKey, WhereIndex[tuple[_Step, _Step]]] = defaultdict(WhereIndex)

    def add(self, trigger: Trigger, index: int) -> list[_Step]:
        """Add a sequence and return its path."""
        self.window_ms = max(self.window_ms, trigger.within_ms)
        path: list[_Step] = []
        for pattern in trigger.sequence:
            path.append(self._step(path[-1] if path else self.root, pattern))
        path[-1].ends.append((index, trigger.within_ms))
        return path

    def advance(self, reached: _Reached, event: Event, key: EventKey, at_ms: float) -> _Hits:
        """Bring ``reached`` up to date; return the steps reached now and when they began."""
        hits = [(step, at_ms) for step in _behind(self.root, key, event.props)]
        if reached and key in self.pairs:
            hits += self._continued(reached, key, event.props, at_ms)
        reached.update((step, began_ms) for step, began_ms in hits if step.following)
        return hits

    def _continued(self, reached: _Reached, key: EventKey, props: Props, at_ms: float) -> _Hits:
        """Return the steps behind reached ones, looked up from whichever side they are fewer."""
        pairs = self.pairs[key]
        near = pairs.candidates(props)
        if sum(map(len, near)) <= len(reached):
            return [
                (step, reached[parent])
                for entries in near
                for (parent, step), accepts in entries
                if parent in reached and (accepts is None or accepts(props))
            ]
        oldest_ms = at_ms - self.window_ms
        for step in [step for step, began_ms in reached.items() if began_ms < oldest_ms]:
            del reached[step]
        return [
            (step, began_ms)
            for parent, began_ms in reached.items()
            for step in _behind(parent, key, props)
        ]

    def _step(self, parent: _Step, pattern: EventPattern) -> _Step:
        if pattern not in parent.following:
            parent.following[pattern] = step = _Step()
            for key in dict.fromkeys(pattern.keys()):
                parent.later[key].add(step, pattern.where)
                if parent is not self.root:
                    self.pairs[key].add((parent, step), pattern.where)
        return parent.following[pattern]


def _behind(parent: _Step, key: EventKey, props: Props) -> list[_Step]:
    return parent.later[key].matching(props) if key in parent.later else []


class Sequences:
    """All sequences of a configuration and how far each has come.

    Attributes:
        keys: The events that it must see.
    """

    def __init__(self) -> None:
        self.keys: dict[EventKey, None] = {}
        self._trees: dict[tuple[Any, ...], _Tree] = {}
        self._by_key: dict[EventKey, dict[_Tree, bool]] = {}
        self._beginnings: dict[EventKey, dict[_Tree, None]] = {}
        self._paths: dict[int, tuple[_Tree, list[_Step]]] = {}
        self._anywhere: dict[_Tree, _Reached] = {}
        self._loads: dict[str, dict[_Tree, _Reached]] = {}

    def add(self, index: int, trigger: Trigger, generation: int) -> None:
        """Add the sequence of a trigger; ones of different generations share no state."""
        beginnings = _beginnings(trigger)
        tree = self._trees.setdefault((trigger.scope, beginnings, generation), _Tree())
        self._paths[index] = tree, tree.add(trigger, index)
        is_paged = trigger.scope is Scope.PAGE
        for key in (*beginnings, *(key for step in trigger.sequence for key in step.keys())):
            self.keys[key] = None
            self._by_key.setdefault(key, {})[tree] = is_paged
        for key in beginnings:
            self._beginnings.setdefault(key, {})[tree] = None

    def completed(self, event: Event, key: EventKey, at_ms: float) -> Iterator[int]:
        """Take an event and yield the index of each trigger whose sequence it completes."""
        for tree, is_paged in self._by_key.get(key, {}).items():
            reached = self._reached(tree, event, key, is_paged=is_paged)
            for step, began_ms in tree.advance(reached, event, key, at_ms):
                for index, within_ms in step.ends:
                    if at_ms - began_ms <= within_ms:
                        yield index

    def clear(self) -> None:
        """Begin anew."""
        self._anywhere.clear()
        self._loads.clear()

    def inherit(self, former: "Sequences", kept: Iterable[tuple[int, int]]) -> None:
        """Take over how far sequences have come.

        Args:
            former: Where they are now.
            kept: Indexes of a trigger, there and here.
        """
        pairs = [(former._paths[old], self._paths[new]) for old, new in kept]
        _transplant(pairs, former._anywhere, self._anywhere)
        for load, states in former._loads.items():
            _transplant(pairs, states, self._loads.setdefault(load, {}))

    def _reached(self, tree: _Tree, event: Event, key: EventKey, *, is_paged: bool) -> _Reached:
        if not is_paged:
            return self._anywhere.setdefault(tree, {})
        states = self._of_load(_load_of(event.id))
        if tree in self._beginnings.get(key, ()):
            states[tree] = {}
        return states.setdefault(tree, {})

    def _of_load(self, load: str) -> dict[_Tree, _Reached]:
        # Taken out and put in again: the first one is the one that was silent for longest.
        states = self._loads.pop(load, None) or {}
        self._loads[load] = states
        if len(self._loads) > MAX_LOADS:
            del self._loads[next(iter(self._loads))]
        return states


def _beginnings(trigger: Trigger) -> tuple[EventKey, ...]:
    """Return the views that begin a sequence anew."""
    if trigger.scope is not Scope.PAGE:
        return ()
    return tuple(sorted({(step.type, step.page_id, "") for step in trigger.sequence}))


def _load_of(event_id: str) -> str:
    """Return the page load of an id ``time-page-count``; other ids are of one load."""
    parts = event_id.split("-")
    return parts[1] if len(parts) == _PARTS_OF_AN_ID else ""


def _transplant(
    pairs: Sequence[tuple[tuple[_Tree, list[_Step]], tuple[_Tree, list[_Step]]]],
    source: dict[_Tree, _Reached],
    target: dict[_Tree, _Reached],
) -> None:
    for (old_tree, old_path), (new_tree, new_path) in pairs:
        reached = source.get(old_tree, {})
        for old, new in zip(old_path, new_path, strict=True):
            if old in reached and new.following:
                target.setdefault(new_tree, {})[new] = reached[old]
