"""Builds ``web_runtime/dist``, all that a page loads: leaf first, so that one set fits together."""

import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Final

from rich.console import Console

from ..errors import ToolError
from ..folders import replace_folder
from .bundles import (
    Defines,
    build_id,
    bundle_mini_program,
    bundle_page,
    bundle_worker,
    write_types,
)
from .compress import compress_all
from .core_zip import core_zip
from .digests import digest_of, integrity_of, named_by_content
from .snapshot import snapshot
from .vendored import copy_ort, copy_pyodide

__all__ = ["build_all"]

ROOT: Final = Path(__file__).parents[2]
DIST: Final = ROOT / "web_runtime" / "dist"
CACHE: Final = ROOT / ".cache" / "build"
SCRIPTS: Final = ("edge.js", "edge.mjs")


def build_all(console: Console, dist: Path = DIST) -> None:
    """Build into ``dist``, replacing what was there only when everything succeeded.

    The same inputs give the same bytes; only the snapshot differs between machines, because it is
    a dump of an interpreter's memory. It is made once per core and kept in ``.cache``.

    Raises:
        ToolError: A part is missing, or a step failed; the message says which and why.
    """
    if not (ROOT / "js_shim").is_dir():
        raise ToolError(
            "build: expected the project's checkout, got an installed package, which has no "
            "sources of the page's side. Take the built files from the npm package "
            "edge-web-runtime, or build in a checkout: `make build`."
        )
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        out = Path(folder) / "dist"
        out.mkdir()
        assets = _write_assets(out, console)
        console.print("→ compressed variants")
        sizes = compress_all(out, CACHE / "compressed")
        integrity = {name: integrity_of((out / name).read_bytes()) for name in SCRIPTS}
        _write_manifest(out, assets, integrity, sizes)
        replace_folder(dist, out)
    first = sum(sizes[path]["br"] for path in sizes if path.startswith(("edge.js", "snapshot.")))
    console.print(
        f"built {len(sizes)} files in {dist.name}/ (script and snapshot: {first:,} bytes)"
    )
    for name, value in integrity.items():
        console.print(f"{name}: integrity={value}", soft_wrap=True, highlight=False)


def _write_assets(out: Path, console: Console) -> dict[str, str]:
    console.print("→ Pyodide, ONNX Runtime and the core")
    pyodide = copy_pyodide(ROOT, out)
    ort = copy_ort(ROOT, out)
    core = named_by_content(out, "core", ".zip", core_zip(ROOT))
    console.print("→ memory snapshot")
    image = snapshot(ROOT, out / pyodide, out / core, CACHE)
    snapshot_name = named_by_content(out, "snapshot", ".bin", image)
    console.print("→ page script and workers")
    defines: Defines = {
        "__BUILD_ID__": build_id(ROOT, [pyodide, ort, core]),
        "__PYODIDE_DIR__": pyodide,
        "__ORT_DIR__": ort,
        "__CORE_ZIP__": core,
        "__SNAPSHOT__": snapshot_name,
    }
    inference = bundle_worker(ROOT, out, "inference-worker", defines)
    defines["__INFERENCE_WORKER__"] = inference
    machine = bundle_worker(ROOT, out, "vm-worker", defines)
    defines["__VM_WORKER__"] = machine
    runtime = bundle_worker(ROOT, out, "runtime-worker", defines)
    defines["__RUNTIME_WORKER__"] = runtime
    bundle_page(ROOT, out, defines)
    bundle_mini_program(ROOT, out)
    write_types(ROOT, out)
    shutil.copy(ROOT / "NOTICE", out)
    return {
        "buildId": defines["__BUILD_ID__"],
        "runtimeWorker": runtime,
        "inferenceWorker": inference,
        "vmWorker": machine,
        "pyodide": pyodide,
        "ort": ort,
        "core": core,
        "snapshot": snapshot_name,
    }


def _write_manifest(
    out: Path,
    assets: dict[str, str],
    integrity: dict[str, str],
    sizes: dict[str, dict[str, int]],
) -> None:
    version = json.loads((ROOT / "package.json").read_text())["version"]
    files: dict[str, Any] = {}
    for path in sorted(sizes):
        data = (out / path).read_bytes()
        files[path] = {
            "sha256": digest_of(data),
            "bytes": len(data),
            "brBytes": sizes[path]["br"],
            "gzBytes": sizes[path]["gzip"],
        }
    manifest = {"version": version, "assets": assets, "integrity": integrity, "files": files}
    (out / "manifest.json").write_text(json.dumps(manifest, indent=2) + "\n")
