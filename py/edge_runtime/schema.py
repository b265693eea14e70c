"""Checks plain data against a published JSON Schema, with errors a person can act on."""

import functools
import json
import math
import pkgutil
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import fastjsonschema

from .errors import ConfigError

SHOWN_CHARS = 80


def check(schema: str, plain: object, *, subject: str = "") -> None:
    """Raise unless ``plain`` satisfies ``schemas/<schema>.schema.json``.

    Args:
        schema: Name of the schema.
        plain: Decoded JSON or TOML.
        subject: What errors call it; the schema's name if empty.

    Raises:
        ConfigError: ``config-invalid`` naming the path, what was expected and what was given.
    """
    try:
        validator(schema)(plain)
    except fastjsonschema.JsonSchemaValueException as error:
        raise _violation(subject or schema, error) from None
    try:
        # NaN is within all bounds, and Python writes no number of thousands of digits. The encoder
        # looks at all of a configuration in a tenth of the time that parsing it takes.
        json.dumps(plain, default=repr, allow_nan=False)
    except ValueError:
        path, number = next(_not_finite("", plain))
        advice = "Write another one, or leave it out."
        raise invalid(subject or schema, path, "a finite number", number, advice) from None


@functools.cache
def validator(schema: str) -> Callable[[object], object]:
    """Return the compiled validator; the first call compiles, which takes tens of milliseconds."""
    text = pkgutil.get_data(__package__, f"schemas/{schema}.schema.json")
    assert text is not None
    # Defaults live in the dataclasses; writing them into the caller's object would surprise.
    code = fastjsonschema.compile_to_code(_flattened(json.loads(text)), use_default=False)
    names: dict[str, Any] = {}
    # Python needs a hundred bytes for each byte that it compiles at once, and Pyodide loads no
    # snapshot of a memory that has grown.
    for function in re.split(r"\n(?=def )", code):
        exec(function, names)
    compiled: Callable[[object], object] = names["validate"]
    return compiled


def invalid(subject: str, path: str, expected: str, value: object, advice: str) -> ConfigError:
    """Build the one form of these errors: where, expected, got, what to do."""
    where = f"{subject} at {path}" if path else subject
    return ConfigError(
        "config-invalid",
        f"{where}: expected {expected}, got {show(value)}. {advice}",
        {"path": path, "expected": expected, "value": value},
    )


def show(value: object) -> str:
    """Return ``value`` as short JSON with its JSON type: ``5 (number)``."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=repr)
    except ValueError:  # Python writes no whole number of more than 4,300 digits.
        text = "a number too long to write"
    short = text if len(text) <= SHOWN_CHARS else text[:SHOWN_CHARS] + "…"
    return short if value is None else f"{short} ({_json_type(value)})"


def _flattened(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``schema`` with a definition for each subschema.

    The code of a schema repeats all of its text in each of its errors; this way that text is short.
    """
    root = {key: value for key, value in schema.items() if key not in ("$schema", "definitions")}
    definitions: dict[str, Any] = {}
    for name, node in {**schema.get("definitions", {}), "root": root}.items():
        definitions[name] = _emptied(name, node, definitions)
    reference = {"$ref": "#/definitions/root"}
    return {"$schema": schema["$schema"], **reference, "definitions": definitions}


def _emptied(name: str, node: Mapping[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """Return ``node`` with its parts moved to ``definitions``."""
    emptied = dict(node)
    for part in ("items", "additionalProperties"):
        if isinstance(node.get(part), dict):
            emptied[part] = _moved(f"{name}-{part}", node[part], definitions)
    if "properties" in node:
        emptied["properties"] = {
            field: _moved(f"{name}.{field}", part, definitions)
            for field, part in node["properties"].items()
        }
    return emptied


def _moved(name: str, node: Mapping[str, Any], definitions: dict[str, Any]) -> Mapping[str, Any]:
    # The errors of an array name the type of what it holds.
    if "$ref" in node or (name.endswith("-items") and "properties" not in node):
        return node
    definitions[name] = _emptied(name, node, definitions)
    return {"$ref": f"#/definitions/{name}"}


def _not_finite(path: str, value: object) -> Iterator[tuple[str, float]]:
    """Yield where a number is NaN, infinite or beyond a double, and which."""
    if isinstance(value, int | float):
        if not _is_finite(value):
            yield path, value
    elif isinstance(value, dict):
        for name, part in value.items():
            yield from _not_finite(f"{path}.{name}" if path else name, part)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            yield from _not_finite(f"{path}[{index}]", part)


def _is_finite(number: float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:
        return False


def _json_type(value: object) -> str:
    names: tuple[tuple[type, str], ...] = (
        (bool, "boolean"),
        (int, "number"),
        (float, "number"),
        (str, "string"),
        (list, "array"),
        (dict, "object"),
    )
    return next((name for kind, name in names if isinstance(value, kind)), type(value).__name__)


def _violation(subject: str, error: fastjsonschema.JsonSchemaValueException) -> ConfigError:
    definition: Mapping[str, Any] = error.definition if isinstance(error.definition, dict) else {}
    path = (error.name or "").removeprefix("data").removeprefix(".")
    if error.rule == "additionalProperties":
        unknown = next(key for key in error.value if key not in definition["properties"])
        path = f"{path}.{unknown}" if path else unknown
        known = ", ".join(definition["properties"])
        advice = "Remove it or correct its spelling."
        return invalid(subject, path, f"one of the fields {known}", error.value[unknown], advice)
    return invalid(subject, path, _expected(error, definition), error.value, _advice(definition))


def _expected(error: fastjsonschema.JsonSchemaValueException, definition: Mapping[str, Any]) -> str:
    limit = error.rule_definition
    if error.rule == "type":
        return _described(definition)
    if error.rule == "required":
        missing = next(name for name in limit if name not in error.value)
        return f"an object with {missing}"
    wordings = {
        "enum": "one of " + ", ".join(map(str, limit)) if isinstance(limit, list) else "",
        "pattern": definition.get("title", f"text like {limit}"),
        "propertyNames": "names like " + str(definition.get("propertyNames", {}).get("title")),
        "minLength": f"at least {limit} characters",
        "maxLength": f"at most {limit} characters",
        "minProperties": f"at least {limit} entries",
        "maxProperties": f"at most {limit} entries",
        "minItems": f"at least {limit} entries",
        "maxItems": f"at most {limit} entries",
        "minimum": f"a number from {limit} up",
        "maximum": f"a number up to {limit}",
        "exclusiveMinimum": f"a number above {limit}",
    }
    return str(wordings.get(error.rule or "", f"{error.rule} {limit}"))


def _described(definition: Mapping[str, Any]) -> str:
    kind = definition["type"]
    items = definition.get("items", {})
    if kind != "array":
        return kind if isinstance(kind, str) else " or ".join(kind)
    return f"array of {items['type']}s" if "type" in items else "array of objects"


def _advice(definition: Mapping[str, Any]) -> str:
    description = str(definition.get("description", ""))
    examples = definition.get("examples", [])
    example = (
        f"Write, for example, {json.dumps(examples[0], ensure_ascii=False)}." if examples else ""
    )
    return f"{description} {example}".strip()
