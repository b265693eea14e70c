"""Golden files: a few inputs with the outputs they must give, for checking any backend.

The format is the runtime's own, see ``edge_runtime.pure.golden``, which reads them. Inputs and
outputs are flat lists by tensor name; an image is given by the three numbers of its gradient.
"""

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from demo_h5.models.packages import sha256_of

Golden = dict[str, Any]

TOLERANCE = 1e-5
DIGITS = 7


def golden(model: bytes, tolerance: float, cases: list[Golden]) -> Golden:
    """Return the contents of a golden file for the model with these bytes."""
    return {"sha256": sha256_of(model), "tolerance": tolerance, "cases": cases}


def flat(values: NDArray[np.floating]) -> list[float]:
    """Return rounded values as a flat list, short enough to commit."""
    return [round(float(value), DIGITS) for value in values.ravel()]


def write_golden(path: Path, contents: Golden) -> None:
    """Write a golden file with one case a line."""
    head = json.dumps({key: contents[key] for key in ("sha256", "tolerance")})[:-1]
    lines = ",\n  ".join(json.dumps(case) for case in contents["cases"])
    path.write_text(f'{head}, "cases": [\n  {lines}\n]}}\n', encoding="utf-8")
