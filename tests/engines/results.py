"""What the suite found: by engine and feature, written to a file that the table is made from."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from .features import FEATURES
from .found import Kind

RESULTS = Path(__file__).parents[2] / "test-results" / "engines.json"
PASSED = "✓"
FAILED = "✗"


@dataclass
class Results:
    """Versions by engine, and words by engine and feature."""

    versions: dict[str, str] = field(default_factory=dict)
    cells: dict[str, dict[str, str]] = field(default_factory=dict)

    def add(self, kind: Kind, feature: str, passed: bool) -> None:
        """Note how a case ended; one that failed has the last word about its feature."""
        if feature not in FEATURES:
            raise ValueError(f"feature: expected one of {', '.join(FEATURES)}, got {feature!r}")
        cells = self.cells.setdefault(kind.name, {})
        if not passed:
            cells[feature] = FAILED
        cells.setdefault(feature, kind.words.get(feature, PASSED))

    @classmethod
    def read(cls, path: Path) -> "Results":
        """Read what :meth:`write` wrote."""
        return cls(**json.loads(path.read_text()))

    def write(self, path: Path) -> None:
        """Write the file, replacing what was there."""
        path.parent.mkdir(exist_ok=True)
        found = {"versions": self.versions, "cells": self.cells}
        path.write_text(json.dumps(found, ensure_ascii=False, indent=2) + "\n")
