"""The memory snapshot of Pyodide with the core imported, made in Node."""

import hashlib
import os
import subprocess
from pathlib import Path
from typing import Final

from ..errors import ToolError

SCRIPT: Final = Path(__file__).with_name("snapshot.mjs")
TIMEOUT_S: Final = 300


def snapshot(root: Path, pyodide: Path, core: Path, cache: Path) -> bytes:
    """Return the snapshot, from ``cache`` if one was made of exactly these inputs.

    Raises:
        ToolError: Node failed, is not there or takes too long; its output is in the message.
    """
    key = hashlib.sha256(
        b"".join([SCRIPT.read_bytes(), pyodide.name.encode(), core.name.encode()])
    ).hexdigest()
    kept = cache / f"snapshot-{key[:16]}.bin"
    if not kept.is_file():
        for stale in cache.glob("snapshot-*.bin"):
            stale.unlink()
        _make(root, pyodide, core, kept)
    return kept.read_bytes()


def _make(root: Path, pyodide: Path, core: Path, kept: Path) -> None:
    part = kept.with_suffix(".part")
    command = ["node", str(SCRIPT), str(pyodide), str(core), str(part)]
    try:
        done = subprocess.run(
            command, cwd=root, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"snapshot: expected node to make one, got an error: {error}.") from error
    if done.returncode != 0:
        raise ToolError(
            f"snapshot: expected node to make one, got exit code {done.returncode}:\n{done.stderr}"
        )
    os.replace(part, kept)
