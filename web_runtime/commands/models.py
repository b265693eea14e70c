"""Commands about model files: `optimize`, `seal-model`."""

import hashlib
import json
from pathlib import Path
from typing import Annotated

import typer

from ..errors import NotInstalled
from .terminal import console, read, write


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
        from ..optimize import optimize
        from ..optimize.options import parse_options
        from ..optimize.printed import print_report
    except ModuleNotFoundError as error:
        raise NotInstalled("optimize", "numpy, onnx, onnxruntime", "optimize", error) from error

    options = parse_options(samples, precision, dimension or [], runs, seed, url)
    report = optimize(model, output or model.with_name(f"{model.stem}-variants"), options)
    if as_json:
        typer.echo(json.dumps(report.to_dict(), indent=2))
    else:
        print_report(report, console())
    if report.has_errors:
        raise typer.Exit(1)


def seal_model_command(
    model: Annotated[Path, typer.Argument(help="The model file.")],
    key: Annotated[
        Path, typer.Option(help="32 bytes or 64 hex digits; a file that is not there is made.")
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="The sealed file to write.")],
) -> None:
    """Seal a model file; a page opens it with the same key, so this is obfuscation."""
    try:
        from ..seal_model import load_or_make_key, seal_model
    except ModuleNotFoundError as error:
        raise NotInstalled("seal-model", "cryptography", "seal", error) from error

    plain = read(model)
    secret, is_new = load_or_make_key(key)
    sealed = seal_model(plain, secret)
    write(output, sealed)
    if is_new:
        console().print(f"{key}: a new key", soft_wrap=True)
    digest = hashlib.sha256(sealed).hexdigest()
    console().print(f"{output}: {len(sealed):,} bytes, sha256 {digest}", soft_wrap=True)
