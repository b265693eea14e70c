"""Puts and deletes as text: what can be kept, and what each refusal says."""

import json
import math
from typing import Any

import pytest
from edge_runtime.config import LIMITS
from edge_runtime.errors import ConfigError
from edge_runtime.pure.key_operations import (
    check_key,
    delete_text,
    put_text,
    value_text,
    writable_key,
)
from edge_runtime.pure.plain import LEVELS
from edge_runtime.pure.routing import Asked
from hypothesis import given, settings
from hypothesis import strategies as st


def put(value: Any, key: str = "k") -> str:
    return put_text(key, value, updated_ms=5.0, said=Asked.NOTHING)


def nested(levels: int) -> Any:
    return [nested(levels - 1)] if levels else 1


ITSELF: list[Any] = []
ITSELF.append(ITSELF)

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=50)
@given(json_values, st.sampled_from(Asked))
def test_a_put_says_what_when_and_what_was_asked(value: Any, said: Asked) -> None:
    text = put_text("ui.theme", value, updated_ms=1.8e12, said=said)
    assert json.loads(text) == ["put", "ui.theme", value, 1.8e12, int(said)]


def test_a_delete_names_the_key() -> None:
    assert json.loads(delete_text("ui.theme")) == ["delete", "ui.theme"]


@pytest.mark.parametrize(
    "value", ["\ud800", "a\0b", 2**70, nested(LEVELS - 1), "x" * (LIMITS.value_bytes - 20)], ids=str
)
def test_odd_values_and_large_ones_are_kept(value: Any) -> None:
    assert json.loads(put(value))[2] == value


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (math.nan, "value of k: expected JSON data, got"),
        (-math.inf, "value of k: expected JSON data, got"),
        (b"bytes", "value of k: expected JSON data, got Object of type bytes"),
        ({(1, 2): 3}, "value of k: expected JSON data, got keys must be"),
        (ITSELF, "value of k: expected JSON data, got Circular reference"),
        (nested(LEVELS), "value of k: expected JSON data, got expected at most 500 levels"),
        (nested(900), "value of k: expected JSON data, got expected at most 500 levels"),
        ("x" * LIMITS.value_bytes, "value of k: expected at most 1048576 bytes of JSON, got 10"),
        ("页" * 180_000, "value of k: expected at most 1048576 bytes of JSON, got 10"),
    ],
    ids=lambda value: value[:50] if isinstance(value, str) and value.startswith("value") else "",
)
def test_what_a_start_could_not_read_again_is_refused(value: Any, message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        put(value)

    assert refused.value.code == "argument-invalid"
    assert refused.value.message.startswith(message)


@pytest.mark.parametrize(
    ("value", "text"),
    [({"a": "页"}, '{"a": "页"}'), ("\ud800", '"\\ud800"'), (["😀", "\udfff"], None)],
)
def test_a_value_is_kept_as_text_that_sqlite_takes(value: Any, text: str | None) -> None:
    kept = value_text(value)
    assert json.loads(kept.encode()) == value
    assert text in (None, kept)


@pytest.mark.parametrize("key", ["k", "k" * 512, "页" * 512, "a\0b", "😀"], ids=lambda key: key[:5])
def test_any_text_can_be_a_key(key: str) -> None:
    assert check_key(key) == key


@pytest.mark.parametrize(
    "key", ["", "k" * 513, "\ud800", 5, None, b"k"], ids=lambda key: repr(key)[:9]
)
def test_anything_else_cannot(key: Any) -> None:
    for attempt in (check_key, writable_key, delete_text, lambda name: put(1, name)):
        with pytest.raises(ConfigError, match="key: expected Unicode text of 1 to 512 characters"):
            attempt(key)


@pytest.mark.parametrize("key", ["edge.", "edge.versions", "edge.inference-risk"])
def test_the_runtimes_own_keys_are_not_for_others_to_write(key: str) -> None:
    with pytest.raises(ConfigError, match=f'begin with edge., as .* got "{key}"') as refused:
        writable_key(key)
    assert refused.value.code == "argument-invalid" and check_key(key) == key


@pytest.mark.parametrize("key", ["edge", "edges.a", "Edge.a", "my.edge.a"])
def test_what_only_looks_like_them_is(key: str) -> None:
    assert writable_key(key) == key
