"""Reads a dump: every record as bytes, of keys that cannot be exported the names alone.

::

    {"format": "edge-dump", "version": 1, "origin": "https://shop.test", "takenMs": 1700000000000,
     "databases": {
       "edge-store": {"sealed": {"000000000001": "<base64>", …}, …},
       "edge-keys": {"notes": {"anchor": "<base64>"}, "keys": ["edge-root-2"]}}}

In place of base64, ``{"type": "string"}`` stands for a value that is no bytes, and
``{"type": …, "key": "number"}`` for one under a key that is no text; a name in ``keys`` whose value
is no key as the runtime makes them is ``{"name": …, "type": …}``.
"""

import base64
import json
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from edge_runtime.services.store_disk import DATABASE, STORES

from ..errors import NoDump

FORMAT: Final = "edge-dump"
VERSION: Final = 1
KEYS_DATABASE: Final = "edge-keys"
_REMEDY: Final = "Export one with /edge/dev/export-dump.js (docs/reference.md, Command line)."


@dataclass(frozen=True, slots=True)
class Dump:
    """What was stored at one moment.

    Attributes:
        source: The origin, or the folder, it was taken from.
        taken_ms: When, Unix time; None if nobody noted it.
        stores: Records by store and key; a value that is no bytes is empty, as the core reads it.
        other: How many values of a store are no records, by what they are.
        notes: What is kept beside the root keys.
        keys: Names of the root keys.
        strange_keys: Names whose value is no root key, with what it is.
    """

    source: str
    taken_ms: float | None
    stores: Mapping[str, Mapping[str, bytes]]
    notes: Mapping[str, bytes]
    keys: tuple[str, ...]
    other: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
    strange_keys: Mapping[str, str] = field(default_factory=dict)


def read_dump(path: Path) -> Dump:
    """Return the dump in a file, or what a native host keeps in a folder.

    Raises:
        NoDump: There is none.
    """
    if path.is_dir():
        # The native host stands on packages that a look at a file does without.
        from .native_folder import read_folder

        return read_folder(path)
    try:
        plain = json.loads(path.read_bytes())
    except OSError as error:
        raise NoDump(f"{path}: expected a dump, got {error}. {_REMEDY}") from error
    except (ValueError, RecursionError) as error:
        raise NoDump(f"{path}: expected a dump in JSON, got {error}. {_REMEDY}") from error
    try:
        return _parsed(plain)
    except _WrongShape as error:
        raise NoDump(f"{path}: {error} {_REMEDY}") from error


class _WrongShape(Exception):
    """The text says where, expected and got."""


def _parsed(plain: Any) -> Dump:
    _check_kind(_object(plain, "dump"))
    databases = _object(plain.get("databases"), "databases")
    found = _object(databases.get(DATABASE), f"databases.{DATABASE}")
    places = {store: f"databases.{DATABASE}.{store}" for store in (*STORES, *found)}
    stores = {store: _object(found.get(store, {}), place) for store, place in places.items()}
    keys = _object(databases.get(KEYS_DATABASE), f"databases.{KEYS_DATABASE}")
    notes = _object(keys.get("notes", {}), f"databases.{KEYS_DATABASE}.notes")
    names, strange = _names(keys.get("keys", []))
    return Dump(
        source=_text(plain.get("origin"), "origin"),
        taken_ms=_time(plain.get("takenMs")),
        stores={store: _records(each, places[store]) for store, each in stores.items()},
        notes=_records(notes, f"databases.{KEYS_DATABASE}.notes"),
        keys=names,
        other={
            store: Counter(map(_kind, filter(_is_other, each.values())))
            for store, each in stores.items()
        },
        strange_keys=strange,
    )


def _check_kind(plain: Mapping[str, Any]) -> None:
    if plain.get("format") != FORMAT:
        raise _WrongShape(f"format: expected {FORMAT}, got {_shown(plain.get('format'))}.")
    if plain.get("version") != VERSION:
        got = _shown(plain.get("version"))
        raise _WrongShape(f"version: expected {VERSION}, got {got}; another version made it.")


def _records(plain: Mapping[str, Any], place: str) -> dict[str, bytes]:
    records: dict[str, bytes] = {}
    for key, value in plain.items():
        if isinstance(value, str):
            records[key] = _bytes(value, place)
        elif not _is_other(value):
            raise _WrongShape(f"{place}: expected base64 or a type, got {_shown(value)}.")
        elif "key" not in value:
            records[key] = b""
    return records


def _is_other(value: Any) -> bool:
    return isinstance(value, dict) and isinstance(value.get("type"), str)


def _kind(value: Mapping[str, Any]) -> str:
    under = f" under a {value['key']}" if "key" in value else ""
    return f"{value['type']}{under}"


def _names(plain: Any) -> tuple[tuple[str, ...], dict[str, str]]:
    place = f"databases.{KEYS_DATABASE}.keys"
    if not isinstance(plain, list):
        raise _WrongShape(f"{place}: expected a list, got {_shown(plain)}.")
    strange = [each for each in plain if not isinstance(each, str)]
    for each in strange:
        if not _is_other(each) or not isinstance(each.get("name"), str):
            raise _WrongShape(f"{place}: expected names, got {_shown(each)}.")
    names = tuple(each for each in plain if isinstance(each, str))
    return names, {each["name"]: each["type"] for each in strange}


def _bytes(text: str, place: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError as error:
        raise _WrongShape(f"{place}: expected base64, got {len(text)} characters.") from error


def _object(value: Any, place: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise _WrongShape(f"{place}: expected an object, got {_shown(value)}.")
    return value


def _text(value: Any, place: str) -> str:
    if not isinstance(value, str):
        raise _WrongShape(f"{place}: expected a text, got {_shown(value)}.")
    return value


def _time(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise _WrongShape(f"takenMs: expected Unix time in ms, got {_shown(value)}.")
    return float(value)


def _shown(value: Any) -> str:
    # What is there may be anything, and somebody's: its kind is enough, but for numbers.
    if value is None:
        return "nothing"
    return str(value) if isinstance(value, int | float) else f"a {type(value).__name__}"
