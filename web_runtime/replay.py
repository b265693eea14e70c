"""`web-runtime replay`: plays a trace with a configuration and prints what was decided."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

from edge_runtime.bundle_writer import manifest_of
from edge_runtime.config import Config, parse_config
from edge_runtime.errors import TrustError
from edge_runtime.pure.plain import check_levels
from edge_runtime.pure.trace import described_task
from edge_runtime.testing.replay import Replay
from edge_runtime.testing.replay_report import ReplayReport, spread
from edge_runtime.testing.trace_lines import LONGEST_MS, parse_trace
from edge_runtime.types import JsonValue
from rich.console import Console
from rich.table import Table

from .errors import ToolError


def load_replay(
    trace: Path, config: Path, *, seed: int | None = None, default_run_ms: float = 10.0
) -> Replay:
    """Return a replay of a trace file.

    Args:
        trace: JSONL, see :mod:`edge_runtime.testing.trace_lines`.
        config: The site's configuration; bundles that lie beside it describe tasks of which the
            trace says nothing.
        seed: Order of ready callbacks.
        default_run_ms: What a run takes of which the trace says nothing.

    Raises:
        ToolError: A file cannot be read, or a run would never end.
        ConfigError: It holds no trace, or no configuration.
    """
    if not 0 <= default_run_ms <= LONGEST_MS:
        expected = f"milliseconds from 0 to {LONGEST_MS}"
        raise ToolError(f"--default-run-ms: expected {expected}, got {default_run_ms:g}.")
    parsed = parse_config(read_json(config))
    return Replay(
        parse_trace(read_text(trace)),
        parsed,
        tasks=list(tasks_beside(config, parsed)),
        seed=seed,
        default_run_ms=default_run_ms,
    )


def play(replay: Replay, speed: float) -> ReplayReport:
    """Play ``speed`` times as fast as it was recorded; infinity: as fast as possible."""
    began_s, first_ms = time.monotonic(), None
    for at_ms in replay.steps():
        first_ms = at_ms if first_ms is None else first_ms
        due_s = began_s + (at_ms - first_ms) / 1000 / speed
        time.sleep(max(0.0, due_s - time.monotonic()))
    return ReplayReport(replay.log)


def parse_speed(text: str) -> float:
    """Return how many times as fast as recorded, from a tenth up; infinity for ``max``.

    Raises:
        ToolError: It is neither.
    """
    try:
        speed = float("inf") if text == "max" else float(text)
    except ValueError:
        speed = 0.0
    # Slower, the ten years that a trace may have are longer than an operating system can wait.
    if not speed >= 0.1:
        raise ToolError(f"--speed: expected max or a number from 0.1 up, got {text!r}.")
    return speed


def print_report(report: ReplayReport, console: Console) -> None:
    """Print tables of tasks and queues, and the digest of the decisions."""
    tasks = Table("task", "activations", "begun", "outcomes", "run p50", "p99", "max ms", box=None)
    for name, task in sorted(report.tasks.items()):
        outcomes = ", ".join(f"{count} {ended}" for ended, count in sorted(task.outcomes.items()))
        tasks.add_row(
            name, str(task.activations), str(task.begun), outcomes, *_figures(task.run_ms)
        )
    queues = Table("queue", "activations", "wait p50", "p99", "max ms", box=None)
    for name, queue in report.queues.items():
        queues.add_row(name, str(queue.activations), *_figures(queue.waits_ms))
    console.print(tasks, "", queues, "")
    for change, count in sorted(report.transitions.items()):
        console.print(f"breakers: {count} × {change}")
    console.print(f"{report.until_ms / 1000:.1f} s, {report.lives} worker(s)")
    console.print(f"decisions: {report.sha256}", soft_wrap=True)


def _figures(values_ms: list[float]) -> list[str]:
    figures = spread(values_ms)
    return ["–"] * 3 if figures is None else [f"{value:,.1f}" for value in figures.values()]


def tasks_beside(config: Path, parsed: Config) -> Iterator[dict[str, JsonValue]]:
    """Yield what a trace says of a task, for each bundle that lies beside the configuration.

    Raises:
        ToolError: One that no runtime would open.
    """
    for url in parsed.bundles:
        path = config.parent / url
        try:
            data = path.read_bytes()
        except (OSError, ValueError):  # An address that is no path, or of nothing that lies here.
            continue
        try:
            yield described_task(manifest_of(data))
        except TrustError as error:
            raise ToolError(f"{path}: {error.message}") from error


def read_json(path: Path) -> object:
    """Decode a JSON file.

    Raises:
        ToolError: It cannot be read, or is none.
    """
    try:
        text = read_text(path)
        check_levels(text)
        plain: object = json.loads(text)
    except ValueError as error:
        raise ToolError(f"{path}: expected JSON, got {error}. Correct the file.") from error
    return plain


def read_text(path: Path) -> str:
    """Read a text file.

    Raises:
        ToolError: It cannot be read, or is none.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        advice = "Name one, saved as UTF-8."
        raise ToolError(f"{path}: expected a text file, got {error}. {advice}") from error
