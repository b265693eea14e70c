"""A report for people: the table, the findings, the snippet."""

import json

from rich.console import Console
from rich.table import Table

from .measure import ENGINE, Measured
from .report import Report


def print_report(report: Report, console: Console) -> None:
    """Print what was made, what was dropped and why, and what hosts cannot run."""
    console.print(f"samples: {report.samples.origin}", soft_wrap=True)
    if not report.samples.are_given:
        console.print(
            "         Random values say little about real ones: give --samples before shipping.",
            soft_wrap=True,
        )
    console.print(_table(report))
    console.print(
        f"latency: median of {report.runs} runs here ({ENGINE}); browsers differ.", soft_wrap=True
    )
    for row in report.rows:
        if row.reason is not None:
            console.print(f"dropped {row.method}: {row.reason}", soft_wrap=True, markup=False)
    console.print(_golden(report), soft_wrap=True)
    for finding in report.findings:
        word = "error" if finding.is_error else "warning"
        text = f"{word}: {finding.host}: {finding.where}: {finding.what}. {finding.remedy}"
        console.print(text, soft_wrap=True, markup=False)
    snippet = json.dumps({report.name: report.snippet()}, indent=2)
    console.print(f'for the configuration\'s "models":\n{snippet}', soft_wrap=True, markup=False)


def _golden(report: Report) -> str:
    cases, origin = report.golden_cases
    if not cases:
        return "golden:  none, the answers are above 4 MiB; a page compares with those of wasm"
    return f"golden:  {cases} cases ({origin}) in {report.name}.golden.json"


def _table(report: Report) -> Table:
    table = Table("variant", box=None)
    for heading in ("bytes", "of fp32", "max error", "cosine", "latency ms", "verdict"):
        table.add_column(heading, justify="left" if heading == "verdict" else "right")
    for row in report.rows:
        table.add_row(*_cells(row, report.model.file_bytes))
    return table


def _cells(row: Measured, fp32_bytes: int) -> tuple[str, ...]:
    name = row.precision if row.precision == "fp32" else row.method
    verdict = "kept" if row.reason is None else "dropped"
    if row.max_error is None or row.cosine is None or row.latency_ms is None:
        size = f"{row.file_bytes:,}" if row.file_bytes else "–"
        return name, size, "–", "–", "–", "–", verdict
    return (
        name,
        f"{row.file_bytes:,}",
        f"{row.file_bytes / fp32_bytes:.0%}",
        f"{row.max_error:.2g}",
        f"{row.cosine:.6f}",
        f"{row.latency_ms:.3g}",
        verdict,
    )
