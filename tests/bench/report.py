"""One measured figure, and how figures are printed and kept."""

import json
import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Measure:
    """A figure with its goal and the peer it was measured against.

    Attributes:
        key: Stable name, ``area.figure`` with the unit in it.
        value: The figure.
        goal: What we aim at; None when the figure is only watched.
        better: Whether lower or higher figures are better.
        peer: What it was compared with, by name and version.
        details: The raw figures behind ``value``.
    """

    key: str
    value: float
    goal: float | None
    peer: str
    better: Literal["lower", "higher"] = "lower"
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def met(self) -> bool | None:
        """Whether the goal is met; None without one."""
        if self.goal is None:
            return None
        return self.value <= self.goal if self.better == "lower" else self.value >= self.goal


def print_table(measures: Sequence[Measure], console: Console) -> None:
    """Print all figures; a missed goal is printed as loudly as a met one."""
    table = Table(title="bench", title_justify="left")
    for column in ("figure", "value", "goal", "", "peer", "behind it"):
        table.add_column(column, justify="right" if column in {"value", "goal"} else "left")
    for measure in measures:
        sign = {"lower": "≤", "higher": "≥"}[measure.better]
        table.add_row(
            measure.key,
            f"{measure.value:,.4g}",
            "" if measure.goal is None else f"{sign} {measure.goal:,.4g}",
            {True: "[green]met[/]", False: "[red]missed[/]", None: ""}[measure.met],
            measure.peer,
            ", ".join(f"{name} {value}" for name, value in measure.details.items()),
        )
    console.print(table)


def write_json(measures: Sequence[Measure], path: Path, *, browser: str) -> None:
    """Write the run for machines: figures by key, with the browser and machine they belong to."""
    path.parent.mkdir(parents=True, exist_ok=True)
    record = {
        "browser": browser,
        "machine": platform.platform(),
        "measures": {measure.key: {**asdict(measure), "met": measure.met} for measure in measures},
    }
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
