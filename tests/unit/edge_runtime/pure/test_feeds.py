"""Feeds against declared inputs: what fits, and what each refusal names."""

import math
from typing import Any

import numpy
import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.pure.feeds import check_feeds
from edge_runtime.tensor import Tensor
from edge_runtime.types import TensorSpec

HIST = TensorSpec("hist", "int64", (3,))
CAND = TensorSpec("cand", "int64", (None,))
GOOD = {"cand": Tensor.int64([1, 2]), "hist": Tensor.int64([1, 2, 3])}


def test_feeds_that_fit_come_back_in_the_models_order() -> None:
    assert list(check_feeds("ranker", (HIST, CAND), GOOD).items()) == [
        ("hist", GOOD["hist"]),
        ("cand", GOOD["cand"]),
    ]


def test_a_dynamic_axis_takes_any_size_even_none() -> None:
    empty = Tensor.int64([])

    assert check_feeds("ranker", (CAND,), {"cand": empty}) == {"cand": empty}


def test_a_scalar_input_takes_a_scalar() -> None:
    scalar = Tensor.float32([0.5], ())

    assert check_feeds("m", [TensorSpec("t", "float32", ())], {"t": scalar}) == {"t": scalar}


def test_numpy_arrays_become_tensors() -> None:
    feeds = {"cand": numpy.array([[1, 2], [3, 4]], dtype=numpy.int64).T[0]}

    assert check_feeds("ranker", (CAND,), feeds)["cand"].tolist() == [1, 3]


def test_texts_are_fed_as_tensors_or_numpy_arrays() -> None:
    query = TensorSpec("query", "string", ("batch",))

    for texts in (Tensor.string(["\u6c34", ""]), numpy.array(["\u6c34", ""])):
        assert check_feeds("m", [query], {"query": texts})["query"].tolist() == ["\u6c34", ""]


IDS = TensorSpec("ids", "int64", ("batch", "length"))
MASK = TensorSpec("mask", "int64", ("batch", None, "length"))


def zeros(*shape: int) -> Tensor:
    return Tensor("int64", shape, bytes(8 * math.prod(shape)))


def test_a_named_axis_takes_any_size_that_is_the_same_everywhere() -> None:
    feeds = {"ids": zeros(2, 0), "mask": zeros(2, 5, 0)}

    assert check_feeds("m", (IDS, MASK), feeds) == feeds


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        (
            {"ids": zeros(2, 7), "mask": zeros(3, 1, 7)},
            "model m, input mask: expected int64[batch=2, any, length=7], got int64[3, 1, 7].",
        ),
        (
            {"ids": zeros(7), "mask": zeros()},
            "input ids: expected int64[batch, length], got int64[7]",
        ),
    ],
)
def test_axes_of_one_name_with_other_sizes_are_refused(feeds: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_feeds("m", (IDS, MASK), feeds)

    assert message in refused.value.message


def test_one_name_twice_in_an_input_means_one_size() -> None:
    square = TensorSpec("s", "int64", ("n", "n"))

    with pytest.raises(ConfigError, match=r"expected int64\[n, n\], got int64\[2, 3\]"):
        check_feeds("m", [square], {"s": zeros(2, 3)})


@pytest.mark.parametrize(
    ("feeds", "message"),
    [
        (
            {},
            "model ranker: expected the feeds hist int64[3], cand int64[any], got no hist, cand.",
        ),
        ({**GOOD, "mask": 1}, "got an unexpected mask."),
        ({"hist": GOOD["hist"], "candidates": 1}, "got no cand and an unexpected candidates."),
        (
            {**GOOD, "hist": Tensor.float32([1, 2, 3])},
            "model ranker, input hist: expected int64[3], got float32[3].",
        ),
        ({**GOOD, "hist": Tensor.int64([1, 2])}, "input hist: expected int64[3], got int64[2]."),
        (
            {**GOOD, "cand": Tensor.int64([1, 2], (1, 2))},
            "input cand: expected int64[any], got int64[1, 2].",
        ),
        ({**GOOD, "cand": Tensor.int64([1], ())}, "input cand: expected int64[any], got int64[]."),
        ({**GOOD, "cand": [1, 2]}, "input cand: expected int64[any], got list. Build it with"),
        (
            {**GOOD, "cand": numpy.array(["x"])},
            "input cand: expected int64[any], got string[1]. Convert or reshape it.",
        ),
        (
            {**GOOD, "cand": numpy.array([1, None])},
            "model ranker, input cand: expected int64[any], got numpy's object. numpy dtype: exp",
        ),
    ],
)
def test_feeds_that_do_not_fit_are_refused_by_name(feeds: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_feeds("ranker", (HIST, CAND), feeds)

    assert refused.value.code == "tensor-invalid"
    assert message in refused.value.message
