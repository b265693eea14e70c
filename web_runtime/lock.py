"""The pinned table of fetched files: what each must be, and whether a file is that."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .errors import ToolError

LOCK: Final = Path(__file__).parent / "vendor.lock.json"


@dataclass(frozen=True, slots=True)
class Pin:
    """The only content that is accepted for one file."""

    sha256: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Artefact:
    """One thing the runtime is made of, and the package it comes from.

    Attributes:
        name: What the rest of the tool calls it.
        source: Where ``package`` is published: ``npm`` or ``pypi``.
        files: Paths inside the package (``source`` npm), or inside the wheel of ``inside``.
        needed_for: What does not work without it.
        required: Whether nothing at all works without it.
        inside: Name of the artefact whose wheel holds the files.
    """

    name: str
    package: str
    version: str
    source: str
    files: Mapping[str, Pin]
    needed_for: str
    required: bool
    inside: str | None = None

    def __str__(self) -> str:
        """Name the package as its registry does."""
        return f"{self.package}{'@' if self.source == 'npm' else '=='}{self.version}"


def read_lock(path: Path = LOCK) -> dict[str, Artefact]:
    """Return the pinned artefacts by name."""
    entries = json.loads(path.read_text(encoding="utf-8"))["artefacts"]
    artefacts = {}
    for entry in entries:
        pins = {name: Pin(pin["sha256"], pin["bytes"]) for name, pin in entry["files"].items()}
        artefacts[entry["name"]] = Artefact(**{**entry, "files": pins})
    return artefacts


def sha256_of(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def is_pinned(path: Path, pin: Pin) -> bool:
    """Say whether ``path`` is there and is the pinned file."""
    if not path.is_file() or path.stat().st_size != pin.size_bytes:
        return False
    return sha256_of(path) == pin.sha256


def check_pinned(path: Path, pin: Pin, label: str) -> None:
    """Refuse a file that is not the pinned one.

    Raises:
        ToolError: The file, the expected digest and the one it has.
    """
    if not path.is_file():
        raise ToolError(f"{label}: expected a file, got none.")
    given = sha256_of(path)
    if given != pin.sha256:
        size_bytes = path.stat().st_size
        raise ToolError(
            f"{label}: expected sha256 {pin.sha256} ({pin.size_bytes:,} bytes), "
            f"got {given} ({size_bytes:,} bytes)."
        )
