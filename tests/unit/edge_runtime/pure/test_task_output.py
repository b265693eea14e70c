"""What a task may return, and where a wrong value is pointed at."""

import json
from collections import OrderedDict
from types import MappingProxyType
from typing import Any

import pytest
from edge_runtime.errors import TaskError
from edge_runtime.pure.plain import split
from edge_runtime.pure.task_output import plain_output
from edge_runtime.tensor import Tensor
from hypothesis import given
from hypothesis import strategies as st


def output(value: object, max_bytes: int = 1_000) -> Any:
    return plain_output("Rank", value, max_bytes=max_bytes)


def circular() -> list[Any]:
    value: list[Any] = []
    value.append(value)
    return value


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        ({"a": [1, 2.5, True, "x"]}, {"a": [1, 2.5, True, "x"]}),
        ((1, (2,)), [1, [2]]),
        (bytearray(b"ab"), b"ab"),
        ({"photo": memoryview(b"ab")}, {"photo": b"ab"}),
        (MappingProxyType({"a": OrderedDict(b=1)}), {"a": {"b": 1}}),
        (2**53 - 1, 2**53 - 1),
    ],
    ids=repr,
)
def test_plain_values_pass_as_plain_copies(value: object, expected: object) -> None:
    assert output(value) == expected


def test_the_copy_is_independent_of_what_the_task_keeps() -> None:
    kept = {"order": [1]}
    returned = output(kept)

    kept["order"].append(2)

    assert returned == {"order": [1]}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"order": [1, 2, 3, {4}]}, "value.order[3]: expected JSON-able data or bytes, got set."),
        ([object()], "value[0]: expected JSON-able data or bytes, got object."),
        (Tensor.uint8([1]), "value: expected JSON-able data or bytes, got edge_runtime.tensor.T"),
        ({"score": float("nan")}, "value.score: expected a finite number, got nan."),
        ([float("-inf")], "value[0]: expected a finite number, got -inf."),
        ({"a": {1: "x"}}, "value.a: expected text keys, got 1 (int)."),
        ({"id": 2**53}, "value.id: expected an integer within ±(2**53 - 1), got more."),
        ("x" * 999, "value: expected at most 1000 bytes of JSON, got 1001."),
    ],
    ids=lambda value: value[:40] if isinstance(value, str) else "",
)
def test_anything_else_is_refused_at_its_place(value: object, message: str) -> None:
    with pytest.raises(TaskError) as refused:
        output(value)

    assert refused.value.code == "task-output-invalid"
    assert refused.value.message.startswith(f"task Rank, {message}")


def test_a_value_that_holds_itself_is_refused() -> None:
    with pytest.raises(TaskError, match=r"value(\[0\]){64}: expected at most 64 levels"):
        output(circular())


def test_bytes_do_not_count_against_the_limit_of_the_text() -> None:
    assert len(output({"photo": b"x" * 5_000})["photo"]) == 5_000


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.tuples(inner)
        | st.frozensets(st.integers())
        | st.dictionaries(st.text() | st.integers(), inner)
    ),
)


@given(values)
def test_whatever_passes_can_cross_the_border(value: object) -> None:
    try:
        copy = output(value, max_bytes=1_000_000)
    except TaskError as error:
        assert error.details["path"].startswith("value")
        json.dumps(error.to_dict())
    else:
        split(copy)
