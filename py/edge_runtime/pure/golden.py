"""Golden cases: feeds with the outputs they must give, and how far an answer may be from them.

A golden file is ``{"sha256", "tolerance"?, "cases": [{"inputs", "outputs"}]}``, tensors by name:

* a flat list, when the model's declaration gives its shape;
* ``{"values": [...], "shape": [...], "dtype": ...}``, each of the latter two where it is needed;
* ``{"random": [seed, low, high]}`` or ``{"gradient": [row, column, channel]}``, with a shape where
  it is needed: see :mod:`.generated_feeds`.

``tolerance`` is the greatest error of fp32 (a share of the output's scale), or an object of
:class:`Tolerance` fields by precision; what it leaves out is in :data:`TOLERANCES`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from ..errors import ConfigError
from ..tensor import Tensor
from ..types import TensorSpec
from .agreement import Tolerance
from .generated_feeds import gradient, seeded

GOLDEN_BYTES: Final = 4 * 2**20
"""A larger file is not read."""

TOLERANCES: Final[Mapping[str, Tolerance]] = {
    "fp32": Tolerance(1e-4, 0.99999),
    "fp16": Tolerance(0.02, 0.999),
    "int8": Tolerance(0.15, 0.98),
}


@dataclass(frozen=True, slots=True)
class GoldenCase:
    """Feeds, and the outputs that are compared; others are not looked at."""

    feeds: dict[str, Tensor]
    outputs: dict[str, Tensor]


@dataclass(frozen=True, slots=True)
class Golden:
    """Cases and the tolerance by precision (``fp32``, ``fp16``, ``int8``)."""

    cases: tuple[GoldenCase, ...]
    tolerances: Mapping[str, Tolerance]


def golden_from(feeds: Mapping[str, Tensor], outputs: Mapping[str, Tensor]) -> Golden:
    """Return a golden whose one case is a trusted backend's own answer."""
    return Golden((GoldenCase(dict(feeds), dict(outputs)),), TOLERANCES)


def parse_golden(plain: Any, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]) -> Golden:
    """Read a golden file's JSON value; ``inputs`` and ``outputs`` are what the model declares.

    Raises:
        ConfigError: ``config-invalid``, or ``tensor-invalid`` for values that do not fit.
    """
    cases = plain.get("cases") if isinstance(plain, dict) else None
    if not isinstance(cases, list) or not cases:
        raise _invalid("expected an object with one case or more in `cases`")
    declared = ({each.name: each for each in inputs}, {each.name: each for each in outputs})
    parsed = tuple(_case(number, case, *declared) for number, case in enumerate(cases))
    return Golden(parsed, _tolerances(plain.get("tolerance")))


def _case(
    number: int, case: Any, inputs: Mapping[str, TensorSpec], outputs: Mapping[str, TensorSpec]
) -> GoldenCase:
    sides = []
    for side, declared in (("inputs", inputs), ("outputs", outputs)):
        values = case.get(side) if isinstance(case, dict) else None
        if not isinstance(values, dict):
            raise _invalid(f"case {number}: expected an object in `{side}`")
        where = f"case {number}, {side}"
        sides.append({name: _tensor(where, name, declared, values[name]) for name in values})
    if not sides[1]:
        raise _invalid(f"case {number}: expected one tensor or more in `outputs`")
    return GoldenCase(*sides)


def _tensor(where: str, name: str, declared: Mapping[str, TensorSpec], value: Any) -> Tensor:
    if name not in declared:
        raise _invalid(f"{where}: expected one of {', '.join(declared)}, got {name!r}")
    spec, form = declared[name], value if isinstance(value, dict) else {"values": value}
    dtype = form.get("dtype", spec.dtype)
    try:
        if "gradient" in form:
            return gradient(form["gradient"], form.get("shape", spec.shape))
        if "random" in form:
            return seeded(dtype, form.get("shape", spec.shape), *form["random"])
        values = form["values"]
        return Tensor.of(dtype, values, form.get("shape", _shape(spec.shape, len(values))))
    except (KeyError, TypeError, ValueError, AttributeError, ConfigError) as error:
        raise _invalid(f"{where}, {name}: expected {dtype} values with a shape: {error}") from error


def _shape(declared: Sequence[int | str | None], count: int) -> list[int]:
    """Return the declared shape, its one unknown size found from the count of values."""
    known = [size for size in declared if isinstance(size, int)]
    if len(declared) > len(known) + 1:
        raise ValueError(f"of {list(declared)} more than one size is unknown; name the `shape`")
    unknown = count // max(math.prod(known), 1)
    return [size if isinstance(size, int) else unknown for size in declared]


def _tolerances(plain: Any) -> Mapping[str, Tolerance]:
    if plain is None:
        return TOLERANCES
    try:
        named = plain if isinstance(plain, dict) else {"fp32": {"max_error": plain}}
        return {
            each: replace(TOLERANCES[each], **_finite(named.get(each, {}))) for each in TOLERANCES
        }
    except (AttributeError, TypeError, ValueError, OverflowError) as error:
        fields = ", ".join(Tolerance.__dataclass_fields__)
        raise _invalid(f"tolerance: expected {fields} by precision: {error}") from error


def _finite(fields: Mapping[str, Any]) -> dict[str, float]:
    """Return numbers; NaN as a bound would let everything pass."""
    numbers = {name: float(value) for name, value in fields.items()}
    if not all(map(math.isfinite, numbers.values())):
        raise ValueError("not a finite number")
    return numbers


def _invalid(text: str) -> ConfigError:
    return ConfigError("config-invalid", f"golden file: {text}. Check the golden file.")
