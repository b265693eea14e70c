"""Event rows of the page, checked one by one where SQLite has refused some of a batch.

A row is ``[id, ts, type, pageId, clickId | null, pv (0 or 1), props]``. Everything in it comes from
markup and third-party scripts, so sizes are bounded and nothing that the store or a task could
choke on (NaN, lone surrogates, deep nesting) gets through.
"""

import json
from typing import Any, Final, NamedTuple, NoReturn

from ..config import LIMITS
from ..errors import ConfigError
from ..schema import show
from ..types import Event, JsonValue
from .plain import check_levels

_FIELDS: Final = ("id", "ts", "type", "pageId", "clickId", "pv", "props")
_ENCODER: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
BATCH: Final = "batch"
"""The field in errors that are about a whole batch."""

_ID_CHARS: Final = 64
PROPS_LEVELS: Final = 16
_INT_DIGITS: Final = 308
# The last millisecond a JavaScript Date can hold.
_TS_MAX: Final = 8.64e15
# What an empty batch of n flat rows has of them: the outer one, and two a row.
_BRACKETS_A_ROW: Final = 2


class Checked(NamedTuple):
    """The batch without its bad rows, how many rows that are, and an error for each bad one."""

    text: str
    rows: int
    errors: list[ConfigError]


def has_escapes(batch_json: str) -> bool:
    """Say whether a text in the batch may hold what SQLite cannot: NUL, or a lone surrogate.

    ``JSON.stringify`` escapes control characters and lone surrogates that way, and nothing else.
    """
    return "\\u" in batch_json or "\0" in batch_json


def is_too_large(batch_json: str) -> bool:
    """Say whether a batch has more than ``LIMITS.batch_bytes`` in UTF-8: a start could not read it.

    A thousand of the largest events, as a page sends them at once, have two thirds of that.
    """
    # No character has more than four bytes.
    return len(batch_json) * 4 > LIMITS.batch_bytes and (
        len(batch_json.encode(errors="surrogatepass")) > LIMITS.batch_bytes
    )


def is_flat(batch_json: str, rows: int) -> bool:
    """Say whether no value of a batch of ``rows`` rows can be nested."""
    brackets = batch_json.count("[") + batch_json.count("{")
    return brackets <= 1 + _BRACKETS_A_ROW * rows


def check_batch(batch_json: str) -> Checked:
    """Check every row of a JSON array of rows; bad ones are left out and reported.

    A batch that is no JSON array, or too large, gives no row and one error.
    """
    if is_too_large(batch_json):
        return _too_large()
    try:
        check_levels(batch_json)
        rows = json.loads(batch_json)
        if not isinstance(rows, list):
            _refuse(BATCH, "a JSON array of events", rows)
    except ConfigError as error:
        return Checked("[]", 0, [error])
    except ValueError as error:
        wrong = _invalid(BATCH, "a JSON array of events", f"text that is none: {error}")
        return Checked("[]", 0, [wrong])
    checked = _check_each(rows)
    # Some numbers are longer as Python writes them.
    return _too_large() if is_too_large(checked.text) else checked


def _too_large() -> Checked:
    wrong = ConfigError(
        "argument-invalid",
        f"batch: expected at most {LIMITS.batch_bytes} bytes, got more. All of it was dropped: "
        "track fewer events at once.",
        {"field": BATCH},
    )
    return Checked("[]", 0, [wrong])


def _check_each(rows: list[JsonValue]) -> Checked:
    good: list[str] = []
    errors: list[ConfigError] = []
    for row in rows:
        try:
            good.append(check_row(row))
        except ConfigError as error:
            errors.append(error)
    return Checked(f"[{','.join(good)}]", len(good), errors)


def check_row(row: object) -> str:
    """Return one row as JSON text.

    Raises:
        ConfigError: ``argument-invalid`` naming the field, what was expected and what was given.
    """
    if not isinstance(row, list) or len(row) != len(_FIELDS):
        _refuse("event", f"a row of {', '.join(_FIELDS)}", row)
    event_id, ts, kind, page_id, click_id, pv, props = row
    _text("id", event_id, _ID_CHARS)
    _time(ts)
    _text("type", kind, LIMITS.event_text_chars)
    _text("pageId", page_id, LIMITS.event_text_chars)
    if pv not in (0, 1):
        _refuse("event.pv", "0 or 1", pv)
    if click_id is not None:
        _text("clickId", click_id, LIMITS.event_text_chars)
        if pv:
            _refuse("event.clickId", "no click id on a page view", click_id)
    text = _props(props)
    return f"{_ENCODER.encode([event_id, ts, kind, page_id, click_id, int(pv)])[:-1]},{text}]"


def event_of(row: tuple[Any, ...]) -> Event:
    """Return the event of a row of the table ``events``."""
    event_id, ts, kind, page_id, click_id, pv, props = row
    plain = _DECODER.decode(props)
    return Event(event_id, ts, kind, page_id, click_id, bool(pv), plain)


def _whole_number(digits: str) -> float:
    # int() refuses thousands of digits; JavaScript reads them as a double as well.
    return int(digits) if len(digits) <= _INT_DIGITS else float(digits)


# Made once: json.loads would make one for each event.
_DECODER: Final = json.JSONDecoder(parse_int=_whole_number)


def _text(field: str, value: object, max_chars: int) -> None:
    if not isinstance(value, str) or not 0 < len(value) <= max_chars or not _is_storable(value):
        _refuse(f"event.{field}", f"text of 1 to {max_chars} characters", value)


def _time(value: object) -> None:
    # A comparison, unlike float(), takes any integer and is false for NaN.
    if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= _TS_MAX:
        return
    _refuse("event.ts", "Unix milliseconds", value)


def _props(value: object) -> str:
    if not isinstance(value, dict):
        _refuse("event.props", "an object", value)
    if _is_deeper_than(PROPS_LEVELS, value):
        raise _invalid("event.props", f"at most {PROPS_LEVELS} levels", "deeper nesting")
    try:
        text = _ENCODER.encode(value)
        size_bytes = len(text.encode())
    except (TypeError, ValueError) as error:
        raise _invalid("event.props", "plain JSON data", f"{error}") from None
    if size_bytes > LIMITS.event_props_bytes:
        expected = f"at most {LIMITS.event_props_bytes} bytes of JSON"
        raise _invalid("event.props", expected, f"{size_bytes}")
    return text


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


def _is_storable(text: str) -> bool:
    """Say whether SQLite can hold ``text``: no lone surrogates, and no NUL, which ends a text."""
    return "\0" not in text and (
        text.isascii() or not any("\ud800" <= char <= "\udfff" for char in text)
    )


def _refuse(subject: str, expected: str, value: object) -> NoReturn:
    raise _invalid(subject, expected, show(value))


def _invalid(subject: str, expected: str, got: str) -> ConfigError:
    what = "All of it" if subject == BATCH else "The event"
    return ConfigError(
        "argument-invalid",
        f"{subject}: expected {expected}, got {got}. {what} was dropped: correct the markup "
        "or the track() call.",
        {"field": subject},
    )
