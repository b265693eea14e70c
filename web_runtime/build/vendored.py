"""Pyodide and ONNX Runtime as they are served: the files a page may need, no others."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Final

from ..errors import ToolError
from .digests import folder_named_by_content
from .stdlib import trimmed

PYODIDE_FILES: Final = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    "pyodide-lock.json",
)
# One entry per build that js_shim/ort-loader.js may choose, and the wasm each of them loads. The
# default (JSEP) build is left out: it is being removed upstream and leaks on WebKit.
ORT_FILES: Final = (
    "ort.wasm.bundle.min.mjs",
    "ort.jspi.bundle.min.mjs",
    "ort.webgpu.bundle.min.mjs",
    "ort-wasm-simd-threaded.mjs",
    "ort-wasm-simd-threaded.wasm",
    "ort-wasm-simd-threaded.jspi.mjs",
    "ort-wasm-simd-threaded.jspi.wasm",
    "ort-wasm-simd-threaded.asyncify.mjs",
    "ort-wasm-simd-threaded.asyncify.wasm",
)
PACKAGES: Final = Path(".cache") / "pyodide-packages"


def copy_pyodide(root: Path, out: Path) -> str:
    """Copy Pyodide and the wheels that were vendored beside it; return the folder's name."""
    files = _read_all(root / "node_modules" / "pyodide", PYODIDE_FILES)
    files["python_stdlib.zip"] = trimmed(files["python_stdlib.zip"])
    for wheel in sorted((root / PACKAGES).glob("*.whl")):
        files[wheel.name] = wheel.read_bytes()
    files["pyodide-lock.json"] = reduced_lock(files["pyodide-lock.json"], files)
    return folder_named_by_content(out, "pyodide", files)


def reduced_lock(lock: bytes, served: Collection[str]) -> bytes:
    """Return Pyodide's lock with the served packages only.

    Every boot reads it; and a package that is not here is unknown instead of a failed download.
    """
    plain = json.loads(lock)
    packages = plain["packages"].items()
    plain["packages"] = {name: each for name, each in packages if each["file_name"] in served}
    return json.dumps(plain, separators=(",", ":")).encode()


def copy_ort(root: Path, out: Path) -> str:
    """Copy the builds of onnxruntime-web; return the folder's name."""
    files = _read_all(root / "node_modules" / "onnxruntime-web" / "dist", ORT_FILES)
    return folder_named_by_content(out, "ort", files)


def _read_all(folder: Path, names: tuple[str, ...]) -> dict[str, bytes]:
    missing = [name for name in names if not (folder / name).is_file()]
    if missing:
        raise ToolError(
            f"{folder}: expected {', '.join(missing)}, got nothing. Run `make setup` again."
        )
    return {name: (folder / name).read_bytes() for name in names}
