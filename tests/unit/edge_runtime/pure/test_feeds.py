"""Feeds against declared inputs: what fits, and what each refusal names."""

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
        ({**GOOD, "cand": numpy.array(["x"])}, "numpy dtype: expected one of float32"),
    ],
)
def test_feeds_that_do_not_fit_are_refused_by_name(feeds: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as refused:
        check_feeds("ranker", (HIST, CAND), feeds)

    assert refused.value.code == "tensor-invalid"
    assert message in refused.value.message
