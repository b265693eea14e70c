"""What a person may choose at the command line."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from ..errors import ToolError
from .variants import PRECISIONS


@dataclass(frozen=True, slots=True)
class Options:
    """What a person may choose.

    Attributes:
        samples: An ``.npz`` or a golden file; None means random feeds.
        precisions: Which of ``fp16`` and ``int8`` to make.
        dimensions: Sizes of free dimensions by name.
        runs: How many runs a latency is the median of.
        seed: Of the random feeds.
        url: Prefix of the files' addresses in the snippet.
    """

    samples: Path | None = None
    precisions: Sequence[str] = PRECISIONS
    dimensions: Mapping[str, int] = field(default_factory=dict)
    runs: int = 20
    seed: int = 1
    url: str = "models/"


def parse_options(
    samples: Path | None, precision: str, dimension: Sequence[str], runs: int, seed: int, url: str
) -> Options:
    """Return the options of a command line.

    Raises:
        ToolError: A precision or dimension is not written as expected.
    """
    precisions = [part.strip() for part in precision.split(",") if part.strip()]
    unknown = [part for part in precisions if part not in PRECISIONS]
    if unknown:
        known = ", ".join(PRECISIONS)
        raise ToolError(f"--precision: expected some of {known}, got {', '.join(unknown)}.")
    return Options(samples, precisions, dict(map(_dimension, dimension)), runs, seed, url)


def _dimension(text: str) -> tuple[str, int]:
    name, _, size = text.rpartition("=")
    if not name or not size.isdecimal() or int(size) == 0:
        raise ToolError(f"--dimension: expected NAME=SIZE such as batch=1, got {text!r}.")
    return name, int(size)
