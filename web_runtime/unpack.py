"""The browser of the tests: unpacked from its npm package, all of it or nothing."""

import io
import platform
import tarfile
import tempfile
from pathlib import Path
from typing import Final

import brotli
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn

from .errors import ToolError
from .folders import replace_folder
from .lock import Artefact, check_pinned

EXECUTABLE: Final = "chromium"
COMPLETE: Final = ".complete"
CHUNK_BYTES: Final = 1 << 20
# Where the members of each archive belong: SwiftShader is found only next to the executable.
ARCHIVES: Final = {"swiftshader.tar.br": ".", "al2023.tar.br": ".", "fonts.tar.br": "fonts"}

# The package's own file names folders of the machine it was made for.
FONTS_CONF: Final = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir prefix="xdg">fontconfig</cachedir>
</fontconfig>
"""


def platform_problem(system: str | None = None, machine: str | None = None) -> str | None:
    """Say why the packaged browser cannot run on this machine, or None."""
    system, machine = system or platform.system(), machine or platform.machine()
    if system == "Linux" and machine.lower() in {"x86_64", "amd64"}:
        return None
    return f"expected Linux on x86-64, which it is built for, got {system} on {machine}"


def unpack_browser(browser: Artefact, node_modules: Path, target: Path, console: Console) -> bool:
    """Unpack the browser to ``target`` unless it is there; say whether that was needed.

    Raises:
        ToolError: An archive of the package is missing, is not the pinned one, or is broken.
    """
    pins = "".join(f"{pin.sha256}  {name}\n" for name, pin in browser.files.items())
    fingerprint = pins + FONTS_CONF
    if _is_complete(target, fingerprint):
        return False
    package = node_modules / browser.package
    for name, pin in browser.files.items():
        check_pinned(package / name, pin, f"{browser}: {name}")
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        fresh = Path(folder) / "browser"
        fresh.mkdir()
        _unpack_all(browser, package, fresh, console)
        (fresh / "fonts" / "fonts.conf").write_text(FONTS_CONF, encoding="utf-8")
        (fresh / COMPLETE).write_text(fingerprint)
        replace_folder(target, fresh)
    return True


def _is_complete(target: Path, fingerprint: str) -> bool:
    marker = target / COMPLETE
    is_there = marker.is_file() and (target / EXECUTABLE).is_file()
    return is_there and marker.read_text() == fingerprint


def _unpack_all(browser: Artefact, package: Path, folder: Path, console: Console) -> None:
    columns = (
        TextColumn("  {task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:.0f}%"),
    )
    total = sum(pin.size_bytes for pin in browser.files.values())
    quiet = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=quiet) as progress:
        bar = progress.add_task(f"unpacking {browser}", total=total)
        for name, pin in browser.files.items():
            try:
                _unpack(package / name, folder)
            except (brotli.error, tarfile.TarError) as error:
                raise ToolError(f"{browser}: {name}: expected an archive, got: {error}.") from error
            progress.advance(bar, pin.size_bytes)


def _unpack(archive: Path, folder: Path) -> None:
    if archive.name not in ARCHIVES:
        executable = folder / archive.name.removesuffix(".br")
        with executable.open("wb") as file:
            _decompress(archive, file)
        executable.chmod(0o755)
        return
    content = io.BytesIO()
    _decompress(archive, content)
    content.seek(0)
    with tarfile.open(fileobj=content) as members:
        # Python before 3.11.4 has no filters; the archive's digest is pinned all the same.
        members.extraction_filter = getattr(tarfile, "data_filter", lambda member, _: member)
        members.extractall(folder / ARCHIVES[archive.name])


def _decompress(archive: Path, target: io.IOBase) -> None:
    decompressor = brotli.Decompressor()
    with archive.open("rb") as file:
        while chunk := file.read(CHUNK_BYTES):
            target.write(decompressor.process(chunk))
    if not decompressor.is_finished():
        raise brotli.error("the archive ends too early")
