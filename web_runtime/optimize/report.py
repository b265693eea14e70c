"""What `optimize` found out, as plain data and with a snippet for the configuration."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from .findings import Finding
from .measure import ENGINE, Measured
from .samples import Samples
from .source import Model, sha256_of

# Conditions of a precision: WebGPU computes in fp16 with this feature alone, and has no kernels
# for quantised operators.
_CONDITIONS: Final[dict[str, dict[str, list[str]]]] = {
    "fp32": {},
    "fp16": {"backends": ["webgpu"], "requires": ["shader-f16"]},
    "int8": {"backends": ["wasm", "webnn"]},
}


@dataclass(frozen=True, slots=True)
class Report:
    """One run of `optimize`.

    Attributes:
        name: The model's name in the configuration.
        model: What was given.
        samples: What was tried.
        rows: fp32 first, then each candidate.
        findings: What hosts cannot run.
        golden_cases: How many cases the golden file holds, 0 where there is none, and where they
            come from.
        runs: How many runs a latency is the median of.
        url: Prefix of the files' addresses.
    """

    name: str
    model: Model
    samples: Samples
    rows: Sequence[Measured]
    findings: Sequence[Finding]
    golden_cases: tuple[int, str]
    runs: int
    url: str

    @property
    def has_errors(self) -> bool:
        """Whether no host can run the model."""
        return any(finding.is_error for finding in self.findings)

    def to_dict(self) -> dict[str, Any]:
        """Return the contents of ``NAME.report.json``; sizes are bytes, times milliseconds."""
        return {
            "model": {"file": self.model.path.name, "bytes": self.model.file_bytes},
            "measuredWith": {"engine": ENGINE, "runs": self.runs, "samples": self.samples.origin},
            "golden": {"cases": self.golden_cases[0], "samples": self.golden_cases[1]},
            "variants": [_row(row) for row in self.rows],
            "findings": [finding.to_dict() for finding in self.findings],
            "models": {self.name: self.snippet()},
        }

    def snippet(self) -> dict[str, Any]:
        """Return the model as the configuration names it under ``models``."""
        snippet: dict[str, Any] = {
            "variants": [self._variant(row) for row in self.rows if row.reason is None]
        }
        if self.golden_cases[0]:
            snippet["golden"] = f"{self.url}{self.name}.golden.json"
        if self.model.dimensions:
            snippet["dimensions"] = dict(self.model.dimensions)
        return snippet

    def _variant(self, row: Measured) -> dict[str, Any]:
        file = file_name(self.name, row.precision)
        variant: dict[str, Any] = {
            "url": self.url + file,
            "sha256": row.sha256,
            "precision": row.precision,
        }
        variant |= _CONDITIONS[row.precision]
        if row.precision == "fp32" and self.model.external:
            folder = self.model.path.parent
            variant["external"] = [
                {"path": name, "url": self.url + name, "sha256": sha256_of(folder / name)}
                for name in self.model.external
            ]
        return variant


def file_name(name: str, precision: str) -> str:
    """Return the file of a precision."""
    return f"{name}.onnx" if precision == "fp32" else f"{name}.{precision}.onnx"


def model_name(stem: str) -> str:
    """Return a file's stem as a model's name in the configuration."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-")[:64] or "model"


def _row(row: Measured) -> dict[str, Any]:
    return {
        "precision": row.precision,
        "method": row.method,
        "bytes": row.file_bytes,
        "sha256": row.sha256,
        "maxError": row.max_error,
        "cosine": row.cosine,
        "latencyMs": row.latency_ms,
        "isKept": row.reason is None,
        "reason": row.reason,
    }
