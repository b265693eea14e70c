"""The Python core as one archive, for cold boots and for making the snapshot."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ..errors import ToolError
from .archive import archive

# Never needed in a browser: fakes for tests, the host under CPython, what both stand on; tools.
LEFT_OUT: Final = (
    "testing",
    "host/native",
    "host/no_machines.py",
    "bundle_writer.py",
    "model_files.py",
    "signatures.py",
)
LIBRARIES: Final = ("fastjsonschema",)


def core_zip(root: Path) -> bytes:
    """Return the archive of ``edge_runtime`` and the libraries it imports in a browser."""
    return archive({name: path.read_bytes() for name, path in _members(root)})


def _members(root: Path) -> Iterator[tuple[str, Path]]:
    core = root / "py" / "edge_runtime"
    for path in _source_files(core):
        inside = path.relative_to(core).as_posix()
        if not inside.startswith(LEFT_OUT):
            yield f"edge_runtime/{inside}", path
    for library in LIBRARIES:
        folder = _library_folder(library)
        for path in _source_files(folder):
            yield f"{library}/{path.relative_to(folder).as_posix()}", path


def _source_files(folder: Path) -> Iterator[Path]:
    return (path for path in folder.rglob("*") if path.suffix in {".py", ".json"})


def _library_folder(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or spec.origin is None:
        raise ToolError(f"{name}: expected it beside the tool, got nothing. Run `make setup`.")
    return Path(spec.origin).parent
