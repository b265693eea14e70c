"""Tensors: bytes that fit their shape, with and without numpy."""

import struct
import sys
from typing import Any

import numpy
import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.tensor import ITEM_BYTES, Tensor
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize("dtype", ITEM_BYTES)
def test_every_dtype_goes_to_numpy_and_back_unchanged(dtype: str) -> None:
    data = bytes(range(6 * ITEM_BYTES[dtype])) if dtype != "bool" else bytes([0, 1] * 3)
    tensor = Tensor(dtype, (2, 3), data)

    assert tensor.numpy().shape == (2, 3)
    assert Tensor.from_numpy(tensor.numpy()) == tensor


@pytest.mark.parametrize("dtype", ITEM_BYTES)
def test_values_as_a_list_are_what_numpy_says(dtype: str) -> None:
    data = bytes(range(3 * ITEM_BYTES[dtype])) if dtype != "bool" else b"\1\0\1"
    tensor = Tensor(dtype, (3,), data)

    assert tensor.tolist() == tensor.numpy().tolist()


def test_half_precision_values_are_read_without_numpy() -> None:
    assert Tensor("float16", (2,), struct.pack("<2e", 1.5, -0.25)).tolist() == [1.5, -0.25]


@given(st.lists(st.integers(-(2**63), 2**63 - 1)))
def test_numbers_come_back_as_they_went_in(values: list[int]) -> None:
    tensor = Tensor.int64(values)
    assert (tensor.shape, tensor.tolist()) == ((len(values),), values)


def test_bools_are_zero_or_one_whatever_was_truthy() -> None:
    tensor = Tensor.of("bool", [True, 0, 7, "x"])
    assert (bytes(tensor.data), tensor.tolist()) == (b"\1\0\1\1", [True, False, True, True])


def test_scalars_and_empty_tensors_have_a_shape() -> None:
    assert Tensor.float32([1.0], ()).numpy().shape == ()
    assert Tensor.float32([], (0, 4)).tolist() == []


def test_numpy_sizes_and_strided_arrays_are_accepted() -> None:
    assert Tensor("uint8", (numpy.int64(2),), b"ab").shape == (2,)
    columns = numpy.arange(6, dtype="int32").reshape(2, 3).T
    assert Tensor.from_numpy(columns).tolist() == [0, 3, 1, 4, 2, 5]
    assert Tensor.from_numpy(columns.astype(">i4")).tolist() == [0, 3, 1, 4, 2, 5]


def test_the_numpy_view_cannot_be_written() -> None:
    view = Tensor("uint8", (2,), bytearray(b"ab")).numpy()
    with pytest.raises(ValueError, match="read-only"):
        view[0] = 1


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Tensor("float8", (1,), b"x"), "tensor dtype: expected one of float32.*'float8'"),
        (lambda: Tensor("int8", (-1,), b""), r"expected sizes >= 0, got \(-1,\)"),
        (lambda: Tensor("int8", (1.5,), b"x"), "expected whole numbers"),  # type: ignore[arg-type]
        (lambda: Tensor("int64", (2,), b"12345678"), r"expected 16 bytes for int64\[2\], got 8"),
        (lambda: Tensor.int64([2**63]), "expected int64 numbers"),
        (lambda: Tensor.of("float16", [1.0]), "tensor dtype"),
        (lambda: Tensor.float32([1, 2], (3,)), "expected 12 bytes"),
        (lambda: Tensor.from_numpy(numpy.array(["a"])), "numpy dtype: expected.*astype"),
    ],
)
def test_what_does_not_fit_is_refused(make: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as refused:
        make()
    assert refused.value.code == "tensor-invalid"


def test_without_numpy_the_error_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "numpy")
    with pytest.raises(ConfigError, match=r"packages = \[.numpy.\]"):
        Tensor.int64([1]).numpy()
