"""Commands for who writes tasks: `new task`, `check`, `run`."""

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from ..errors import NotInstalled

new = typer.Typer(help="Begin with a folder that works.", no_args_is_help=True)


@new.callback()
def new_callback() -> None:
    """Begin with a folder that works."""


@new.command("task")
def new_task_command(
    name: Annotated[str, typer.Argument(help="What triggers and results will call it: RankFeed.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder; default: the name.")
    ] = None,
) -> None:
    """Make a task that runs: task.toml, main.py, a test, a README."""
    from ..authoring.new_task import new_task, next_steps

    folder = output or Path(name)
    new_task(name, folder)
    typer.echo(next_steps(folder))


def check_command(
    folder: Annotated[Path, typer.Argument(help="A task: task.toml and its Python files.")],
    config: Annotated[
        Path | None, typer.Option(help="The site's configuration: models and other tasks.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at a task without running it: manifest, imports, SQL, models, calls, size.

    Ends with code 0, remarks or not; with 1 if it has an error.
    """
    from ..authoring.check import check_task
    from ..authoring.site import read_site

    report = check_task(folder, None if config is None else read_site(config))
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2, ensure_ascii=False))
    else:
        for finding in report.findings:
            typer.echo(str(finding))
        typer.echo(report.summary(folder), err=True)
    if report.has_errors:
        raise typer.Exit(1)


def run_command(
    folder: Annotated[Path, typer.Argument(help="A task: task.toml and its Python files.")],
    activation: Annotated[
        Path | None, typer.Option(help="JSON: an extData of infer, or a list of them; - is stdin.")
    ] = None,
    event: Annotated[
        Path | None, typer.Option(help="JSON: an event, or a list of them; - is stdin.")
    ] = None,
    trace: Annotated[Path | None, typer.Option(help="A trace: JSON lines.")] = None,
    config: Annotated[
        Path | None, typer.Option(help="The site's configuration: models, triggers, data.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON list.")] = False,
) -> None:
    """Run a task under CPython with the real core and models; without input, once.

    Results go to stdout; log lines, tracebacks and times to stderr. Ends with code 0; with 1 if a
    run failed.
    """
    try:
        from ..authoring.run import RunInput, run_task
        from ..authoring.run_input import canonical
        from ..authoring.site import read_site
    except ModuleNotFoundError as error:
        packages = "cryptography, numpy, onnxruntime, pillow"
        raise NotInstalled("run", packages, "run", error) from error

    out = sys.stdout
    ended = run_task(
        folder,
        RunInput(activation, event, trace),
        None if config is None else read_site(config),
        tell=lambda line: typer.echo(line, err=True),
        done=lambda each: None if as_json else typer.echo(canonical(each.to_dict()), file=out),
    )
    if as_json:
        typer.echo(canonical([each.to_dict() for each in ended], indent=1))
    if any(each.error is not None for each in ended):
        raise typer.Exit(1)
