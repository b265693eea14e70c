"""Peers that bring more than a page needs: only their published archive is taken, pinned."""

import base64
import hashlib
import os
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
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder)]
    done = subprocess.run(
        [*command, f"{package.name}@{package.version}"],
        capture_output=True,
        text=True,
        timeout=NPM_TIMEOUT_S,
        cwd=folder,
        check=False,
    )
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        raise RuntimeError(f"{package}: expected an archive from npm, got {done.stderr[-500:]}")
    digest = base64.b64encode(hashlib.sha512(archives[0].read_bytes()).digest()).decode()
    if f"sha512-{digest}" != package.integrity:
        text = f"expected {package.integrity}, got sha512-{digest}"
        raise RuntimeError(f"{package}: {text}. Check which registry npm is set to.")
    return archives[0]
