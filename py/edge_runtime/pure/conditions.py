"""``where`` of a pattern, made into one function that says whether an event's props satisfy it."""

from collections.abc import Callable, Mapping, Sequence

from ..config_where import MISSING, Condition
from ..types import JsonValue

Accepts = Callable[[Mapping[str, JsonValue]], bool]


def compiled(where: Sequence[Condition]) -> Accepts | None:
    """Return what says whether props satisfy all of ``where``; None if it asks for nothing.

    >>> accepts = compiled([Condition("item.price", "gt", "10")])
    >>> accepts({"item": {"price": 12}}), accepts({"item": {"price": "12"}}), accepts({})
    (True, False, False)
    """
    checks = [(tuple(each.path.split(".")), each.predicate()) for each in where]
    if not checks:
        return None
    return lambda props: all(holds(_value(props, path)) for path, holds in checks)


def _value(props: Mapping[str, JsonValue], path: tuple[str, ...]) -> object:
    value: object = props
    for name in path:
        if not isinstance(value, dict) or name not in value:
            return MISSING
        value = value[name]
    return value
