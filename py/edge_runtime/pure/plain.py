r"""JSON text plus buffers: how values with bytes cross the JS ↔ Python border.

The JavaScript twin is ``js_shim/plain.js``; ``tests/vectors/plain.json`` tests both. Rules:

1. Bytes become ``{"$bytes": i}`` and travel as ``buffers[i]``.
2. A key of the user's that is ``bytes`` after one or more ``$`` gains one ``$``, so rule 1 is
   never ambiguous; :func:`join` takes it off again.

>>> split({"photo": b"\x01", "n": 1})
('{"photo":{"$bytes":0},"n":1}', [b'\x01'])
>>> join('{"photo":{"$bytes":0}}', [b"\x01"])
{'photo': b'\x01'}
"""

import json
import re
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Final

from ..types import JsonValue

Buffer = bytes | bytearray | memoryview

LEVELS: Final = 500

_ALIKE: Final = bytes.maketrans(b"{}", b"[]")
_NO_MARKS: Final = bytes({*range(256)} - {*b'[]{}"'})
_STEP_OF: Final = ord("\\").__sub__
"""1 of an opening bracket, −1 of a closing one: the backslash lies between them."""

_RESERVED: Final = re.compile(r"\$+bytes\Z")
_ESCAPED: Final = re.compile(r"\$\$+bytes\Z")


def split(value: JsonValue) -> tuple[str, list[Buffer]]:
    """Return the JSON text of ``value`` and the buffers it refers to, in order of appearance.

    Raises:
        TypeError: A value is neither JSON-able nor bytes.
        ValueError: A number is NaN or infinite, or the value contains itself.
    """
    buffers: list[Buffer] = []
    text = _encode(value, buffers)
    # Every occurrence is ours unless the user's data has such a key (or text): then escape first.
    if text.count('$bytes"') != len(buffers):
        buffers.clear()
        text = _encode(_escaped(value), buffers)
    return text, buffers


def join(text: str, buffers: Sequence[Buffer]) -> JsonValue:
    """Return the value that :func:`split` took apart, with the same buffer objects in it.

    Raises:
        ValueError: The text is no JSON, nests too deep, or refers to a buffer that is not there.
    """
    check_levels(text)
    if '$bytes"' not in text:
        return json.loads(text)
    return json.loads(text, object_hook=lambda plain: _joined(plain, buffers))


def check_levels(text: str) -> None:
    """Refuse JSON text that nests deeper than a browser's stack may bear.

    ``json.loads`` of some thousand levels does not raise in Pyodide: it kills the interpreter
    (RangeError at 5,000 in Node). The time it takes grows with the text's length alone: a task
    may have made it up. Of what is no JSON it counts at least as far as a parser reads.

    Raises:
        ValueError: The text nests deeper than :data:`LEVELS`.
    """
    # Most texts have too few brackets to be deep; looking closer costs as much as parsing.
    if text.count("[") + text.count("{") <= LEVELS:
        return
    quotes_end = text.replace("\\\\", "").replace('\\"', "")
    marks = quotes_end.encode("ascii", "ignore").translate(_ALIKE, _NO_MARKS)
    # Most strings are without brackets: taking away two quotes side by side moves no other mark
    # into a string or out of one.
    brackets = b"".join(marks.replace(b'""', b"").split(b'"')[::2])
    if any(map(LEVELS.__lt__, accumulate(map(_STEP_OF, brackets)))):
        raise ValueError(f"expected at most {LEVELS} levels of nesting, got more")


def _encode(value: JsonValue, buffers: list[Buffer]) -> str:
    def reference(leaf: object) -> dict[str, int]:
        if not isinstance(leaf, (bytes, bytearray, memoryview)):
            raise TypeError(f"expected JSON-able data or bytes, got {type(leaf).__name__}")
        buffers.append(leaf)
        return {"$bytes": len(buffers) - 1}

    return json.dumps(value, default=reference, allow_nan=False, separators=(",", ":"))


def _escaped(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {_escaped_key(key): _escaped(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(item) for item in value]
    return value


def _escaped_key(key: Any) -> Any:
    return f"${key}" if isinstance(key, str) and _RESERVED.match(key) else key


def _joined(plain: dict[str, JsonValue], buffers: Sequence[Buffer]) -> JsonValue:
    if "$bytes" in plain:
        return _referenced(plain, buffers)
    if any(_ESCAPED.match(key) for key in plain):
        return {key[1:] if _ESCAPED.match(key) else key: item for key, item in plain.items()}
    return plain


def _referenced(plain: dict[str, JsonValue], buffers: Sequence[Buffer]) -> Buffer:
    index = plain["$bytes"]
    if len(plain) != 1 or type(index) is not int or not 0 <= index < len(buffers):
        raise ValueError(f'expected {{"$bytes": 0 to {len(buffers) - 1}}} alone, got {plain!r}')
    return buffers[index]
