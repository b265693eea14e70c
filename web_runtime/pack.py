"""Packs a task's folder into a bundle: the same folder gives the same bytes."""

import tomllib
from pathlib import Path
from typing import Any, Final

from edge_runtime.pure.manifest import build_bundle, from_task_toml

from .errors import ToolError

TASK_FILE: Final = "task.toml"
IGNORED_FOLDERS: Final = {"__pycache__", "tests"}


def pack_task(folder: Path) -> bytes:
    """Return the ``.edge`` bundle of the task in ``folder``.

    Everything beside ``task.toml`` is packed, except hidden files, ``tests/`` and compiled Python.

    Raises:
        ToolError: No folder, no or unreadable ``task.toml``, or a file that is no Python.
        ConfigError: A wrong key in ``task.toml``, with its name and what was expected.
        TrustError: No runtime would open such a bundle: too large, or a path it may not hold.
    """
    plain = read_task_toml(folder)
    paths = members(folder)
    check_inside(folder, paths)
    files = {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}
    for name, data in files.items():
        if name.endswith(".py"):
            check_python(folder / name, data)
    return build_bundle(from_task_toml(plain, files), files)


def read_task_toml(folder: Path) -> dict[str, Any]:
    """Decode the folder's ``task.toml``.

    Raises:
        ToolError: It is missing, or line and column of what is no TOML.
    """
    path = folder / TASK_FILE
    if not path.is_file():
        raise ToolError(f"{path}: expected a file, got none. A task's folder needs a {TASK_FILE}.")
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ToolError(f"{path}: expected TOML, got an error: {error}.") from error


def members(folder: Path) -> list[Path]:
    """Return the files of ``folder`` that a bundle holds, in a fixed order."""
    return [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path != folder / TASK_FILE
        and path.suffix != ".pyc"
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not IGNORED_FOLDERS.intersection(path.relative_to(folder).parts)
    ]


def check_inside(folder: Path, paths: list[Path]) -> None:
    """Refuse a link that leads out of the folder: a bundle is published.

    Raises:
        ToolError: The link, and where it leads.
    """
    for path in paths:
        target = path.resolve()
        if not target.is_relative_to(folder.resolve()):
            raise ToolError(
                f"{path}: expected a file of the task's own folder, got a link to {target}. "
                "Copy the file into the folder."
            )


def check_python(path: Path, data: bytes) -> None:
    """Refuse a file that does not compile, with its line.

    Raises:
        ToolError: File, line and what the compiler said.
    """
    try:
        compile(data, str(path), "exec")
    except (SyntaxError, ValueError) as error:
        line = getattr(error, "lineno", None)
        where = f"{path}:{line}" if line else str(path)
        raise ToolError(f"{where}: expected Python, got an error: {error}.") from error
