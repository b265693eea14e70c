"""What `web-runtime run` reads: activations and events as JSON, bytes included; and writes."""

import base64
import json
import sys
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

from edge_runtime.pure.plain import check_levels
from edge_runtime.types import JsonValue

from ..errors import ToolError
from ..replay import read_text

STANDARD_INPUT: Final = Path("-")
# From here on JavaScript writes a whole number with an exponent, which Python reads as a float.
_EXPONENT_FROM: Final = 1e21
_EVENT_KEYS: Final = frozenset({"clickId", "id", "pageId", "props", "pv", "ts", "type"})


def read_activations(path: Path) -> list[dict[str, JsonValue]]:
    """Read one ``extData`` or a list of them; ``-`` is standard input.

    ``{"$file": "cat.jpg"}``, beside the file, and ``{"$base64": "…"}`` stand for bytes.

    Raises:
        ToolError: It cannot be read, or is something else.
    """
    plain = _objects(path, "an object for extData, or a list of them")
    folder = Path() if path == STANDARD_INPUT else path.parent
    return [{name: with_bytes(each, folder) for name, each in one.items()} for one in plain]


def read_events(path: Path) -> list[dict[str, JsonValue]]:
    """Read one event or a list of them, each a view or a click; ``-`` is standard input.

    Raises:
        ToolError: It cannot be read, or is something else.
    """
    events = _objects(path, "an event, or a list of them")
    for index, event in enumerate(events):
        for key in event.keys() - _EVENT_KEYS:
            known = ", ".join(sorted(_EVENT_KEYS))
            raise ToolError(f"{path}, event {index + 1}: expected keys of {known}, got {key!r}.")
        if not isinstance(event.get("pageId"), str):
            got = json.dumps(event.get("pageId"))
            raise ToolError(f"{path}, event {index + 1}, pageId: expected text, got {got}.")
        if event.get("pv") is False and event.get("clickId") is None:
            expected = "a view (pv: true) or a click (clickId), which triggers can name"
            raise ToolError(f"{path}, event {index + 1}: expected {expected}, got neither.")
    return events


def with_bytes(value: JsonValue, folder: Path) -> JsonValue:
    """Return a value with bytes in the places that stand for them.

    Raises:
        ToolError: A file cannot be read, or a text is no base64.
    """
    if isinstance(value, list):
        return [with_bytes(each, folder) for each in value]
    if not isinstance(value, dict):
        return value
    try:
        if value.keys() == {"$file"}:
            return (folder / value["$file"]).read_bytes()
        if value.keys() == {"$base64"}:
            return base64.b64decode(value["$base64"], validate=True)
    except (OSError, TypeError, ValueError) as error:
        text = f"expected a file's path or base64, got {error}. Correct the activation."
        raise ToolError(f"{json.dumps(value)[:80]}: {text}") from error
    return {name: with_bytes(each, folder) for name, each in value.items()}


def canonical(value: JsonValue, *, indent: int | None = None) -> str:
    """Return the one JSON text of a value: keys sorted, bytes as ``{"$base64": "…"}``."""
    return json.dumps(
        value,
        default=lambda data: {"$base64": base64.b64encode(data).decode()},
        ensure_ascii=False,
        indent=indent,
        sort_keys=True,
    )


def _objects(path: Path, expected: str) -> list[dict[str, Any]]:
    text = sys.stdin.read() if path == STANDARD_INPUT else read_text(path)
    try:
        check_levels(text)
        plain = json.loads(
            text, parse_int=_sent_number, parse_float=_sent_number, parse_constant=_no_number
        )
    except ValueError as error:
        raise ToolError(f"{path}: expected JSON, got {error}. Correct the file.") from error
    objects = plain if isinstance(plain, list) else [plain]
    for each in objects:
        if not isinstance(each, Mapping):
            got = json.dumps(each)[:80]
            raise ToolError(f"{path}: expected {expected}, got {got}. Correct the file.")
    return objects


def _no_number(name: str) -> float:
    raise ValueError(f"{name}, which JSON does not have")


def _sent_number(digits: str) -> float:
    """Return what reaches a task when a page sends this number, which there is a double."""
    double = float(digits)
    if not double.is_integer() or abs(double) >= _EXPONENT_FROM:
        return double
    return int(Decimal(repr(double)))
