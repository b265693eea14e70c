"""Tensors: bytes that fit their shape, with and without numpy."""

import struct
import sys
from typing import Any

import numpy
import pytest
from edge_runtime.errors import ConfigError
from edge_runtime.tensor import DTYPES, ITEM_BYTES, Tensor
from hypothesis import given
from hypothesis import strategies as st

BITS = (8, 16, 32, 64)


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


VALUES: dict[str, st.SearchStrategy[Any]] = {
    **{f"float{bits}": st.floats(width=bits) for bits in (16, 32, 64)},  # type: ignore[arg-type]
    **{f"int{bits}": st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1) for bits in BITS},
    **{f"uint{bits}": st.integers(0, 2**bits - 1) for bits in BITS},
    "bool": st.booleans(),
    "string": st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
}


def test_every_dtype_has_its_round_trip() -> None:
    assert set(VALUES) == set(DTYPES)


@pytest.mark.parametrize("dtype", DTYPES)
@given(data=st.data())
def test_values_come_back_as_they_went_in(dtype: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(VALUES[dtype]))
    tensor = Tensor.of(dtype, iter(values))

    assert (tensor.dtype, tensor.shape) == (dtype, (len(values),))
    # NaN is not equal to itself, -0.0 is equal to 0.0.
    assert repr(tensor.tolist()) == repr(values)
    assert Tensor(dtype, tensor.shape, memoryview(bytearray(tensor.data))) == tensor
    assert Tensor.from_numpy(tensor.numpy().reshape(-1, 1)[:, 0]).tolist() == pytest.approx(
        values, nan_ok=True
    )


@pytest.mark.parametrize("dtype", ITEM_BYTES)
@given(data=st.data())
def test_bit_patterns_survive_numpy(dtype: str, data: st.DataObject) -> None:
    size = ITEM_BYTES[dtype]
    cells = (
        st.sampled_from([b"\0", b"\1"])
        if dtype == "bool"
        else st.binary(min_size=size, max_size=size)
    )
    tensor = Tensor(dtype, (2, 1, 2), b"".join(data.draw(st.lists(cells, min_size=4, max_size=4))))

    assert Tensor.from_numpy(tensor.numpy()) == tensor


def test_extreme_integers_are_exact() -> None:
    assert Tensor.int64([-(2**63), 2**63 - 1]).tolist() == [-(2**63), 2**63 - 1]
    assert Tensor.of("uint64", [2**64 - 1]).tolist() == [2**64 - 1]


def test_texts_are_read_and_compared_like_numbers() -> None:
    texts = ["", "\u5bb6\u7535", "\ufeffmark", "\U0001f600\n", ""]
    tensor = Tensor.string(texts, (1, 5))

    assert tensor.tolist() == texts
    assert tensor == Tensor.of("string", texts, (1, 5))
    assert tensor != Tensor.string(texts)
    assert tensor.numpy().tolist() == [texts]
    assert Tensor.from_numpy(tensor.numpy()) == tensor


def test_no_texts_are_not_one_empty_text() -> None:
    assert Tensor.string([], (0, 3)).tolist() == []
    assert Tensor.string([], (0, 3)).numpy().shape == (0, 3)
    assert Tensor.string([""], ()).tolist() == [""]
    assert Tensor.from_numpy(Tensor.string(["x"], ()).numpy()).shape == ()


def test_numpy_texts_of_any_kind_become_strings() -> None:
    transposed = numpy.array([["a", "\u00e9"], ["", "b"]]).T
    assert Tensor.from_numpy(transposed).tolist() == ["a", "", "\u00e9", "b"]
    assert Tensor.from_numpy(transposed.astype(">U2")).tolist() == ["a", "", "\u00e9", "b"]
    of_any_length = numpy.array(["ab"], numpy.dtypes.StringDType())
    assert Tensor.from_numpy(of_any_length).tolist() == ["ab"]


def test_bytes_become_uint8_at_once() -> None:
    assert Tensor.uint8(bytearray(b"ab")).tolist() == [97, 98]
    assert Tensor.uint8(b"ab", (2, 1)).shape == (2, 1)


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
        (lambda: Tensor.of("bfloat16", [1.0]), "tensor dtype: expected one of .*'bfloat16'"),
        (lambda: Tensor.of("float16", [1e6]), "expected float16 numbers.*too large"),
        (lambda: Tensor.of("float32", ["x"]), "expected float32 numbers"),
        (lambda: Tensor.of("int8", [0.5]), "expected int8 numbers"),
        (lambda: Tensor.int64(5), "expected int64 numbers.*not iterable"),  # type: ignore[arg-type]
        (lambda: Tensor.float32([1, 2], (3,)), "expected 12 bytes"),
        (lambda: Tensor("bool", (2,), b"\1\2"), "expected bytes of 0 and 1 for bool"),
        (lambda: Tensor.string(["a", 1]), "expected texts, got another value"),  # type: ignore[list-item]
        (lambda: Tensor.string(["a\0b"]), "expected texts without NUL"),
        (lambda: Tensor.string(["\ud800"]), "expected texts, got another value.*surrogates"),
        (lambda: Tensor.string(["a"], (2,)), r"expected 2 texts for string\[2\].*got 1"),
        (lambda: Tensor("string", (1,), b"a"), r"expected 1 texts for string\[1\].*got 0 NULs"),
        (lambda: Tensor("string", (1,), b"a\0b"), "each ended by a NUL"),
        (lambda: Tensor("string", (0,), b"a"), "each ended by a NUL"),
        (lambda: Tensor("string", (1,), b"\xff\0"), "expected texts in UTF-8"),
        (lambda: Tensor.from_numpy(numpy.array(["a", 1], object)), "'object'. Convert.*astype"),
        (lambda: Tensor.from_numpy(numpy.zeros(1, "complex64")), "numpy dtype: .*'complex64'"),
        (lambda: Tensor.from_numpy(numpy.zeros(1, "datetime64[ns]")), "numpy dtype: .*datetime64"),
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
