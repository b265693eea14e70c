"""`web-runtime optimize`: smaller variants of a model, checked, with golden cases and remarks."""

import json
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ..errors import ToolError
from .golden_file import golden_samples, write_golden
from .lint import lint
from .measure import Measured, answers_of, check_answers, measure_candidate, measure_model
from .options import Options
from .report import Report, file_name, model_name
from .samples import Samples, load_samples, seeded_samples
from .source import Model, load_model
from .variants import PRECISIONS, make_candidates


def optimize(path: Path, output: Path, options: Options) -> Report:
    """Write variants, golden file and report of a model into a folder.

    Raises:
        ToolError: The model does not open or run, or the samples do not fit it.
    """
    model = load_model(path, options.dimensions)
    samples = (
        load_samples(model, options.samples)
        if options.samples
        else seeded_samples(model, options.seed)
    )
    answers = answers_of(model, model.path, samples)
    check_answers(answers, samples)
    name = model_name(path.stem)
    _make_folder(output)
    with tempfile.TemporaryDirectory() as folder:
        rows = [measure_model(model, samples, options.runs)]
        rows += [
            measure_candidate(model, candidate, samples, answers, options.runs)
            for candidate in make_candidates(model, samples, options.precisions, Path(folder))
        ]
        rows = one_per_precision(rows)
        _copy_files(model, name, rows, output)
    golden_cases = _write_golden(output / f"{name}.golden.json", model, samples, options.seed)
    report = Report(
        name, model, samples, rows, lint(model), golden_cases, options.runs, options.url
    )
    text = json.dumps(report.to_dict(), indent=2)
    (output / f"{name}.report.json").write_text(text + "\n", encoding="utf-8")
    return report


def one_per_precision(rows: Sequence[Measured]) -> list[Measured]:
    """Drop all but the closest to fp32 of a precision's files."""
    best: dict[str, Measured] = {}
    for row in rows:
        if row.reason is None and row.max_error is not None:
            kept = best.setdefault(row.precision, row)
            if row.max_error < (kept.max_error or 0.0):
                best[row.precision] = row
    return [
        replace(row, reason=f"{best[row.precision].method} is closer to fp32")
        if row.reason is None and best[row.precision] is not row
        else row
        for row in rows
    ]


def _make_folder(output: Path) -> None:
    try:
        output.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ToolError(f"{output}: expected a folder to write to, got {error}.") from error


def _copy_files(model: Model, name: str, rows: Sequence[Measured], output: Path) -> None:
    """Put the kept files side by side; what an earlier run kept and this one drops goes."""
    for precision in PRECISIONS:
        (output / file_name(name, precision)).unlink(missing_ok=True)
    for row in rows:
        if row.reason is None and row.path is not None:
            _copy(row.path, output / file_name(name, row.precision))
    for external in model.external:
        (output / external).parent.mkdir(parents=True, exist_ok=True)
        _copy(model.path.parent / external, output / external)


def _copy(source: Path, target: Path) -> None:
    if not (target.exists() and target.samefile(source)):
        shutil.copyfile(source, target)


def _write_golden(path: Path, model: Model, samples: Samples, seed: int) -> tuple[int, str]:
    chosen = golden_samples(model, samples, seed)
    answers = answers_of(model, model.path, chosen)
    check_answers(answers, chosen)
    return write_golden(path, model, chosen, answers), chosen.origin
