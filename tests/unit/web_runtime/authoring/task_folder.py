"""Folders of tasks, made of text; what `check` says of one."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from web_runtime.authoring.check import check_task
from web_runtime.authoring.site import Site, read_site

TOML = """\
name = "Echo"
version = "1.0.0"
system_code = "shop"
business_code = "echo"
"""
MAIN = "async def run(ctx, activation):\n    return activation.ext_data\n"


def write_task(folder: Path, main: str = MAIN, toml: str = "", **files: str) -> Path:
    """Write a task; ``toml`` is added to its description, ``files`` are other modules by name."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "task.toml").write_text(TOML + toml)
    (folder / "main.py").write_text(main)
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)
    return folder


def write_site(folder: Path, **sections: Any) -> Site:
    path = folder / "config.json"
    path.write_text(json.dumps(sections))
    return read_site(path)


def said(folder: Path, site: Site | None = None) -> Sequence[str]:
    """Return the lines of `check`, with the file's path as from the folder."""
    return [
        str(finding).removeprefix(f"{folder}/") for finding in check_task(folder, site).findings
    ]
