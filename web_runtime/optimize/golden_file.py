"""Writes the golden file of a model: a few feeds with fp32's answers."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from edge_runtime.pure.golden import GOLDEN_BYTES, TOLERANCES

from .samples import Array, Sample, Samples, plain_tensor, seeded_samples
from .source import Model, sha256_of

MAX_CASES: Final = 4
_MAX_VALUES: Final = 30_000


def golden_samples(model: Model, samples: Samples, seed: int) -> Samples:
    """Return the samples a golden file can name: random ones if those given are too large."""
    small = tuple(each for each in samples.items if each.plain is not None)
    if small:
        return Samples(small[:MAX_CASES], samples.origin, samples.are_given, samples.tolerances)
    return seeded_samples(model, seed)


def write_golden(
    path: Path, model: Model, samples: Samples, answers: Sequence[Mapping[str, Array]]
) -> int:
    """Write the cases that fit 30,000 values of answers, one at least; return how many.

    None, and no file, where that one is more than the runtime reads. The tolerances of the golden
    file the samples come from are kept.
    """
    pairs = zip(samples.items, answers, strict=True)
    cases = [json.dumps(_case(sample, answer)) for sample, answer in pairs]
    values = sum(array.size for array in answers[0].values())
    kept = cases[: max(1, _MAX_VALUES // max(values, 1))]
    facts: dict[str, Any] = {"sha256": sha256_of(model.path)}
    if samples.tolerances != TOLERANCES:
        facts["tolerance"] = {name: asdict(each) for name, each in samples.tolerances.items()}
    head = json.dumps(facts)[:-1]
    text = f'{head}, "cases": [\n' + ",\n".join(kept) + "\n]}\n"
    path.unlink(missing_ok=True)
    if len(text.encode()) > GOLDEN_BYTES:
        return 0
    path.write_text(text, encoding="utf-8")
    return len(kept)


def _case(sample: Sample, answer: Mapping[str, Array]) -> dict[str, Any]:
    outputs = {name: plain_tensor(array) for name, array in answer.items()}
    return {"inputs": sample.plain, "outputs": outputs}
