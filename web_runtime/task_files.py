"""The files of a task's folder, and its Python as a syntax tree; nothing of it is executed."""

import ast
import sys
import warnings
from collections.abc import Iterable, Iterator
from importlib.util import decode_source
from pathlib import Path
from typing import Final

from edge_runtime.errors import TrustError
from edge_runtime.pure.manifest_fields import check_path

from .errors import ToolError
from .wheel_files import PYTHON_VERSION

TASK_FILE: Final = "task.toml"
IGNORED_FOLDERS: Final = {"__pycache__", "tests"}
_HERE: Final = f"{sys.version_info.major}.{sys.version_info.minor}"


class PythonError(Exception):
    """A file is no Python; ``line`` and ``column`` from 1, None where nobody knows."""

    def __init__(self, message: str, line: int | None, column: int | None) -> None:
        super().__init__(message)
        self.line, self.column = line, column


def read_files(folder: Path) -> dict[str, bytes]:
    """Return the files of ``folder`` that a bundle holds, by path, in a fixed order.

    Raises:
        ToolError: One cannot be read, or is no file, or a link that leads out of the folder.
    """
    return {path.relative_to(folder).as_posix(): _content(folder, path) for path in _paths(folder)}


def check_paths(folder: Path, paths: Iterable[str]) -> None:
    """Refuse a file that no bundle may hold with ToolError."""
    for path in paths:
        if (fault := path_fault(path)) is not None:
            raise ToolError(f"{folder / path}: {fault}")


def parse_python(data: bytes, filename: str) -> ast.Module:
    """Return the syntax tree of a module that compiles.

    Raises:
        PythonError: What is expected, what is there, and what to do.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Of escapes in texts; the linter's business.
            tree = ast.parse(decode_source(data), filename)
            compile(tree, filename, "exec", dont_inherit=True)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        text = f"expected Python in UTF-8, got {error}. Save it as UTF-8."
        raise PythonError(text, line, None) from error
    except SyntaxError as error:
        raise PythonError(_syntax(error), error.lineno, error.offset) from error
    except (ValueError, RecursionError, MemoryError) as error:
        got = str(error) or "code that is nested too deep"
        raise PythonError(f"expected Python, got {got}. Correct the file.", None, None) from error
    return tree


def _syntax(error: SyntaxError) -> str:
    # Without a line it is the file that is wrong, for every Python.
    if _HERE == PYTHON_VERSION or error.lineno is None:
        return f"expected Python, got {error.msg}. Correct the file."
    return (
        f"expected Python {_HERE}, got {error.msg}. Correct the file; if it is right for "
        f"{PYTHON_VERSION}, which pages run, look at it with Python {PYTHON_VERSION}; pack without "
        "--source needs none."
    )


def path_fault(path: str) -> str | None:
    """Return why no bundle may hold a file of this name, and what to do; None: it may."""
    try:
        check_path(path)
    except TrustError:
        expected = "a printable path of at most 200 characters without : and \\"
        return f"expected {expected}, got {path!r}. Rename the file."
    return None


def _paths(folder: Path) -> Iterator[Path]:
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        is_ignored = path.suffix == ".pyc" or IGNORED_FOLDERS.intersection(parts)
        is_hidden = any(part.startswith(".") for part in parts)
        is_folder = path.is_dir() and not path.is_symlink()
        if path != folder / TASK_FILE and not (is_ignored or is_hidden or is_folder):
            yield path


def _content(folder: Path, path: Path) -> bytes:
    got = f"a link to {path.readlink()}" if path.is_symlink() else "something else"
    # A bundle is published: a link must not lead out of the folder.
    if not path.is_file() or not path.resolve().is_relative_to(folder.resolve()):
        raise ToolError(
            f"{path}: expected a file of the task's own folder, got {got}. "
            "Copy the file into the folder, or take it out."
        )
    try:
        return path.read_bytes()
    except OSError as error:
        raise ToolError(f"{path}: expected a file, got {error}.") from error
