"""Values and errors across the JavaScript border; nothing foreign goes further."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import js
from pyodide.ffi import JsException, to_js

from ...errors import FAMILIES, NUMBERS, EdgeError


def as_js(value: object) -> Any:
    """Copy plain data to JavaScript: dicts become objects, bytes become Uint8Arrays."""
    # Looked up here and not on import: a memory snapshot cannot hold JavaScript objects.
    return to_js(value, dict_converter=js.Object.fromEntries)


def as_plain(value: Any) -> Any:
    """Copy a small JavaScript value without bytes; null becomes None."""
    return json.loads(js.JSON.stringify(value))


def as_bytes(buffer: Any) -> bytes:
    """Copy an ArrayBuffer or typed array, once."""
    data: bytes = buffer.to_bytes()
    return data


def all_bytes(buffers: Sequence[Any]) -> list[bytes]:
    """Copy every buffer of a JavaScript array."""
    return [as_bytes(buffer) for buffer in buffers]


@contextmanager
def converted(code: str, what: str) -> Iterator[None]:
    """Turn what JavaScript throws into our error; its own code counts if it is one of ours."""
    try:
        yield
    except JsException as error:
        raise _edge_error(error, code, what) from error


def _edge_error(error: Any, code: str, what: str) -> EdgeError:
    given = getattr(error, "code", None)
    # A DOMException's code is a number and never one of ours.
    if isinstance(given, str) and given in NUMBERS:
        details = getattr(error, "details", None)
        plain = as_plain(details) if details is not None else {}
        return _family(given)(given, str(error.message), plain)
    text = f"{what}: expected it to work, got {error}. The browser refused; try again."
    return _family(code)(code, text, {"cause": str(error)})


def _family(code: str) -> type[EdgeError]:
    return FAMILIES[NUMBERS[code] // 1000]
