"""What all commands share: files, messages, errors."""

import io
import sys
from pathlib import Path
from typing import Any

import typer
from edge_runtime.errors import EdgeError
from rich.console import Console
from typer.core import TyperGroup

from ..errors import ToolError


class PlainErrors(TyperGroup):
    """Prints an error that a person can act on without a traceback, and ends with its code."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command."""
        for stream in (sys.stdout, sys.stderr):
            # Names of files and values of tasks may be what no encoding has.
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")
        try:
            return super().invoke(ctx)
        except (EdgeError, ToolError) as error:
            typer.echo(f"web-runtime: {error}", err=True)
            code = error.exit_code if isinstance(error, ToolError) else 1
            raise typer.Exit(code) from error


def read(path: Path) -> bytes:
    """Return a file; ToolError: there is none."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: expected a file, got {error}.") from error


def write(path: Path, data: bytes) -> None:
    """Write a file, in a folder that is made if need be; ToolError: that cannot be done."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    except OSError as error:
        raise ToolError(f"{path}: expected to write {len(data):,} bytes, got {error}.") from error


def check_folder(folder: Path, argument: str, remedy: str) -> None:
    """Refuse what is no folder with ToolError."""
    if not folder.is_dir():
        raise ToolError(f"{argument}: expected a folder, got {folder}. {remedy}")


def console() -> Console:
    """Return where messages are printed."""
    return Console(highlight=False)
