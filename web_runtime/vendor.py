"""Verifies and fetches what the runtime is made of; says what cannot be had and what that costs."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console

from .download import URL_SETTING
from .errors import ToolError
from .lock import Artefact, check_pinned, read_lock
from .pyodide_packages import fetch_packages
from .unpack import platform_problem, unpack_browser

ROOT: Final = Path(__file__).parent.parent
BROWSER_SETTING: Final = "WEB_RUNTIME_BROWSER"
NPM_REMEDY: Final = "Run `npm ci` again; if it stays so, the package registry serves other bytes."
PACKAGES_REMEDY: Final = (
    f"Restore the network or name a mirror in {URL_SETTING}, "
    "then run `.venv/bin/web-runtime vendor` again."
)
BROWSER_REMEDY: Final = f"Install Chrome or Chromium and set {BROWSER_SETTING}=/path/to/it."


@dataclass(frozen=True, slots=True)
class Missing:
    """A part that this machine does not have.

    Attributes:
        disables: What does not work without it.
        required: Whether nothing at all works without it.
    """

    name: str
    reason: str
    remedy: str
    disables: str
    required: bool = False


def vendor(
    console: Console, root: Path = ROOT, artefacts: Mapping[str, Artefact] | None = None
) -> list[Missing]:
    """Verify npm packages, fetch Pyodide's packages, unpack the browser; return what is missing.

    What is there with the right digest is left alone. Whatever is fetched is checked before it
    gets its name.
    """
    table = read_lock() if artefacts is None else artefacts
    missing = [
        *_verify_npm(table, root, console),
        *_fetch_packages(table, root, console),
        *_prepare_browser(table["browser"], root, console),
    ]
    for part in missing:
        report(part, console)
    return missing


def report(part: Missing, console: Console) -> None:
    """Print one missing part: what, why, what it costs, what to do."""
    kind = "[red]missing[/red]" if part.required else "[yellow]missing, optional[/yellow]"
    console.print(f"{kind}: {part.name}", highlight=False)
    for line in (part.reason, f"It is needed for {part.disables}.", part.remedy):
        console.print(f"  {line}", highlight=False, markup=False, soft_wrap=True)


def _verify_npm(
    artefacts: Mapping[str, Artefact], root: Path, console: Console
) -> Iterator[Missing]:
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


def _fetch_packages(
    artefacts: Mapping[str, Artefact], root: Path, console: Console
) -> Iterator[Missing]:
    folder = root / ".cache" / "pyodide-packages"
    reasons = fetch_packages(artefacts, root / "node_modules", folder, console)
    for name, reason in reasons.items():
        yield _missing(artefacts[name], reason, PACKAGES_REMEDY)


def _prepare_browser(browser: Artefact, root: Path, console: Console) -> Iterator[Missing]:
    problem = platform_problem()
    try:
        if problem:
            raise ToolError(f"{browser}: {problem}.")
        target = root / ".cache" / "browser" / browser.version
        is_new = unpack_browser(browser, root / "node_modules", target, console)
        console.print(f"  {browser}: {'unpacked' if is_new else 'present'}")
    except (ToolError, OSError) as error:
        if not Path(os.environ.get(BROWSER_SETTING, "")).is_file():
            yield _missing(browser, str(error), BROWSER_REMEDY)


def _missing(artefact: Artefact, reason: str, remedy: str) -> Missing:
    return Missing(artefact.name, reason, remedy, artefact.needed_for, artefact.required)
