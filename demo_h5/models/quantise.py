"""Fold batch norm into convolutions and round weights to int8, element by element.

Nothing here sums through a BLAS, and IEEE 754 fixes every single operation, so the same
checkpoint gives the same bytes on every machine.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.floating]

INT8_MAX = 127
SMALLEST_SCALE = 1e-12


class BatchNorm(NamedTuple):
    """Learnt scale and shift, and running statistics, one of each per channel."""

    scale: Floats
    shift: Floats
    mean: Floats
    variance: Floats
    epsilon: float


class Quantised(NamedTuple):
    """``weight`` ≈ ``values`` · ``scales``; ``scales`` is 1 long but on axis 0."""

    values: NDArray[np.int8]
    scales: NDArray[np.float32]


def fold(weight: Floats, norm: BatchNorm) -> tuple[Floats, NDArray[np.float32]]:
    """Return weight and bias of one convolution that does what convolution and norm did.

    Args:
        weight: Convolution weight without bias, output channels on axis 0.
        norm: The batch norm behind it.

    Returns:
        The weight in float64 and the bias in float32.
    """
    deviation = np.sqrt(norm.variance.astype(np.float64) + norm.epsilon)
    factor = norm.scale.astype(np.float64) / deviation
    bias = norm.shift.astype(np.float64) - norm.mean.astype(np.float64) * factor
    return weight.astype(np.float64) * _per_channel(factor, weight.ndim), bias.astype(np.float32)


def quantise(weight: Floats) -> Quantised:
    """Round a weight to int8 so that each output channel's largest value becomes ±127."""
    exact = weight.astype(np.float64)
    largest = np.abs(exact).reshape(len(exact), -1).max(axis=1)
    scales = np.maximum(largest / INT8_MAX, SMALLEST_SCALE).astype(np.float32)
    scales = _per_channel(scales, exact.ndim)
    rounded = np.rint(exact / scales.astype(np.float64))
    return Quantised(np.clip(rounded, -INT8_MAX, INT8_MAX).astype(np.int8), scales)


def _per_channel(values: NDArray[Any], dimensions: int) -> NDArray[Any]:
    return values.reshape(-1, *[1] * (dimensions - 1))
