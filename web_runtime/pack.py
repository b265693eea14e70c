"""Packs a task's folder into a bundle: the same folder gives the same bytes."""

import tempfile
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from edge_runtime.bundle_writer import Sealing, Signing, write_bundle
from edge_runtime.pure.manifest import from_task_toml

from .compilers import Compiled, Compiler, NotPython
from .errors import ToolError
from .packages import lock_packages
from .task_files import TASK_FILE, PythonError, check_paths, parse_python, read_files


def pack_task(
    folder: Path,
    *,
    signing: Sequence[Signing] = (),
    sealing: Sealing | None = None,
    compiler: Compiler | None = None,
    packages: Path | None = None,
) -> bytes:
    """Return the ``.edge`` bundle of the task in ``folder``.

    Everything beside ``task.toml`` is packed, except hidden files, ``tests/`` and compiled Python.

    Args:
        folder: The task.
        signing: Keys that sign it, as :func:`web_runtime.keys.signing_of` returns them.
        sealing: The key that seals it; None: it is not sealed.
        compiler: Makes bytecode of its Python files; None: they are packed as source text.
        packages: Where the wheels that it needs are written; see :func:`lock_packages`.

    Raises:
        ToolError: The folder has no ``task.toml``, or a file that cannot be read or compiled.
        ConfigError: ``config-invalid``: a key of ``task.toml``, and what was expected.
        TrustError: No runtime would open such a bundle: too large, or a path it may not hold.
    """
    plain = read_task_toml(folder)
    files = read_files(folder)
    check_paths(folder, files)
    if compiler is None:
        for name in python_files(files):
            check_python(folder / name, files[name])
        manifest = from_task_toml(plain, files)
    else:
        # A mistake in the description is told before one in the code.
        from_task_toml(plain, files)
        abi, code = compiled(folder, plain["name"], files, compiler)
        files = {name: data for name, data in files.items() if name not in code}
        files |= {name.removesuffix(".py") + ".pyc": data for name, data in code.items()}
        manifest = from_task_toml(plain, files, abi)
    manifest = replace(manifest, packages=lock_packages(manifest.packages, packages))
    return write_bundle(manifest, files, signing=signing, sealing=sealing)


def python_files(files: Iterable[str]) -> list[str]:
    """Return the paths of a task's modules."""
    return [name for name in files if name.endswith(".py")]


def compiled(folder: Path, name: str, files: Mapping[str, bytes], compiler: Compiler) -> Compiled:
    """Compile a task's modules.

    Raises:
        ToolError: File, line and what the compiler said; or there is nothing to compile with.
    """
    try:
        return compiler(name, {path: files[path] for path in python_files(files)})
    except NotPython as error:
        where = _where(folder / error.path, error.line)
        raise ToolError(f"{where}: expected Python, got an error: {error}.") from error


def pack_with_wheels(folder: Path) -> tuple[bytes, dict[str, bytes]]:
    """Return a task's bundle, and the wheels beside it by file name, as :func:`pack_task`."""
    with tempfile.TemporaryDirectory() as beside:
        bundle = pack_task(folder, packages=Path(beside))
        return bundle, {path.name: path.read_bytes() for path in Path(beside).iterdir()}


def read_task_toml(folder: Path) -> dict[str, Any]:
    """Decode the folder's ``task.toml``.

    Raises:
        ToolError: It is missing, or line and column of what is no TOML.
    """
    path = folder / TASK_FILE
    if not path.is_file():
        raise ToolError(f"{path}: expected a file, got none. A task's folder needs a {TASK_FILE}.")
    try:
        # Some editors begin a file in UTF-8 with a mark.
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ToolError(f"{path}: expected TOML, got an error: {error}.") from error


def check_python(path: Path, data: bytes) -> None:
    """Refuse a file that does not compile, with its line.

    Raises:
        ToolError: File, line and what the compiler said.
    """
    try:
        parse_python(data, str(path))
    except PythonError as error:
        raise ToolError(f"{_where(path, error.line)}: {error}") from error


def _where(path: Path, line: int | None) -> str:
    return f"{path}:{line}" if line else str(path)
