"""Takes the demo's icons and font out of npm packages: only what the pages use."""

import hashlib
import io
import json
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

from fontTools import subset
from fontTools.ttLib import TTFont

from web_runtime.errors import ToolError

ICONS: Final = Path("@iconify-json", "fluent-emoji-flat", "icons.json")
FONT: Final = Path("@fontsource", "noto-sans-sc")
FONT_WEIGHTS: Final = (400, 700)


class DemoError(ToolError):
    """The demo cannot be built; the text says what was expected and what to do."""


def write_icons(names: Iterable[str], node_modules: Path, folder: Path) -> None:
    """Write one SVG file per icon name.

    Raises:
        DemoError: The package is not installed, or has no such icon.
    """
    source = installed(node_modules / ICONS)
    icons: dict[str, Any] = json.loads(source.read_text(encoding="utf-8"))
    folder.mkdir(parents=True)
    for name in sorted(set(names)):
        if name not in icons["icons"]:
            raise DemoError(
                f"icon {name}: expected one of the {len(icons['icons'])} in {ICONS}, got none of "
                "that name. Correct demo_h5/art.json."
            )
        (folder / f"{name}.svg").write_text(svg_of(icons, name), encoding="utf-8")


def svg_of(icons: dict[str, Any], name: str) -> str:
    """Return an icon of an Iconify collection as a file of its own."""
    icon = icons["icons"][name]
    width = icon.get("width", icons.get("width", 16))
    height = icon.get("height", icons.get("height", 16))
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f"{icon['body']}</svg>\n"
    )


def write_fonts(text: str, node_modules: Path, folder: Path, cache: Path) -> None:
    """Write Noto Sans SC with the characters of ``text`` alone, in both weights.

    Subsetting takes seconds, so its result is kept in ``cache`` under its inputs' digest.

    Raises:
        DemoError: The package is not installed.
    """
    characters = "".join(sorted(set(text)))
    folder.mkdir(parents=True)
    # The Open Font License wants its text beside every copy of the font.
    shutil.copy(installed(node_modules / FONT / "LICENSE"), folder / "OFL.txt")
    cache.mkdir(parents=True, exist_ok=True)
    for weight in FONT_WEIGHTS:
        name = f"noto-sans-sc-chinese-simplified-{weight}-normal.woff2"
        source = installed(node_modules / FONT / "files" / name).read_bytes()
        key = hashlib.sha256(source + characters.encode()).hexdigest()[:16]
        kept = cache / f"noto-sans-sc-{weight}-{key}.woff2"
        if not kept.exists():
            sys.stderr.write(f"demo: font weight {weight} for {len(characters)} characters…\n")
            kept.write_bytes(font_subset(source, characters))
        (folder / f"noto-sans-sc-{weight}.woff2").write_bytes(kept.read_bytes())


def font_subset(font_file: bytes, characters: str) -> bytes:
    """Return the font with only the glyphs that ``characters`` need, as woff2."""
    # Without its own time stamp the same characters give the same bytes.
    font = TTFont(io.BytesIO(font_file), recalcTimestamp=False)
    subsetter = subset.Subsetter(subset.Options(flavor="woff2", layout_features=["kern"]))
    subsetter.populate(text=characters)
    subsetter.subset(font)
    font.flavor = "woff2"
    packed = io.BytesIO()
    font.save(packed)
    return packed.getvalue()


def installed(path: Path) -> Path:
    """Return ``path`` of an npm package.

    Raises:
        DemoError: It is not there.
    """
    if not path.is_file():
        raise DemoError(f"{path}: expected a file of an npm package, got none. Run `make setup`.")
    return path
