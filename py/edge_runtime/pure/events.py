"""Event records of the page, checked and turned into :class:`Event`.

Everything here comes from markup and third-party scripts, so sizes are bounded and nothing that
the store or a task could choke on (NaN, lone surrogates, deep nesting) gets through.
"""

import json
from collections.abc import Mapping
from typing import Any, Final, NoReturn

from ..config import LIMITS
from ..errors import ConfigError
from ..schema import show
from ..types import Event, JsonValue
from .plain import check_levels

_REQUIRED: Final = ("id", "ts", "type", "pageId", "pv")
_KNOWN: Final = frozenset((*_REQUIRED, "clickId", "props"))
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_ID_CHARS: Final = 64
_PROPS_LEVELS: Final = 16
# The last millisecond a JavaScript Date can hold.
_TS_MAX: Final = 8.64e15


def parse_batch(batch_json: str) -> tuple[list[Event], list[ConfigError]]:
    """Parse a JSON array of records; bad ones are left out and reported, good ones kept in order.

    Returns:
        The events, and one ``argument-invalid`` error per record that was left out. A batch that
        is no JSON array gives no event and one error.
    """
    try:
        check_levels(batch_json)
        records = json.loads(batch_json)
        if not isinstance(records, list):
            _refuse("batch", "a JSON array of events", records)
    except ConfigError as error:
        return [], [error]
    except ValueError as error:
        return [], [_invalid("batch", "a JSON array of events", f"text that is none: {error}")]
    return _parse_each(records)


def _parse_each(records: list[JsonValue]) -> tuple[list[Event], list[ConfigError]]:
    events: list[Event] = []
    errors: list[ConfigError] = []
    for record in records:
        try:
            events.append(parse_event(record))
        except ConfigError as error:
            errors.append(error)
    return events, errors


def parse_event(record: object) -> Event:
    """Turn one ``EventRecord`` (js_shim/protocol.js) into an event.

    Raises:
        ConfigError: ``argument-invalid`` naming the field, what was expected and what was given.
    """
    if not isinstance(record, dict):
        _refuse("event", "an object", record)
    _check_fields(record)
    pv = record["pv"]
    if not isinstance(pv, bool):
        _refuse("event.pv", "true or false", pv)
    click_id = record.get("clickId")
    if pv and click_id is not None:
        _refuse("event.clickId", "no click id on a page view", click_id)
    return Event(
        id=_text("id", record["id"], _ID_CHARS),
        ts=_time(record["ts"]),
        type=_text("type", record["type"], LIMITS.event_text_chars),
        page_id=_text("pageId", record["pageId"], LIMITS.event_text_chars),
        click_id=None if click_id is None else _text("clickId", click_id, LIMITS.event_text_chars),
        pv=pv,
        props=_props(record.get("props")),
    )


def _check_fields(record: dict[str, Any]) -> None:
    if not record.keys() <= _KNOWN:
        unknown = next(field for field in record if field not in _KNOWN)
        _refuse("event", f"only the fields {', '.join(sorted(_KNOWN))}", unknown)
    for field in _REQUIRED:
        if field not in record:
            raise _invalid(f"event.{field}", "a value", "none")


def _text(field: str, value: object, max_chars: int) -> str:
    if not isinstance(value, str) or not 0 < len(value) <= max_chars or not _is_unicode(value):
        _refuse(f"event.{field}", f"text of 1 to {max_chars} characters", value)
    return value


def _time(value: object) -> float:
    # A comparison, unlike float(), takes any integer and is false for NaN.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _TS_MAX:
        return float(value)
    _refuse("event.ts", "Unix milliseconds", value)


def _props(value: object) -> Mapping[str, JsonValue]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        _refuse("event.props", "an object", value)
    if value:
        _check_props(value)
    return value


def _check_props(props: dict[str, JsonValue]) -> None:
    if _is_deeper_than(_PROPS_LEVELS, props):
        raise _invalid("event.props", f"at most {_PROPS_LEVELS} levels", "deeper nesting")
    try:
        size_bytes = len(_ENCODER.encode(props).encode())
    except (TypeError, ValueError) as error:
        raise _invalid("event.props", "plain JSON data", f"{error}") from None
    if size_bytes > LIMITS.event_props_bytes:
        expected = f"at most {LIMITS.event_props_bytes} bytes of JSON"
        raise _invalid("event.props", expected, f"{size_bytes}")


def _is_deeper_than(levels: int, value: JsonValue) -> bool:
    # Level by level: a recursion costs more than all other checks, and props are mostly flat.
    layer = [value]
    for _ in range(levels):
        layer = [
            child
            for node in layer
            for child in (node.values() if isinstance(node, dict) else node)
            if isinstance(child, (dict, list))
        ]
        if not layer:
            return False
    return True


def _is_unicode(text: str) -> bool:
    """Say whether ``text`` is free of lone surrogates, which UTF-8 (and SQLite) cannot hold."""
    return text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)


def _refuse(subject: str, expected: str, value: object) -> NoReturn:
    raise _invalid(subject, expected, show(value))


def _invalid(subject: str, expected: str, got: str) -> ConfigError:
    return ConfigError(
        "argument-invalid",
        f"{subject}: expected {expected}, got {got}. The event was dropped: correct the markup "
        "or the track() call.",
        {"field": subject},
    )
