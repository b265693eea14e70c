"""Commands about what a runtime left: `inspect`, `replay`."""

import json
from pathlib import Path
from typing import Annotated

import typer

from .terminal import console, write


def inspect_command(
    dump: Annotated[Path, typer.Argument(help="edge-dump.json, or a native host's folder.")],
    key: Annotated[
        Path | None, typer.Option(help="The root key in a file: 32 bytes or 64 hex digits.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Look at stored data: counts, sizes, integrity. Contents are never printed.

    Ends with code 0 if it is sound, 1 if damage was found, 2 if there is nothing to inspect.
    """
    from ..inspection import inspect
    from ..inspection.printed import print_report

    report = inspect(dump, key)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        print_report(report, console())
    if not report.is_sound:
        raise typer.Exit(1)


def replay_command(
    trace: Annotated[Path, typer.Argument(help="A trace: JSON lines.")],
    config: Annotated[Path, typer.Option(help="The site's configuration.")],
    speed: Annotated[
        str, typer.Option(help="max, or how many times as fast as it was recorded.")
    ] = "max",
    seed: Annotated[
        int | None, typer.Option(help="Another order of callbacks; it changes no decision.")
    ] = None,
    default_run_ms: Annotated[
        float, typer.Option(help="What a run takes that the trace does not know, ms.")
    ] = 10.0,
    decisions: Annotated[Path | None, typer.Option(help="Write the decisions here.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Play a trace again on virtual time: activations, waits, outcomes, and their digest.

    The same trace and configuration give the same digest, here and in every browser.
    """
    from ..replay import load_replay, parse_speed, play, print_report

    replay = load_replay(trace, config, seed=seed, default_run_ms=default_run_ms)
    report = play(replay, parse_speed(speed))
    for problem in replay.problems:
        typer.echo(f"web-runtime: {problem}", err=True)
    if decisions is not None:
        write(decisions, replay.log.text().encode())
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        print_report(report, console())
