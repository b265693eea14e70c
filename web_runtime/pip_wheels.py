"""pip finds and downloads pure wheels for the Python of the devices."""

import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Final
from urllib.parse import unquote, urlsplit

from packaging.requirements import InvalidRequirement, Requirement
from packaging.version import Version

from .errors import ToolError
from .wheel_files import PYTHON_VERSION

PIP_TIMEOUT_S: Final = 900
_PURE: Final = (
    f"--only-binary=:all: --implementation=py --abi=none --platform=any "
    f"--python-version={PYTHON_VERSION}"
).split()
_CALM: Final = ("--disable-pip-version-check", "--no-input", "--progress-bar=off")
_MISSING: Final = re.compile(r"No matching distribution found for (.+)")
_CONFLICT: Final = re.compile(r"The conflict is caused by:\n(.*?)\n\n", re.DOTALL)
_CONSTRAINT: Final = "The user requested (constraint)"
_LINES: Final = 8


def write_stand_ins(shipped: Mapping[str, Version], folder: Path) -> None:
    """Write an empty pure wheel for each package that the runtime ships, for pip to count on."""
    folder.mkdir()
    for name, version in shipped.items():
        info = f"{name}-{version}.dist-info"
        files = {
            "METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n",
            "WHEEL": "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "RECORD": "",
        }
        with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as archive:
            for file, text in files.items():
                archive.writestr(f"{info}/{file}", text)


def download_wheels(
    requirements: Sequence[Requirement],
    shipped: Mapping[str, Version],
    stand_ins: Path,
    into: Path,
) -> None:
    """Download what ``requirements`` need, all of it pure Python.

    Raises:
        ToolError: A package has no such wheel, which is named with the reason; a conflict; no pip
            or no network.
    """
    pins = stand_ins / "constraints.txt"
    pins.write_text("".join(f"{name}=={version}\n" for name, version in shipped.items()))
    order = ["download", "--dest", str(into), "--find-links", str(stand_ins)]
    done = _pip([*order, "--constraint", str(pins), *_PURE, *map(str, requirements)])
    if done.returncode == 0:
        return
    found = _MISSING.search(done.stderr)
    if found is not None:
        raise _no_wheel(found[1].strip())
    asked = ", ".join(map(str, requirements))
    raise ToolError(f"packages {asked}: expected wheels from pip, got an error:\n{_said(done)}")


def _no_wheel(text: str) -> ToolError:
    """Say why there is no pure wheel: there is another, or none at all."""
    try:
        requirement = Requirement(text.partition(" (from")[0])
    except InvalidRequirement:
        return ToolError(f"packages: expected pure wheels from pip, got none for {text}.")
    reason = _other_wheel(requirement)
    return ToolError(
        f"package {requirement.name}: expected a wheel of pure Python (py3-none-any) for "
        f"{requirement}, got {reason}. Choose another package or version."
    )


def _other_wheel(requirement: Requirement) -> str:
    order = ["install", "--dry-run", "--ignore-installed", "--no-deps", "--only-binary=:all:"]
    order += ["--quiet"]
    done = _pip([*order, "--report", "-", str(requirement)])
    if done.returncode:
        return f"none that pip can reach ({_said(done, 1)})"
    url = json.loads(done.stdout)["install"][0]["download_info"]["url"]
    file = PurePosixPath(unquote(urlsplit(url).path)).name
    if file.endswith("-none-any.whl"):
        return f"{file}, which is for another Python than {PYTHON_VERSION}"
    return f"{file}, which holds compiled code for another platform"


def _pip(arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pip", *arguments, *_CALM]
    try:
        return subprocess.run(
            command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ToolError(f"packages: expected pip to end within {PIP_TIMEOUT_S} s.") from error


def _said(done: subprocess.CompletedProcess[str], lines: int = _LINES) -> str:
    conflict = _CONFLICT.search(done.stdout)
    if conflict is not None:
        return conflict[1].replace(_CONSTRAINT, "The runtime ships")
    told = [line for line in done.stderr.splitlines() if line.strip()]
    told = [line.removeprefix("ERROR: ") for line in told if not line.startswith("WARNING")]
    return "\n".join(told[-lines:]) or f"pip ended with code {done.returncode}"
