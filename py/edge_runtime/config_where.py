"""Conditions on an event's props: what they say, when they hold, and which can never hold.

A condition is only true for a value of the operand's JSON type; a boolean is no number. A prop that
is not there satisfies ``exists: false``, ``ne`` and ``notIn``, and nothing else.
"""

import json
import operator as python
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from . import schema
from .types import JsonValue

Predicate = Callable[[object], bool]
Typed = tuple[str | None, object]
"""A value with its JSON type, equal for equal JSON values only; lists and objects are all alike."""

MISSING: Final = object()
"""Stands for the value of a prop that is not there."""

_KINDS: Final[Mapping[type, str]] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    type(None): "null",
}
_COMPARISONS: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    "gt": python.gt,
    "gte": python.ge,
    "lt": python.lt,
    "lte": python.le,
}
_DECODER: Final = json.JSONDecoder()
_LOWER: Final = ("gt", "gte")
_UPPER: Final = ("lt", "lte")
_OF_MISSING: Final = ("ne", "notIn")
_OF_LISTS: Final = ("in", "notIn")
_OF_VALUES: Final = ("eq", "in")
_OF_SCALARS: Final = frozenset((*_OF_VALUES, *_COMPARISONS))


@dataclass(frozen=True, slots=True)
class Condition:
    """One operator on one prop.

    Attributes:
        path: Name of the prop; dots reach into nested objects.
        operator: ``eq``, ``ne``, ``gt``, ``gte``, ``lt``, ``lte``, ``in``, ``notIn`` or ``exists``.
        operand: JSON text, so that 1 and true differ where conditions are compared.
    """

    path: str
    operator: str
    operand: str

    def predicate(self) -> Predicate:
        """Return what says whether a value, or :data:`MISSING`, satisfies the condition."""
        return _predicate(self.operator, _operand(self))

    def values(self) -> frozenset[Typed] | None:
        """Return the only values that satisfy ``eq`` and ``in``; None for another operator."""
        if self.operator not in _OF_VALUES:
            return None
        return _members(self.operator, _operand(self))


def _operand(condition: Condition) -> Any:
    # Our own text, so no blanks to look for: an eighth of the time of json.loads().
    return _DECODER.raw_decode(condition.operand)[0]


def typed(value: object) -> Typed:
    """Return a value of a prop, or :data:`MISSING`, in the form in which values are equal."""
    kind = _kind(value)
    return (kind, value if kind is not None else None)


def parse_where(plain: Mapping[str, Any], path: str) -> tuple[Condition, ...]:
    """Turn a pattern's ``where`` into conditions, all of which are required.

    Args:
        plain: Checked against the schema already.
        path: Where it is in the configuration, for errors.

    Raises:
        ConfigError: ``config-invalid``: no value could satisfy it.
    """
    wanted = {
        name: value if isinstance(value, Mapping) else {"eq": value}
        for name, value in plain.items()
    }
    for name, operators in wanted.items():
        _refuse_numbers_beyond(f"{path}.{name}", operators)
        _refuse_contradiction(f"{path}.{name}", operators)
        _refuse_impossible_parent(f"{path}.{name}", name, wanted)
    return tuple(
        Condition(name, operator, json.dumps(operand))
        for name, operators in wanted.items()
        for operator, operand in operators.items()
    )


def _predicate(operator: str, operand: JsonValue) -> Predicate:
    if operator == "exists":
        return lambda value: (value is not MISSING) is operand
    if operator in _COMPARISONS:
        compare, kind = _COMPARISONS[operator], _kind(operand)
        return lambda value: _kind(value) == kind and compare(value, operand)
    members = _members(operator, operand)
    if operator in _OF_MISSING:
        return lambda value: typed(value) not in members
    return lambda value: typed(value) in members


def _members(operator: str, operand: Any) -> frozenset[Typed]:
    return frozenset(map(typed, operand if operator in _OF_LISTS else [operand]))


def _kind(value: object) -> str | None:
    return _KINDS.get(type(value))


def _refuse_numbers_beyond(path: str, operators: Mapping[str, Any]) -> None:
    for name, operand in operators.items():
        for value in operand if name in _OF_LISTS else (operand,):
            # Also false for NaN.
            if _kind(value) == "number" and not abs(value) <= sys.float_info.max:
                reason = "JSON has neither NaN nor numbers beyond 1.8e308."
                _refuse(path, "a number that a prop can be", value, reason)


def _refuse_contradiction(path: str, operators: Mapping[str, JsonValue]) -> None:
    if operators.get("exists") is False and len(operators) > 1:
        _refuse(path, "exists false alone", operators, "A prop that is missing has no value.")
    bounds = {name: operators[name] for name in _COMPARISONS if name in operators}
    if len({_kind(bound) for bound in bounds.values()}) > 1:
        _refuse(path, "bounds of one type", operators, "No value is both a number and a text.")
    if _is_empty(bounds):
        _refuse(path, "a lower bound below the upper one", operators, "No value is between them.")
    candidates = _candidates(operators)
    checks = [_predicate(name, operand) for name, operand in operators.items()]
    if candidates is not None and not any(all(check(v) for check in checks) for v in candidates):
        _refuse(path, "conditions that one value can satisfy", operators, "Together none can.")


def _candidates(operators: Mapping[str, JsonValue]) -> Sequence[JsonValue] | None:
    """Return the only values that could satisfy ``operators``; None if there are too many."""
    if "eq" in operators:
        return [operators["eq"]]
    if "in" in operators:
        return list(operators["in"])
    if "gte" in operators and operators["gte"] == operators.get("lte", MISSING):
        return [operators["gte"]]
    return None


def _is_empty(bounds: Mapping[str, Any]) -> bool:
    """Say whether nothing is above all lower and below all upper bounds."""
    return bounds.get("lt") == "" or any(
        bounds[low] > bounds[high]
        or (bounds[low] == bounds[high] and (low, high) != ("gte", "lte"))
        for low in _LOWER
        for high in _UPPER
        if low in bounds and high in bounds
    )


def _refuse_impossible_parent(
    path: str, name: str, wanted: Mapping[str, Mapping[str, Any]]
) -> None:
    """Refuse a condition on a part of what another one wants to be missing, or no object."""
    own = wanted[name]
    if not _OF_SCALARS & own.keys() and not own.get("exists"):
        return
    parts = name.split(".")
    for length in range(1, len(parts)):
        above = ".".join(parts[:length])
        parent = wanted.get(above, {})
        if _OF_SCALARS & parent.keys() or parent.get("exists") is False:
            expected = f"no condition on a part of {above}, which can have none"
            _refuse(path, expected, own, "The two can never hold together.")


def _refuse(path: str, expected: str, value: object, reason: str) -> None:
    raise schema.invalid("config", path, expected, value, f"{reason} Correct the condition.")
