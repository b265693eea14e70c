"""The packages of a task, locked: which wheels exactly, with digests, and the files themselves.

pip chooses and downloads; nothing is built and no code of a package runs. Devices install what is
listed and nothing else, so the whole closure is listed.
"""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from edge_runtime.config import LIMITS
from edge_runtime.pure.manifest_fields import Package
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name, parse_wheel_filename
from packaging.version import InvalidVersion, Version

from .errors import ToolError
from .lock import read_lock, sha256_of
from .pip_wheels import download_wheels, write_stand_ins
from .wheel_files import WheelFile, check_contents, needed, read_wheels

# pip judges markers by the Python it runs on; each round asks for what they hide from it.
ROUNDS: Final = 5


def lock_packages(packages: Sequence[Package], folder: Path | None) -> tuple[Package, ...]:
    """Return every package that a task needs, in order of names, and write the wheels.

    Args:
        packages: As ``task.toml`` lists them.
        folder: Where wheels are written, ``packages/`` beside the bundle; None: nowhere, then only
            packages that the runtime ships can be locked.

    Raises:
        ToolError: No version, another one than the runtime ships, compiled code, a conflict, or
            pip could not; it names the package.
    """
    shipped = shipped_versions()
    wanted = [requirement_of(each, shipped) for each in packages]
    if all(each.name in shipped for each in wanted):
        return tuple(Package(name) for name in sorted({each.name for each in wanted}))
    if folder is None:
        raise ToolError(
            "packages: expected a folder for the task's wheels, got none. Pack with "
            "`web-runtime pack FOLDER -o FILE.edge`."
        )
    with tempfile.TemporaryDirectory() as temporary:
        wheels = _closure(wanted, shipped, Path(temporary))
        return tuple(
            Package(name) if name in shipped else _kept(wheels[name], folder)
            for name in sorted(wheels)
        )


def shipped_versions() -> dict[str, Version]:
    """Return the packages that lie beside the runtime, by name."""
    wheels = [Path(next(iter(each.files))).name for each in read_lock().values() if each.inside]
    return {name: version for name, version, _, _ in map(parse_wheel_filename, wheels)}


def requirement_of(package: Package, shipped: Mapping[str, Version]) -> Requirement:
    """Return what pip is asked for.

    Raises:
        ToolError: No version, no such one, or another than the runtime ships.
    """
    name = canonicalize_name(package.name)
    pinned = shipped.get(name)
    if package.version is None:
        if pinned is None:
            raise ToolError(
                f"package {package.name}: expected one that the runtime ships "
                f"({', '.join(sorted(shipped))}) or an exact version, got no version. "
                f"Write {package.name}==version in task.toml."
            )
        return Requirement(name)
    try:
        version = Version(package.version)
    except InvalidVersion as error:
        raise ToolError(
            f"package {package.name}: expected a version such as 1.2, got {package.version}."
        ) from error
    if pinned is not None and version != pinned:
        raise ToolError(
            f"package {package.name}: expected {pinned}, which the runtime ships, got {version}. "
            f"Write {package.name} without a version."
        )
    return Requirement(f"{name}=={version}")


def _closure(
    wanted: Sequence[Requirement], shipped: Mapping[str, Version], work: Path
) -> dict[str, WheelFile]:
    """Return the wheels that ``wanted`` needs on a device, by name; stand-ins for shipped ones."""
    stand_ins = work / "stand-ins"
    write_stand_ins(shipped, stand_ins)
    asked = list(wanted)
    for number in range(ROUNDS):
        into = work / str(number)
        download_wheels(asked, shipped, stand_ins, into)
        wheels = read_wheels(into)
        reached, missing = needed(wanted, wheels)
        if not missing:
            return {name: wheels[name] for name in reached}
        asked += missing
    raise ToolError(
        f"packages: expected pip to find {', '.join(map(str, missing))}, got other versions in "
        f"{ROUNDS} rounds. List exact versions of them in task.toml."
    )


def _kept(wheel: WheelFile, folder: Path) -> Package:
    """Copy a wheel into ``folder`` and return its lock."""
    check_contents(wheel)
    size_bytes, digest = wheel.path.stat().st_size, sha256_of(wheel.path)
    if size_bytes > LIMITS.package_bytes:
        raise ToolError(
            f"{wheel.path.name}: expected at most {LIMITS.package_bytes:,} bytes, got "
            f"{size_bytes:,}."
        )
    target = folder / wheel.path.name
    if target.exists() and sha256_of(target) != digest:
        raise ToolError(
            f"{target}: expected the wheel that pip found (sha256 {digest}), got another, which "
            "bundles may name. Remove it if none does, or pack into another folder."
        )
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(wheel.path, target)
    return Package(wheel.name, str(wheel.version), target.name, digest, size_bytes)
