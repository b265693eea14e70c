"""Wheels as files: their names, what they require on a device, and that they are pure Python."""

import email.parser
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Final

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import Version

from .errors import ToolError

PYTHON_VERSION: Final = "3.14"
# The Python that devices run, to markers of requirements.
DEVICE: Final = {
    "implementation_name": "cpython",
    "implementation_version": f"{PYTHON_VERSION}.0",
    "os_name": "posix",
    "platform_machine": "wasm32",
    "platform_release": "",
    "platform_system": "Emscripten",
    "platform_version": "",
    "python_full_version": f"{PYTHON_VERSION}.0",
    "platform_python_implementation": "CPython",
    "python_version": PYTHON_VERSION,
    "sys_platform": "emscripten",
}
COMPILED: Final = {".so", ".pyd", ".dll", ".dylib"}


@dataclass(frozen=True, slots=True)
class WheelFile:
    """A wheel and what its metadata says."""

    path: Path
    name: str
    version: Version
    requires: tuple[Requirement, ...]


def read_wheels(folder: Path) -> dict[str, WheelFile]:
    """Return the wheels in ``folder`` by name.

    Raises:
        ToolError: One cannot be read.
    """
    wheels = [read_wheel(path) for path in sorted(folder.glob("*.whl"))]
    return {wheel.name: wheel for wheel in wheels}


def read_wheel(path: Path) -> WheelFile:
    """Return a wheel with its requirements.

    Raises:
        ToolError: It is no wheel, or a requirement cannot be read.
    """
    name, version, _, _ = parse_wheel_filename(path.name)
    try:
        with zipfile.ZipFile(path) as archive:
            inside = next(each for each in archive.namelist() if _is_metadata(each))
            metadata = email.parser.BytesParser().parsebytes(archive.read(inside))
        lines = metadata.get_all("Requires-Dist") or []
        return WheelFile(path, name, version, tuple(map(Requirement, lines)))
    except (zipfile.BadZipFile, StopIteration, InvalidRequirement) as error:
        raise ToolError(f"{path.name}: expected a wheel, got an error: {error!r}.") from error


def needed(
    wanted: Iterable[Requirement], wheels: Mapping[str, WheelFile]
) -> tuple[set[str], list[Requirement]]:
    """Follow requirements as a device sees them.

    Returns:
        The names that are needed, and the requirements that no wheel meets.
    """
    open_, seen, missing = list(wanted), set[str](), list[Requirement]()
    reached: set[str] = set()
    while open_:
        requirement = open_.pop()
        if str(requirement) in seen:
            continue
        seen.add(str(requirement))
        name = canonicalize_name(requirement.name)
        wheel = wheels.get(name)
        if wheel is None or not requirement.specifier.contains(wheel.version, prereleases=True):
            missing.append(_without_marker(requirement))
            continue
        reached.add(name)
        open_ += [each for each in wheel.requires if _applies(each, requirement.extras)]
    return reached, missing


def check_contents(wheel: WheelFile) -> None:
    """Refuse a wheel that holds compiled code, or files outside of where it is unpacked.

    Raises:
        ToolError: The wheel and the file in it.
    """
    with zipfile.ZipFile(wheel.path) as archive:
        names = archive.namelist()
    for name in names:
        path = PurePosixPath(name)
        if path.suffix.lower() in COMPILED:
            raise ToolError(
                f"package {wheel.name}: expected pure Python, got compiled code: {name} in "
                f"{wheel.path.name}. Choose a package without it."
            )
        if path.is_absolute() or ".." in path.parts or "\\" in name:
            raise ToolError(f"{wheel.path.name}: expected plain paths inside, got {name!r}.")


def _applies(requirement: Requirement, extras: Sequence[str] | set[str]) -> bool:
    marker = requirement.marker
    if marker is None:
        return True
    return any(marker.evaluate({**DEVICE, "extra": extra}) for extra in (*sorted(extras), ""))


def _without_marker(requirement: Requirement) -> Requirement:
    plain = Requirement(str(requirement))
    plain.marker = None
    return plain


def _is_metadata(name: str) -> bool:
    path = PurePosixPath(name)
    return path.name == "METADATA" and path.parent.name.endswith(".dist-info")
