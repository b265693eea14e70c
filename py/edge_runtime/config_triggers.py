"""Triggers as a site configures them (docs/triggers.md); those that can never fire are refused."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, NoReturn

from . import schema
from .config_where import Condition, parse_where
from .types import Event, Priority

EventKey = tuple[str, str, str]
"""Type, page and click id of an event; an empty click id for a view or an exit."""

_WITHIN_MS: Final = 600_000
_TYPE_CHARS: Final = 256
_EXPOSURE: Final = ".exposure"
_EXIT: Final = ".exit"
# Unix seconds stay below it until the year 5138, and no trigger expires in 1973.
_LEAST_UNIX_MS: Final = 1e11


class Scope(StrEnum):
    """Where the steps of a sequence may come from: any page and tab, or one view of one page."""

    ANY = "any"
    PAGE = "page"


@dataclass(frozen=True, slots=True)
class EventPattern:
    """What matches: any one of views, clicks, exposures and exits of ``page_id``.

    Attributes:
        type: Stream of events.
        page_id: Page they belong to.
        need_pv: Whether views match.
        click_ids: Clicks that match; likewise ``exposure_ids``.
        need_exit: Whether leaving the page matches.
        where: Conditions on the props, all required.
    """

    type: str
    page_id: str
    need_pv: bool = False
    click_ids: tuple[str, ...] = ()
    exposure_ids: tuple[str, ...] = ()
    need_exit: bool = False
    where: tuple[Condition, ...] = ()

    def keys(self) -> Iterator[EventKey]:
        """Yield the keys of the events that match but for ``where``."""
        if self.need_pv:
            yield self.type, self.page_id, ""
        for click_id in self.click_ids:
            yield self.type, self.page_id, click_id
        for exposure_id in self.exposure_ids:
            yield self.type + _EXPOSURE, self.page_id, exposure_id
        if self.need_exit:
            yield self.type + _EXIT, self.page_id, ""


@dataclass(frozen=True, slots=True)
class Count:
    """Fires when ``times`` completions lie within ``within_ms``, then counts anew."""

    times: int
    within_ms: float


@dataclass(frozen=True, slots=True)
class Trigger:
    """When ``task_name`` runs: on any one of ``events``, or when a ``sequence`` is complete.

    Attributes:
        within_ms: From the first step of a sequence to its last.
        cooldown_ms: For so long after an activation the trigger does not fire again.
        sample: Share of the activations that take place, in (0, 1].
        priority: The runs' queue; None: the task's own.
        expires_at_ms: Unix time from which on it does not fire; None: never.
    """

    task_name: str
    events: tuple[EventPattern, ...] = ()
    sequence: tuple[EventPattern, ...] = ()
    within_ms: float = _WITHIN_MS
    scope: Scope = Scope.ANY
    count: Count | None = None
    cooldown_ms: float = 0
    sample: float = 1
    priority: Priority | None = None
    expires_at_ms: float | None = None


def key_of(event: Event) -> EventKey | None:
    """Return an event's key; None for one that is neither a view nor has a click id."""
    click_id = "" if event.pv else event.click_id
    return None if click_id is None else (event.type, event.page_id, click_id)


def parse_trigger(plain: Mapping[str, Any], path: str) -> Trigger:
    """Turn one entry of ``triggers`` into a trigger.

    Args:
        plain: Checked against the schema already.
        path: Where it is in the configuration, for errors.

    Raises:
        ConfigError: ``config-invalid``: it could never fire, or contradicts itself.
    """
    _check_form(plain, path)
    sequence = _patterns(plain, path, "sequence")
    scope = Scope(plain.get("scope", Scope.ANY))
    if scope is Scope.PAGE:
        _check_page_scope(sequence, path)
    return Trigger(
        plain["taskName"],
        events=_patterns(plain, path, "events"),
        sequence=sequence,
        within_ms=plain.get("withinMs", _WITHIN_MS),
        scope=scope,
        count=_count(plain.get("count")),
        cooldown_ms=plain.get("cooldownMs", 0),
        sample=plain.get("sample", 1),
        priority=Priority(plain["priority"]) if "priority" in plain else None,
        expires_at_ms=_expiry(plain.get("expiresAt"), f"{path}.expiresAt"),
    )


def _check_form(plain: Mapping[str, Any], path: str) -> None:
    if ("events" in plain) == ("sequence" in plain):
        given = sorted(plain)
        advice = "Any one of events fires; the steps of a sequence come one after the other."
        _refuse(path, "exactly one of events and sequence", given, advice)
    for name in ("withinMs", "scope"):
        if name in plain and "sequence" not in plain:
            advice = f"{name} is about the steps of a sequence. Remove it, or see count.withinMs."
            _refuse(f"{path}.{name}", "a trigger with a sequence", plain[name], advice)


def _patterns(plain: Mapping[str, Any], path: str, name: str) -> tuple[EventPattern, ...]:
    return tuple(
        _pattern(each, f"{path}.{name}[{position}]")
        for position, each in enumerate(plain.get(name, ()))
    )


def _pattern(plain: Mapping[str, Any], path: str) -> EventPattern:
    pattern = EventPattern(
        plain["type"],
        plain["pageId"],
        need_pv=plain.get("needPv", False),
        click_ids=tuple(plain.get("clickIds", ())),
        exposure_ids=tuple(plain.get("exposureIds", ())),
        need_exit=plain.get("needExit", False),
        where=parse_where(plain.get("where", {}), f"{path}.where"),
    )
    keys = list(pattern.keys())
    if not keys:
        expected = "needPv or needExit true, or at least one of clickIds or exposureIds"
        advice = "This pattern can never match: set needPv to true or list click ids."
        _refuse(path, expected, plain, advice)
    if max(len(kind) for kind, _, _ in keys) > _TYPE_CHARS:
        advice = f"Exposures and exits have the type with {_EXPOSURE} or {_EXIT} behind it."
        _refuse(f"{path}.type", f"{_TYPE_CHARS} characters with its ending", plain["type"], advice)
    return pattern


def _check_page_scope(sequence: Sequence[EventPattern], path: str) -> None:
    pages = list(dict.fromkeys(step.page_id for step in sequence))
    if len(pages) > 1:
        advice = "Steps on several pages never lie within one view of one. Use scope any."
        _refuse(f"{path}.scope", "page for steps of one pageId", pages, advice)
    for position, step in enumerate(sequence[1:], 1):
        if all(not click_id and kind == step.type for kind, _, click_id in step.keys()):
            where, expected = f"{path}.sequence[{position}]", "something else than a view alone"
            advice = "With scope page a view begins anew, so it can be the first step only."
            _refuse(where, expected, {"needPv": True}, advice)


def _count(plain: Mapping[str, Any] | None) -> Count | None:
    return None if plain is None else Count(int(plain["times"]), plain["withinMs"])


def _expiry(value: Any, path: str) -> float | None:
    if value is None:
        return None
    if isinstance(value, str):
        return _iso_ms(value, path)
    if value < _LEAST_UNIX_MS:
        _refuse(path, "Unix milliseconds", value, "This looks like seconds: multiply by 1,000.")
    return float(value)


def _iso_ms(text: str, path: str) -> float:
    expected = "a time of ISO 8601 with its zone"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _refuse(path, expected, text, 'Write, for example, "2027-01-01T00:00:00+08:00".')
    if moment.tzinfo is None:
        _refuse(path, expected, text, "Without one it is another time on each device: add Z.")
    return moment.timestamp() * 1_000


def _refuse(path: str, expected: str, value: object, advice: str) -> NoReturn:
    raise schema.invalid("config", path, expected, value, advice)
