"""`web-runtime`: arguments and messages only; each command calls one function.

The commands import what they need themselves: `vendor` prepares what the others stand on.
"""

import hashlib
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from edge_runtime.errors import EdgeError
from rich.console import Console
from typer.core import TyperGroup

from .errors import NotInstalled, ToolError

DIST: Final = Path(__file__).parent / "dist"


class PlainErrors(TyperGroup):
    """Prints an error that a person can act on without a traceback, and ends with its code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        try:
            return super().invoke(ctx)
        except (EdgeError, ToolError) as error:
            typer.echo(f"web-runtime: {error}", err=True)
            code = error.exit_code if isinstance(error, ToolError) else 1
            raise typer.Exit(code) from error


class Csp(StrEnum):
    """Content security policies that `serve` can send."""

    strict = "strict"
    off = "off"
    none_wasm = "none-wasm"


main = typer.Typer(
    cls=PlainErrors,
    help="Fetch the parts, build the runtime, serve it, pack tasks, optimize models, inspect data, "
    "replay traces.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)


@main.command("vendor")
def vendor_command() -> None:
    """Verify the npm packages, fetch Pyodide's packages, unpack the browser of the tests.

    Ends with code 1 only if a part is missing without which nothing works.
    """
    from .vendor import vendor

    if any(part.required for part in vendor(_console())):
        raise typer.Exit(1)


@main.command("build")
def build_command() -> None:
    """Build what a page loads into web_runtime/dist."""
    from .build import build_all

    build_all(_console())


@main.command("serve")
def serve_command(
    site: Annotated[Path, typer.Argument(help="Folder served at /.")],
    runtime: Annotated[Path, typer.Option(help="A built runtime.")] = DIST,
    mount: Annotated[str, typer.Option(help="Path the runtime is served at.")] = "/edge",
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=1, max=65535)] = 8080,
    isolated: Annotated[
        bool, typer.Option("--isolated", help="Cross-origin isolation: WASM threads.")
    ] = False,
    csp: Annotated[Csp, typer.Option(help="Content security policy.")] = Csp.strict,
) -> None:
    """Serve a site with the runtime beside it, until interrupted."""
    from .serve import create_app, run

    _check_folder(site, "site", "Build the site first; for the demo shop: `make serve`.")
    _check_folder(runtime, "--runtime", "Run `web-runtime build`.")
    if not mount.startswith("/") or mount.endswith("/"):
        raise ToolError(f"--mount: expected a path such as /edge, got {mount!r}.")
    app = create_app(site, runtime, mount=mount, isolated=isolated, csp=csp.value)
    run(app, host=host, port=port, notes=[f"serving {site} at http://{host}:{port}"])


@main.command("pack")
def pack_command(
    folder: Annotated[Path, typer.Argument(help="A task: task.toml and its Python files.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The bundle to write.")],
) -> None:
    """Pack a task's folder into a bundle; the same folder gives the same bytes."""
    from .pack import pack_task

    bundle = pack_task(folder)
    _write(output, bundle)
    _console().print(f"{output}: {len(bundle):,} bytes", soft_wrap=True)


@main.command("optimize")
def optimize_command(
    model: Annotated[Path, typer.Argument(help="An ONNX model.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Folder; default: NAME-variants.")
    ] = None,
    samples: Annotated[
        Path | None, typer.Option(help="Feeds to try it on: an .npz by input, or a golden file.")
    ] = None,
    precision: Annotated[str, typer.Option(help="What to make: fp16, int8.")] = "fp16,int8",
    dimension: Annotated[
        list[str] | None, typer.Option(help="Fix a free dimension: NAME=SIZE; repeat for more.")
    ] = None,
    runs: Annotated[int, typer.Option(help="Timed runs of each file.", min=1)] = 20,
    seed: Annotated[int, typer.Option(help="Of random feeds, where none are given.")] = 1,
    url: Annotated[str, typer.Option(help="Where the files will be, for the snippet.")] = "models/",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make smaller variants of a model, check them, write golden cases, name what cannot run.

    Ends with code 0, remarks or not; with 1 if the model has an error.
    """
    try:
        from .optimize import optimize
        from .optimize.options import parse_options
        from .optimize.printed import print_report
    except ModuleNotFoundError as error:
        raise NotInstalled("optimize", "numpy, onnx, onnxruntime", "optimize", error) from error

    options = parse_options(samples, precision, dimension or [], runs, seed, url)
    report = optimize(model, output or model.with_name(f"{model.stem}-variants"), options)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        print_report(report, _console())
    if report.has_errors:
        raise typer.Exit(1)


@main.command("seal-model")
def seal_model_command(
    model: Annotated[Path, typer.Argument(help="The model file.")],
    key: Annotated[
        Path, typer.Option(help="32 bytes or 64 hex digits; a file that is not there is made.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The sealed file to write.")],
) -> None:
    """Seal a model file; a page opens it with the same key, so this is obfuscation."""
    try:
        from .seal_model import load_or_make_key, seal_model
    except ModuleNotFoundError as error:
        raise NotInstalled("seal-model", "cryptography", "seal", error) from error

    plain = _read(model)
    secret, is_new = load_or_make_key(key)
    sealed = seal_model(plain, secret)
    _write(output, sealed)
    if is_new:
        _console().print(f"{key}: a new key", soft_wrap=True)
    digest = hashlib.sha256(sealed).hexdigest()
    _console().print(f"{output}: {len(sealed):,} bytes, sha256 {digest}", soft_wrap=True)


@main.command("inspect")
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
    from .inspection import inspect
    from .inspection.printed import print_report

    report = inspect(dump, key)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        print_report(report, _console())
    if not report.is_sound:
        raise typer.Exit(1)


@main.command("replay")
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
    from .replay import load_replay, parse_speed, play, print_report

    replay = load_replay(trace, config, seed=seed, default_run_ms=default_run_ms)
    report = play(replay, parse_speed(speed))
    for problem in replay.problems:
        typer.echo(f"web-runtime: {problem}", err=True)
    if decisions is not None:
        _write(decisions, replay.log.text().encode())
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        print_report(report, _console())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: expected a file, got {error}.") from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise ToolError(f"{path}: expected to write {len(data):,} bytes, got {error}.") from error


def _check_folder(folder: Path, argument: str, remedy: str) -> None:
    if not folder.is_dir():
        raise ToolError(f"{argument}: expected a folder, got {folder}. {remedy}")


def _console() -> Console:
    return Console(highlight=False)
