"""How far answers are from those that are expected, and whether that is near enough."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import mul, ne, sub
from typing import Any, Final

from ..tensor import ITEM_BYTES, Tensor

_FLOATS: Final = ("float32", "float64", "float16")
# Pixels and quantised values: rounded, so that those of two right backends differ by one.
_ROUNDED: Final = ("uint8", "int8")
_BLOCKS: Final = 64


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What an answer may differ by; all must hold.

    Attributes:
        max_error: Greatest difference of one value, as a share of the greatest expected magnitude.
        cosine: Least cosine between an expected and a given output.
        mismatches: Greatest share of unequal values in outputs that are not floating point; values
            of 8 bits are unequal if they differ by more than one.
    """

    max_error: float
    cosine: float
    mismatches: float = 0.0


@dataclass(frozen=True, slots=True)
class OutputDifference:
    """How far one output is from what was expected.

    ``problem`` says in words why it cannot be compared; the figures then mean nothing.
    ``max_error`` is ``max_abs`` as a share of the output's scale.
    """

    name: str
    max_abs: float = 0.0
    max_error: float = 0.0
    cosine: float = 1.0
    mismatches: float = 0.0
    problem: str | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One :class:`OutputDifference` per expected output, and the worst figures of all."""

    outputs: tuple[OutputDifference, ...]

    @property
    def max_error(self) -> float:
        """Greatest error as a share of its output's scale."""
        return max((each.max_error for each in self.outputs), default=0.0)

    @property
    def cosine(self) -> float:
        """Least cosine."""
        return min((each.cosine for each in self.outputs), default=1.0)

    @property
    def mismatches(self) -> float:
        """Greatest share of unequal values."""
        return max((each.mismatches for each in self.outputs), default=0.0)


def compare(
    expected: Mapping[str, Tensor], given: Mapping[str, Tensor], most_values: int | None = None
) -> Difference:
    """Measure how far each expected output is from the given one; never raises.

    Args:
        expected: What is right.
        given: What a backend answered.
        most_values: Of a larger output so many are looked at, in blocks over its length; else all.
    """
    differences = (
        _difference(name, tensor, given.get(name), most_values) for name, tensor in expected.items()
    )
    return Difference(tuple(differences))


def judge(difference: Difference, tolerance: Tolerance) -> str | None:
    """Return None if all outputs are within the tolerance, else the reason in words."""
    for each in difference.outputs:
        reason = each.problem or _excess(each, tolerance)
        if reason:
            return f"output {each.name}: {reason}"
    return None


def _difference(
    name: str, expected: Tensor, given: Tensor | None, most_values: int | None
) -> OutputDifference:
    if given is None:
        return OutputDifference(name, problem="expected it, got no such output")
    if (expected.dtype, expected.shape) != (given.dtype, given.shape):
        return OutputDifference(name, problem=f"expected {_kind(expected)}, got {_kind(given)}")
    if bytes(expected.data) == bytes(given.data) and expected.dtype not in _FLOATS:
        return OutputDifference(name)
    right, answered = _values(expected, most_values), _values(given, most_values)
    if expected.dtype in _FLOATS:
        return _float_difference(name, right, answered)
    differs = _differ if expected.dtype in _ROUNDED else ne
    return OutputDifference(name, mismatches=sum(map(differs, right, answered)) / len(right))


def _differ(expected: int, given: int) -> bool:
    return abs(expected - given) > 1


def _values(tensor: Tensor, most: int | None) -> list[Any]:
    count, item_bytes = math.prod(tensor.shape), ITEM_BYTES.get(tensor.dtype)
    if most is None or count <= most or item_bytes is None:
        return tensor.tolist()
    data, length = memoryview(tensor.data).cast("B"), most // _BLOCKS
    # From the first value to the last one, both included.
    starts = [number * (count - length) // (_BLOCKS - 1) * item_bytes for number in range(_BLOCKS)]
    blocks = b"".join(data[start : start + length * item_bytes] for start in starts)
    return Tensor(tensor.dtype, (length * _BLOCKS,), blocks).tolist()


def _float_difference(
    name: str, expected: Sequence[float], given: Sequence[float]
) -> OutputDifference:
    squares = _dot(expected, expected), _dot(given, given)
    # One NaN or infinity makes its sum one, and so do values whose squares overflow.
    if not math.isfinite(sum(squares)):
        return OutputDifference(name, problem="expected finite values, got NaN or infinity")
    max_abs = max(map(abs, map(sub, expected, given)), default=0.0)
    scale = max(map(abs, expected), default=0.0) or 1.0
    norms = math.sqrt(squares[0]) * math.sqrt(squares[1])
    cosine = _dot(expected, given) / norms if norms else float(max_abs == 0)
    return OutputDifference(name, max_abs, max_abs / scale, cosine)


def _dot(left: Sequence[float], right: Sequence[float]) -> float:
    return sum(map(mul, left, right), 0.0)


def _excess(each: OutputDifference, tolerance: Tolerance) -> str | None:
    """Return which figure is out of tolerance, in words."""
    if each.mismatches > tolerance.mismatches:
        return (
            f"expected at most {tolerance.mismatches:.3g} of the values to be others, "
            f"got {each.mismatches:.3g}"
        )
    if each.max_error > tolerance.max_error:
        share = f"{tolerance.max_error:.2g} of its scale"
        return f"expected an error of at most {share}, got {each.max_error:.2g}"
    if each.cosine < tolerance.cosine:
        return f"expected a cosine of at least {tolerance.cosine}, got {each.cosine:.6f}"
    return None


def _kind(tensor: Tensor) -> str:
    return f"{tensor.dtype}{list(tensor.shape)}"
