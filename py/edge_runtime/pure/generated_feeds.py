"""Feeds that golden files name by a few numbers; every host makes the same bytes of them."""

import math
from collections.abc import Sequence
from hashlib import shake_128

from ..tensor import Tensor


def seeded(dtype: str, shape: Sequence[int], seed: int, low: float, high: float) -> Tensor:
    """Return random values from ``low`` to ``high``, both included, the same on every host.

    Floats are one of 256 levels; integers are uniform; a bool is true for an odd byte.
    """
    count, source = math.prod(shape), shake_128(str(seed).encode())
    if dtype in ("float32", "float64", "float16"):
        levels = [low + (high - low) * byte / 255 for byte in range(256)]
        return Tensor.of(dtype, map(levels.__getitem__, source.digest(count)), shape)
    if dtype == "bool":
        return Tensor.of(dtype, (byte & 1 for byte in source.digest(count)), shape)
    first, span = int(low), int(high) - int(low) + 1
    words = Tensor("uint32", (count,), source.digest(4 * count)).tolist()
    return Tensor.of(dtype, (first + word % span for word in words), shape)


def gradient(coefficients: Sequence[int], shape: Sequence[int]) -> Tensor:
    """Return a picture uint8 ``[1, height, width, 3]`` that needs no file.

    Its byte at row y, column x, channel c is (a·y + b·x + d·c) modulo 256 for coefficients a, b, d.
    """
    (row, column, channel), (_, height, width, _) = coefficients, shape
    pixels = [bytes((level + channel * c) & 255 for c in range(3)) for level in range(256)]
    places = ((row * y + column * x) & 255 for y in range(height) for x in range(width))
    return Tensor("uint8", tuple(shape), b"".join(map(pixels.__getitem__, places)))
