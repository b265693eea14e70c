"""Tensors as plain data: a dtype, a shape and little-endian bytes, with or without numpy.

Dtype names are ONNX's own, as onnxruntime-web spells them (``int64``, ``float32``, ``bool`` …).
"""

import math
import struct
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, Final

from .errors import ConfigError

# Codes of ``struct``.
_CODES: Final[dict[str, str]] = {
    "float32": "f",
    "float64": "d",
    "float16": "e",
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "bool": "?",
}

ITEM_BYTES: Final[dict[str, int]] = {
    dtype: struct.calcsize(f"<{code}") for dtype, code in _CODES.items()
}
DTYPES: Final = (*ITEM_BYTES, "string")


@dataclass(frozen=True, slots=True)
class Tensor:
    """A dense tensor in row-major order.

    Attributes:
        dtype: One of :data:`DTYPES`.
        shape: Sizes per axis; ``()`` is a scalar, a zero makes the tensor empty.
        data: ``prod(shape) * ITEM_BYTES[dtype]`` little-endian bytes, for ``bool`` 0 or 1 each. Of
            ``string``: ``prod(shape)`` texts in UTF-8, each ended by a NUL, which no text contains.

    Raises:
        ConfigError: ``tensor-invalid``: unknown dtype, negative size, or bytes that do not fit.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes | bytearray | memoryview

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES:
            raise _refused("tensor dtype", f"one of {', '.join(DTYPES)}", repr(self.dtype))
        object.__setattr__(self, "shape", _checked_shape(self.shape))
        count = math.prod(self.shape)
        if self.dtype == "string":
            _check_texts(self.shape, count, self.data)
        else:
            _check_numbers(self.dtype, self.shape, count, self.data)

    @classmethod
    def of(cls, dtype: str, values: Iterable[Any], shape: Sequence[int] | None = None) -> "Tensor":
        """Build a tensor from flat Python values.

        Args:
            dtype: One of :data:`DTYPES`.
            values: Flat values in row-major order: numbers, for ``bool`` anything that is true or
                false, for ``string`` texts without NUL.
            shape: Sizes per axis; None means one axis as long as ``values``.

        Raises:
            ConfigError: ``tensor-invalid``: a value does not fit the dtype, or the shape the count.
        """
        if dtype == "string":
            return cls.string(values, shape)
        if dtype not in _CODES:
            raise _refused("tensor dtype", f"one of {', '.join(DTYPES)}", repr(dtype))
        if dtype == "uint8" and isinstance(values, bytes | bytearray):
            return cls(dtype, (len(values),) if shape is None else tuple(shape), bytes(values))
        try:
            flat = tuple(values)
            data = struct.pack(f"<{len(flat)}{_CODES[dtype]}", *flat)
        except (TypeError, OverflowError, struct.error) as error:
            raise _refused(
                "tensor values", f"{dtype} numbers", f"another value ({error})"
            ) from error
        return cls(dtype, (len(flat),) if shape is None else tuple(shape), data)

    @classmethod
    def string(cls, values: Iterable[str], shape: Sequence[int] | None = None) -> "Tensor":
        """Build a tensor from flat texts without NUL; see :meth:`of`."""
        flat = tuple(values)
        try:
            data = "".join([text + "\0" for text in flat]).encode()
        except (TypeError, UnicodeEncodeError) as error:
            raise _refused("tensor values", "texts", f"another value ({error})") from error
        if data.count(0) != len(flat):
            raise _refused("tensor values", "texts without NUL", "a text with one")
        return cls("string", (len(flat),) if shape is None else tuple(shape), data)

    @classmethod
    def float32(cls, values: Iterable[float], shape: Sequence[int] | None = None) -> "Tensor":
        """Build a float32 tensor from flat numbers; see :meth:`of`."""
        return cls.of("float32", values, shape)

    @classmethod
    def int64(cls, values: Iterable[int], shape: Sequence[int] | None = None) -> "Tensor":
        """Build an int64 tensor from flat integers; see :meth:`of`."""
        return cls.of("int64", values, shape)

    @classmethod
    def uint8(cls, values: Iterable[int], shape: Sequence[int] | None = None) -> "Tensor":
        """Build a uint8 tensor from flat integers (bytes are fastest); see :meth:`of`."""
        return cls.of("uint8", values, shape)

    @classmethod
    def from_numpy(cls, values: Any) -> "Tensor":
        """Copy a numpy array of a supported dtype, whatever its strides and byte order.

        Arrays of texts become ``string``.

        Raises:
            ConfigError: ``tensor-invalid``: another dtype, arrays of objects among them.
        """
        dtype = values.dtype
        if dtype.kind in "UT":
            return cls.string(values.ravel().tolist(), values.shape)
        if dtype.name not in ITEM_BYTES:
            advice = "Convert with .astype(), texts with .astype(str)."
            raise _refused("numpy dtype", f"one of {', '.join(DTYPES)}", repr(dtype.name), advice)
        little = values.astype(dtype.newbyteorder("<"), copy=False)
        return cls(dtype.name, values.shape, little.tobytes())

    def tolist(self) -> list[Any]:
        """Return the values as one flat list: numbers, bools for ``bool``, texts for ``string``."""
        if self.dtype == "string":
            return str(self.data, "utf-8").split("\0")[:-1]
        return list(struct.unpack(f"<{math.prod(self.shape)}{_CODES[self.dtype]}", self.data))

    def numpy(self) -> Any:
        """Return a read-only numpy view; the task must list ``packages = ["numpy"]``.

        Texts are copied into an array of ``str``.
        """
        numpy = sys.modules.get("numpy")
        if numpy is None:
            advice = 'Add packages = ["numpy"] to task.toml and import numpy in the task.'
            raise _refused("Tensor.numpy()", "numpy to be imported", "no numpy", advice)
        if self.dtype == "string":
            view = numpy.array(self.tolist(), dtype=str)
        else:
            view = numpy.frombuffer(self.data, numpy.dtype(self.dtype).newbyteorder("<"))
        view = view.reshape(self.shape)
        view.flags.writeable = False
        return view


def _checked_shape(shape: Sequence[Any]) -> tuple[int, ...]:
    """Return sizes as Python integers; numpy's are as welcome."""
    try:
        sizes = tuple(map(index, shape))
    except TypeError as error:
        raise _refused("tensor shape", "whole numbers", repr(shape)) from error
    if any(size < 0 for size in sizes):
        raise _refused("tensor shape", "sizes >= 0", str(sizes))
    return sizes


def _check_numbers(dtype: str, shape: tuple[int, ...], count: int, data: Any) -> None:
    expected_bytes, given_bytes = count * ITEM_BYTES[dtype], memoryview(data).nbytes
    if given_bytes != expected_bytes:
        expected = f"{expected_bytes} bytes for {dtype}{list(shape)}"
        raise _refused("tensor data", expected, str(given_bytes), "Check the shape and the dtype.")
    # Engines read any byte of a bool; only 0 and 1 mean the same to all of them.
    if dtype == "bool" and bytes(data).translate(None, b"\0\1"):
        raise _refused("tensor data", "bytes of 0 and 1 for bool", "others")


def _check_texts(shape: tuple[int, ...], count: int, data: Any) -> None:
    try:
        text = str(data, "utf-8")
    except UnicodeDecodeError as error:
        raise _refused("tensor data", "texts in UTF-8", f"other bytes ({error})") from error
    if text.count("\0") != count or text[-1:] != ("\0" if count else ""):
        expected = f"{count} texts for string{list(shape)}, each ended by a NUL"
        raise _refused(
            "tensor data", expected, f"{text.count(chr(0))} NULs", "Use Tensor.string()."
        )


def _refused(what: str, expected: str, got: str, advice: str = "") -> ConfigError:
    return ConfigError(
        "tensor-invalid", f"{what}: expected {expected}, got {got}. {advice}".strip()
    )
