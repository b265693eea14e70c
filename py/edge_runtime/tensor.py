"""Tensors as plain data: a dtype, a shape and little-endian bytes, with or without numpy.

Dtype names are ONNX's own, as onnxruntime-web spells them (``int64``, ``float32``, ``bool`` …).
"""

import math
import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import index
from typing import Any, Final

from .errors import ConfigError

ITEM_BYTES: Final[dict[str, int]] = {
    "float32": 4,
    "float64": 8,
    "float16": 2,
    "int8": 1,
    "uint8": 1,
    "int16": 2,
    "uint16": 2,
    "int32": 4,
    "uint32": 4,
    "int64": 8,
    "uint64": 8,
    "bool": 1,
}

_ARRAY_CODES: Final[dict[str, str]] = {
    "float32": "f",
    "float64": "d",
    "int8": "b",
    "uint8": "B",
    "int16": "h",
    "uint16": "H",
    "int32": "i",
    "uint32": "I",
    "int64": "q",
    "uint64": "Q",
    "bool": "B",
}


@dataclass(frozen=True, slots=True)
class Tensor:
    """A dense tensor in row-major order.

    Attributes:
        dtype: A key of :data:`ITEM_BYTES`.
        shape: Sizes per axis; ``()`` is a scalar, a zero makes the tensor empty.
        data: ``prod(shape) * ITEM_BYTES[dtype]`` little-endian bytes.

    Raises:
        ConfigError: ``tensor-invalid``: unknown dtype, negative size, or bytes that do not fit.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes | bytearray | memoryview

    def __post_init__(self) -> None:
        if self.dtype not in ITEM_BYTES:
            raise ConfigError(
                "tensor-invalid",
                f"tensor dtype: expected one of {', '.join(ITEM_BYTES)}, got {self.dtype!r}.",
            )
        object.__setattr__(self, "shape", _checked_shape(self.shape))
        expected_bytes = math.prod(self.shape) * ITEM_BYTES[self.dtype]
        given_bytes = memoryview(self.data).nbytes
        if given_bytes != expected_bytes:
            raise ConfigError(
                "tensor-invalid",
                f"tensor data: expected {expected_bytes} bytes for {self.dtype}{list(self.shape)}, "
                f"got {given_bytes}. Check the shape and the dtype.",
            )

    @classmethod
    def of(cls, dtype: str, values: Iterable[Any], shape: Sequence[int] | None = None) -> "Tensor":
        """Build a tensor from flat Python numbers.

        Args:
            dtype: A key of :data:`ITEM_BYTES` other than ``float16``, which has no Python literal.
            values: Flat values in row-major order.
            shape: Sizes per axis; None means one axis as long as ``values``.

        Raises:
            ConfigError: ``tensor-invalid``: a value does not fit the dtype, or the shape the count.
        """
        if dtype not in _ARRAY_CODES:
            raise ConfigError(
                "tensor-invalid",
                f"tensor dtype: expected one of {', '.join(_ARRAY_CODES)}, got {dtype!r}.",
            )
        try:
            # Engines read any byte of a bool; only 0 and 1 mean the same to all of them.
            flat = array(_ARRAY_CODES[dtype], map(bool, values) if dtype == "bool" else values)
        except (TypeError, OverflowError) as error:
            raise ConfigError(
                "tensor-invalid", f"tensor values: expected {dtype} numbers, got: {error}."
            ) from error
        if sys.byteorder == "big":
            flat.byteswap()
        return cls(dtype, tuple(shape) if shape is not None else (len(flat),), flat.tobytes())

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
        """Copy a numpy array of a supported dtype, C-contiguous and little-endian."""
        dtype = values.dtype
        if dtype.name not in ITEM_BYTES:
            raise ConfigError(
                "tensor-invalid",
                f"numpy dtype: expected one of {', '.join(ITEM_BYTES)}, got {dtype.name!r}. "
                "Convert with .astype().",
            )
        return cls(
            dtype.name, tuple(values.shape), values.astype(dtype.newbyteorder("<")).tobytes()
        )

    def tolist(self) -> list[Any]:
        """Return the values as one flat list of Python numbers (bools for ``bool``)."""
        if self.dtype == "float16":
            return [half for (half,) in struct.iter_unpack("<e", self.data)]
        flat = array(_ARRAY_CODES[self.dtype])
        flat.frombytes(bytes(self.data))
        if sys.byteorder == "big":
            flat.byteswap()
        return [bool(value) for value in flat] if self.dtype == "bool" else flat.tolist()

    def numpy(self) -> Any:
        """Return a read-only numpy view; the task must list ``packages = ["numpy"]``."""
        numpy = sys.modules.get("numpy")
        if numpy is None:
            raise ConfigError(
                "tensor-invalid",
                "Tensor.numpy(): expected numpy to be imported, got no numpy. "
                'Add packages = ["numpy"] to task.toml and import numpy in the task.',
            )
        little = numpy.dtype(self.dtype).newbyteorder("<")
        view = numpy.frombuffer(self.data, dtype=little).reshape(self.shape)
        view.flags.writeable = False
        return view


def _checked_shape(shape: Sequence[Any]) -> tuple[int, ...]:
    """Return sizes as Python integers; numpy's are as welcome."""
    try:
        sizes = tuple(index(size) for size in shape)
    except TypeError as error:
        text = f"tensor shape: expected whole numbers, got {shape!r}."
        raise ConfigError("tensor-invalid", text) from error
    if any(size < 0 for size in sizes):
        raise ConfigError("tensor-invalid", f"tensor shape: expected sizes >= 0, got {sizes}.")
    return sizes
