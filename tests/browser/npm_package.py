"""The npm package as a user has it: packed, and installed into a project of its own."""

import json
import subprocess
from pathlib import Path

from .site import write_site

ROOT = Path(__file__).parents[2]
VITE = "vite@8.3.8"
NPM = ["npm", "--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
TIMEOUT_S = 100

INDEX = """<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <title>A project with Vite</title>
    <script src="/page.js"></script>
    <script type="module" src="/main.js"></script>
  </head>
  <body data-edge-page="Test"></body>
</html>
"""
MAIN = """
import edge, { start } from "edge-web-runtime";

const queued = window.EdgeAI.q;
window.EdgeAI = edge;
for (const [method, ...args] of queued) edge[method](...args);
start({ base: `${import.meta.env.BASE_URL}edge/`, config: "/config.json" }).catch(() => {});
"""


def run(command: list[str], folder: Path) -> str:
    """Run a command that must succeed and return what it printed."""
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


def pack(folder: Path) -> Path:
    """Write the package's archive into ``folder``."""
    (packed,) = json.loads(run([*NPM, "pack", "--json", f"--pack-destination={folder}"], ROOT))
    return folder / str(packed["filename"])


def install(project: Path, archive: Path) -> Path:
    """Make a project with the package and Vite, a page in ``index.html``, tasks in ``public``."""
    write_site(project / "public")
    (project / "public" / "index.html").unlink()
    (project / "index.html").write_text(INDEX)
    (project / "main.js").write_text(MAIN)
    (project / "package.json").write_text('{"private": true, "type": "module"}')
    run([*NPM, "install", str(archive), VITE], project)
    run(["npx", "--no-install", "edge-web-runtime", "public/edge"], project)
    return project
