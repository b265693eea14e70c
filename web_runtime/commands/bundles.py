"""`web-runtime pack` and `web-runtime keys`: arguments and messages only, as in `cli`."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ..compilers import pyodide_of
from ..errors import NotInstalled, ToolError
from ..pack import pack_task
from .terminal import write

DIST: Final = Path(__file__).parents[1] / "dist"
_OLD_KEY_DAYS: Final = 90

keys_app = typer.Typer(
    help="Make, rotate and show the keys that sign and seal bundles.", no_args_is_help=True
)

KeyFile = Annotated[Path, typer.Argument(help="The key's file; only its owner can read it.")]


def pack_command(
    folder: Annotated[Path, typer.Argument(help="A task: task.toml and its Python files.")],
    output: Annotated[Path, typer.Option("-o", "--output", help="The bundle to write.")],
    key: Annotated[
        list[Path] | None, typer.Option(help="A key file to sign with; repeat for more.")
    ] = None,
    seal: Annotated[Path | None, typer.Option(help="A key file to seal with.")] = None,
    source: Annotated[
        bool, typer.Option("--source", help="Pack source text: for any Python, for development.")
    ] = False,
    runtime: Annotated[Path, typer.Option(help="A built runtime, whose Python compiles.")] = DIST,
) -> None:
    """Pack a task's folder into a bundle; the same folder and keys give the same bytes.

    Wheels that the task needs are written to packages/ beside the bundle: publish both.
    """
    if output.resolve().is_relative_to(folder.resolve()):
        raise ToolError(
            f"--output: expected a file outside of {folder}, got {output}, which the next bundle "
            f"would hold. Write, for example, -o {folder.resolve().parent / output.name}."
        )
    bundle = pack_task(
        folder,
        signing=_signing(key or []),
        sealing=_sealing(seal) if seal else None,
        compiler=None if source else pyodide_of(runtime),
        packages=output.parent / "packages",
    )
    write(output, bundle)
    signed = "signed" if key else "not signed: it runs only where trust.unsigned is true"
    typer.echo(f"{output}: {len(bundle):,} bytes, {signed}")


@keys_app.command("new")
def new_command(
    file: KeyFile,
    key_id: Annotated[
        str | None, typer.Option("--id", help="Its name in bundles; default: the file's.")
    ] = None,
    not_after: Annotated[
        str | None, typer.Option(help="Last day of trust, YYYY-MM-DD; default: without end.")
    ] = None,
    seal: Annotated[bool, typer.Option("--seal", help="A key that seals, not signs.")] = False,
) -> None:
    """Make a key, and print what a configuration needs of it."""
    keys = _keys()
    name = key_id or file.stem
    if not_after is not None and (seal or _is_over(keys.checked_date(not_after))):
        got = "--seal" if seal else not_after
        raise ToolError(f"--not-after: expected the last day of a key that signs, got {got}.")
    key = keys.new_seal_key(name) if seal else keys.new_signing_key(name, not_after)
    keys.write_key(file, key)
    _print_trust([key])


@keys_app.command("rotate")
def rotate_command(
    old: Annotated[Path, typer.Argument(help="The signing key to end.")],
    new: Annotated[Path, typer.Argument(help="File of the new one.")],
    key_id: Annotated[
        str | None, typer.Option("--id", help="The new one's name; default: the file's.")
    ] = None,
    not_after: Annotated[
        str | None, typer.Option(help="The old one's last day; default: in 90 days.")
    ] = None,
) -> None:
    """Make a new signing key, end the old one, and print both for the configuration."""
    keys = _keys()
    ending = _signing_key(old)
    if (key_id or new.stem) == ending.key_id:
        raise ToolError(f"keys: expected another id than {ending.key_id}, got it again. Use --id.")
    last_day = (datetime.now(UTC) + timedelta(days=_OLD_KEY_DAYS)).date().isoformat()
    # A key that is to end is not made to last by rotating it once more.
    last_day = min(last_day, ending.not_after or last_day)
    ended = replace(ending, not_after=keys.checked_date(not_after or last_day))
    fresh = keys.new_signing_key(key_id or new.stem)
    keys.write_key(new, fresh)
    keys.write_key(old, ended, replace=True)
    _print_trust([fresh, ended])


@keys_app.command("show")
def show_command(
    files: Annotated[list[Path], typer.Argument(help="Key files.")],
) -> None:
    """Print what a configuration needs of keys: public parts, and the keys of seals."""
    _print_trust([_keys().read_key(path) for path in files])


def _print_trust(given: list[Any]) -> None:
    seal_key = _keys().SealKey
    seals = [key for key in given if isinstance(key, seal_key)]
    trust: dict[str, Any] = {}
    if len(seals) < len(given):
        trust["keys"] = [key.trusted() for key in given if key not in seals]
    if seals:
        trust["seals"] = {key.key_id: key.to_dict()["key"] for key in seals}
    typer.echo(json.dumps({"trust": trust}, indent=2))


def _signing(paths: Sequence[Path]) -> list[Any]:
    signers: dict[str, Any] = {}
    for path in paths:
        key = _signing_key(path)
        if key.key_id in signers:
            raise ToolError(f"--key: expected each key once, got {key.key_id} again in {path}.")
        if _is_over(key.not_after):
            text = f"expected a key in force, got one that ended on {key.not_after}"
            typer.echo(f"{path}: {text}: pages do not count its signature.", err=True)
        signers[key.key_id] = key
    return [each for key in signers.values() for each in _keys().signing_of(key)]


def _is_over(last_day: str | None) -> bool:
    return last_day is not None and last_day < datetime.now(UTC).date().isoformat()


def _signing_key(path: Path) -> Any:
    key = _keys().read_key(path)
    if isinstance(key, _keys().SigningKey):
        mode = path.stat().st_mode
        if os.name == "posix" and mode & 0o077:
            text = f"expected a file for its owner alone, got mode {mode & 0o777:o}"
            typer.echo(f"{path}: {text}: others can sign, too. Run `chmod 600 {path}`.", err=True)
        return key
    raise ToolError(f"{path}: expected a key that signs, got one that seals. Name another.")


def _sealing(path: Path) -> Any:
    key = _keys().read_key(path)
    if isinstance(key, _keys().SealKey):
        return key
    raise ToolError("--seal: expected a key that seals, got one that signs. See keys new --seal.")


def _keys() -> Any:
    try:
        from .. import keys
    except ModuleNotFoundError as error:
        raise NotInstalled("keys", "cryptography", "seal", error) from error
    return keys
