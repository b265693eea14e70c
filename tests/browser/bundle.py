"""Bundles a test's worker as the build bundles the runtime's, with the names of the built files."""

import json
import subprocess
from pathlib import Path

from web_runtime.build import DIST, ROOT


def bundle_worker(source: Path, folder: Path) -> None:
    """Write ``source`` and all that it imports into ``folder``, under the same name."""
    assets = json.loads((DIST / "manifest.json").read_text())["assets"]
    names = {
        "__BUILD_ID__": assets["buildId"],
        "__PYODIDE_DIR__": assets["pyodide"],
        "__CORE_ZIP__": assets["core"],
        "__SNAPSHOT__": assets["snapshot"],
        "__INFERENCE_WORKER__": assets["inferenceWorker"],
        "__VM_WORKER__": assets["vmWorker"],
    }
    command = [
        str(ROOT / "node_modules" / ".bin" / "esbuild"),
        str(source),
        "--bundle",
        "--format=esm",
        "--log-level=warning",
        f"--outfile={folder / source.name}",
        *(f"--define:{name}={json.dumps(value)}" for name, value in names.items()),
    ]
    subprocess.run(command, cwd=ROOT, check=True)
