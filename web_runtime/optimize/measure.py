"""How far variants are from the model they were made of, and how long they take on this CPU."""

import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np
import onnxruntime
from edge_runtime.pure.agreement import Difference, Tolerance, compare, judge
from edge_runtime.tensor import Tensor

from ..errors import ToolError
from .samples import Array, Samples
from .source import Model, first_line, open_session, sha256_of
from .variants import Candidate

# A file that saves less is not worth a device's time to measure it.
_MOST_OF_FP32: Final = 0.95
ENGINE: Final = f"onnxruntime {onnxruntime.__version__}, CPU, 1 thread"


@dataclass(frozen=True, slots=True)
class Measured:
    """One file beside fp32 on all samples.

    Attributes:
        precision: ``fp32``, ``fp16`` or ``int8``.
        method: How it was made.
        path: The file; None if there is none.
        file_bytes: Its size.
        sha256: Its digest.
        max_error: Greatest error as a share of the output's scale.
        cosine: Least cosine of an output.
        latency_ms: Median of the timed runs.
        reason: Why it is dropped; None if it is kept.
    """

    precision: str
    method: str
    path: Path | None = None
    file_bytes: int = 0
    sha256: str = ""
    max_error: float | None = None
    cosine: float | None = None
    latency_ms: float | None = None
    reason: str | None = None


def answers_of(model: Model, path: Path, samples: Samples) -> list[dict[str, Array]]:
    """Return a file's outputs by name, one dict per sample.

    Raises:
        ToolError: The file does not open, or does not run on the samples.
    """
    session = open_session(path, model.dimensions)
    names = [spec.name for spec in model.outputs]
    try:
        return [
            dict(zip(names, map(np.asarray, session.run(names, each.feeds)), strict=True))
            for each in samples.items
        ]
    except Exception as error:  # The engine's errors share no base class.
        raise ToolError(
            f"{path.name}: expected it to run on {samples.origin}, got: {first_line(error)}. "
            "Give feeds it is made for with --samples."
        ) from error


def check_answers(answers: Sequence[Mapping[str, Array]], samples: Samples) -> None:
    """Refuse samples on which the model itself answers NaN or infinity.

    Raises:
        ToolError: Nothing can be compared with such an answer.
    """
    for number, answer in enumerate(answers):
        for name, array in answer.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ToolError(
                    f"output {name}, sample {number} of {samples.origin}: expected finite values, "
                    "got NaN or infinity. Give feeds the model is made for with --samples."
                )


def measure_model(model: Model, samples: Samples, runs: int) -> Measured:
    """Return the figures of the model itself."""
    sha256, latency_ms = sha256_of(model.path), _latency_ms(model, model.path, samples, runs)
    return Measured("fp32", "as given", model.path, model.file_bytes, sha256, 0.0, 1.0, latency_ms)


def measure_candidate(
    model: Model,
    candidate: Candidate,
    samples: Samples,
    answers: Sequence[Mapping[str, Array]],
    runs: int,
) -> Measured:
    """Return the figures of a candidate, and why it is dropped if it is."""
    row = Measured(candidate.precision, candidate.method, candidate.path, reason=candidate.problem)
    if candidate.path is None:
        return row
    file_bytes, sha256 = candidate.path.stat().st_size, sha256_of(candidate.path)
    row = replace(row, file_bytes=file_bytes, sha256=sha256)
    try:
        given = answers_of(model, candidate.path, samples)
        latency_ms = _latency_ms(model, candidate.path, samples, runs)
    except ToolError as error:
        return replace(row, reason=f"does not run here: {error}")
    found = [
        compare(_tensors(one), _tensors(other)) for one, other in zip(answers, given, strict=True)
    ]
    reason = _verdict(found, samples.tolerances[candidate.precision])
    most_bytes = int(model.file_bytes * _MOST_OF_FP32)
    if reason is None and file_bytes > most_bytes:
        reason = f"not smaller: expected at most {most_bytes:,} bytes, got {file_bytes:,}"
    return replace(
        row,
        max_error=max(each.max_error for each in found),
        cosine=min(each.cosine for each in found),
        latency_ms=latency_ms,
        reason=reason,
    )


def _verdict(found: Sequence[Difference], tolerance: Tolerance) -> str | None:
    for number, difference in enumerate(found):
        reason = judge(difference, tolerance)
        if reason:
            return f"sample {number}, {reason}"
    return None


def _tensors(arrays: Mapping[str, Array]) -> dict[str, Tensor]:
    return {
        name: Tensor.of("string", array.ravel().tolist(), array.shape)
        if array.dtype.kind == "O"
        else Tensor.from_numpy(array)
        for name, array in arrays.items()
    }


def _latency_ms(model: Model, path: Path, samples: Samples, runs: int) -> float:
    session = open_session(path, model.dimensions)
    feeds = samples.items[0].feeds
    session.run(None, feeds)
    times_ms = []
    for _ in range(runs):
        started_s = time.perf_counter()
        session.run(None, feeds)
        times_ms.append((time.perf_counter() - started_s) * 1000)
    return statistics.median(times_ms)
