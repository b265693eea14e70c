"""Operations on keys as the log keeps them, checked: JSON texts of a put or a delete.

>>> put_text("ui.theme", "dark", updated_ms=5.0, said=Asked.PLAIN)
'["put","ui.theme","dark",5.0,2]'
"""

import json
import re
from typing import Final

from ..config import LIMITS
from ..errors import ConfigError
from ..schema import show
from ..types import JsonValue
from .plain import check_levels
from .routing import Asked

_OWN: Final = "edge."
_LONE_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def put_text(key: str, value: JsonValue, *, updated_ms: float, said: Asked) -> str:
    """Return the put of ``value`` under ``key``.

    Raises:
        ConfigError: ``argument-invalid``: no JSON data, nests too deep for a start to read it
            again, or more than ``LIMITS.value_bytes``.
    """
    operation = ["put", check_key(key), value, updated_ms, int(said)]
    try:
        text = json.dumps(operation, allow_nan=False, separators=(",", ":"))
        check_levels(text)
    except (TypeError, ValueError, RecursionError) as error:
        raise _invalid(f"value of {key}", "JSON data", str(error), "Convert it.") from error
    if len(text) > LIMITS.value_bytes:
        expected = f"at most {LIMITS.value_bytes} bytes of JSON"
        raise _invalid(f"value of {key}", expected, str(len(text)), "Split it over several keys.")
    return text


def delete_text(key: str) -> str:
    """Return the delete of ``key``."""
    return json.dumps(["delete", check_key(key)], separators=(",", ":"))


def value_text(value: JsonValue) -> str:
    """Return ``value`` as SQLite can hold it: no lone surrogate, but the escape of one."""
    text = json.dumps(value, ensure_ascii=False)
    return json.dumps(value) if _LONE_SURROGATE.search(text) else text


def check_key(key: str) -> str:
    """Return ``key`` if it can be one.

    Raises:
        ConfigError: ``argument-invalid``: not text, empty, too long, or with a lone surrogate.
    """
    fits = isinstance(key, str) and 0 < len(key) <= LIMITS.key_chars
    if not fits or _LONE_SURROGATE.search(key):
        expected = f"Unicode text of 1 to {LIMITS.key_chars} characters"
        raise _invalid("key", expected, show(key), "Choose another key.")
    return key


def writable_key(key: str) -> str:
    """Return ``key`` if tasks and pages may write it.

    Raises:
        ConfigError: ``argument-invalid``: as :func:`check_key`, or it is the runtime's own.
    """
    if check_key(key).startswith(_OWN):
        expected = f"one that does not begin with {_OWN}, as the runtime's own do"
        raise _invalid("key", expected, show(key), "Choose another key.")
    return key


def _invalid(subject: str, expected: str, got: str, advice: str) -> ConfigError:
    return ConfigError("argument-invalid", f"{subject}: expected {expected}, got {got}. {advice}")
