"""The border codec, against the vectors shared with JavaScript and against its own inverse."""

import json
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.pure import plain
from edge_runtime.pure.plain import LEVELS, check_levels, join, split
from hypothesis import given, settings
from hypothesis import strategies as st

VECTORS = json.loads(
    (Path(__file__).parents[3] / "vectors" / "plain.json").read_text(encoding="utf-8")
)

keys = st.one_of(st.text(max_size=4), st.sampled_from(["$bytes", "$$bytes", "$$$bytes", "bytes"]))
values = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(allow_nan=False, allow_infinity=False),
        st.text(),
        st.binary(max_size=8),
    ),
    lambda children: st.one_of(
        st.lists(children, max_size=4), st.dictionaries(keys, children, max_size=4)
    ),
)


def with_bytes(marked: Any) -> Any:
    if isinstance(marked, dict):
        if marked.keys() == {"hex"}:
            return bytes.fromhex(marked["hex"])
        return {key: with_bytes(value) for key, value in marked.items()}
    return [with_bytes(item) for item in marked] if isinstance(marked, list) else marked


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_split_gives_the_json_and_the_buffers_of_the_vector(vector: dict[str, Any]) -> None:
    text, buffers = split(with_bytes(vector["value"]))

    assert json.loads(text) == vector["json"]
    assert [bytes(buffer).hex() for buffer in buffers] == vector["buffers"]


@pytest.mark.parametrize("vector", VECTORS["vectors"], ids=lambda vector: vector["name"])
def test_join_gives_the_value_of_the_vector(vector: dict[str, Any]) -> None:
    buffers = [bytes.fromhex(text) for text in vector["buffers"]]

    assert join(json.dumps(vector["json"]), buffers) == with_bytes(vector["value"])


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: vector["name"])
def test_join_refuses_a_reference_that_leads_nowhere(vector: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"\$bytes"):
        join(json.dumps(vector["json"]), [bytes.fromhex(text) for text in vector["buffers"]])


@given(values)
def test_join_undoes_split(value: Any) -> None:
    assert join(*split(value)) == value


@pytest.mark.parametrize("value", [float("nan"), [float("inf")]])
def test_numbers_that_json_cannot_hold_are_refused(value: Any) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        split(value)


def test_values_that_are_neither_json_nor_bytes_are_refused() -> None:
    with pytest.raises(TypeError, match="got set"):
        split({"order": {1, 2}})


@pytest.mark.parametrize("pair", ["[]", "{}"])
def test_text_that_would_exhaust_the_stack_is_refused(pair: str) -> None:
    opened, closed = ("[", "]") if pair == "[]" else ('{"a":', "}")

    check_levels(opened * LEVELS + "0" + closed * LEVELS)
    for levels in (LEVELS + 1, 5_000):
        with pytest.raises(ValueError, match="at most 500 levels"):
            join(opened * levels + "0" + closed * levels, [])


@pytest.mark.parametrize(
    "text",
    [
        json.dumps([{"a": [1]}] * 1_000),
        json.dumps(['[[[["[[{{' * 1_000]),
        json.dumps({"\\": "[" * 1_000, "]": ['"', "{" * 1_000]}),
    ],
    ids=["wide", "brackets in text", "escapes"],
)
def test_wide_text_and_brackets_inside_strings_are_not_deep(text: str) -> None:
    assert join(text, []) == json.loads(text)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * LEVELS + '["' + '\\"' * 300_000, "at most 500 levels"),
        ("[]," * LEVELS + '["' + '\\"' * 300_000, "Extra data"),
        ("[" * 2**24, "at most 500 levels"),
    ],
    ids=["escapes without end", "behind others", "open"],
)
def test_text_made_to_keep_its_reader_busy_is_refused_at_once(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        join(text, [])


def deepest(text: str) -> int:
    """Return how deep a parser gets, at most: it ends at a backslash outside of strings."""
    depth = most = 0
    is_inside = is_escaped = False
    for char in text:
        if is_inside:
            is_inside = is_escaped or char != '"'
            is_escaped = char == "\\" and not is_escaped
        elif char == "\\":
            break
        else:
            is_inside = char == '"'
            depth += (char in "[{") - (char in "]}")
            most = max(most, depth)
    return most


@settings(max_examples=500)
@given(st.text(alphabet='[]{}"\\ x页\ud800', max_size=30))
def test_levels_are_those_that_a_parser_enters(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plain, "LEVELS", 2)
        try:
            check_levels(text)
        except ValueError:
            assert deepest(text) > 2 or "\\" in text
        else:
            assert deepest(text) <= 2


@given(st.recursive(st.text(), lambda i: st.lists(i) | st.dictionaries(st.text(), i), max_leaves=9))
def test_what_json_writes_in_few_levels_passes(value: Any) -> None:
    check_levels(json.dumps([value] * (LEVELS + 1)))
