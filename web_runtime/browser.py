"""Which browser tests and the tour drive, and how it is launched."""

import json
import os
from pathlib import Path
from typing import Any, Final

from .artefacts import read_artefacts
from .chromium import DESCRIPTION
from .errors import ToolError
from .paths import BROWSER_CACHE

BROWSER_VARIABLE: Final = "WEB_RUNTIME_BROWSER"
PACKAGE: Final = "@sparticuz/chromium"
_ARGUMENTS: Final = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
_WEBGPU_ARGUMENTS: Final = ("--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader")


def browser_folder(cache: Path = BROWSER_CACHE) -> Path:
    """Return where the pinned browser is, or will be."""
    version = next(each.version for each in read_artefacts() if each.package == PACKAGE)
    return cache / version


def launch_options(
    webgpu: bool = False, webnn: bool = False, folder: Path | None = None
) -> dict[str, Any]:
    """Return the arguments for Playwright's ``chromium.launch``.

    Args:
        webgpu: Offer WebGPU, computed by the CPU.
        webnn: Offer WebNN.
        folder: The unpacked browser, if it is not the pinned one.

    Raises:
        ToolError: There is no browser: not unpacked, or not where WEB_RUNTIME_BROWSER says.
    """
    arguments = [*_ARGUMENTS]
    features = []
    if webgpu:
        arguments += _WEBGPU_ARGUMENTS
        features.append("Vulkan")
    if webnn:
        features.append("WebMachineLearningNeuralNetwork")
    if features:
        arguments.append("--enable-features=" + ",".join(features))
    return {**_executable(folder or browser_folder()), "args": arguments}


def _executable(folder: Path) -> dict[str, Any]:
    if chosen := os.environ.get(BROWSER_VARIABLE):
        if not os.access(chosen, os.X_OK):
            raise ToolError(
                f"{BROWSER_VARIABLE}: expected the path of a Chrome or Chromium, got {chosen!r}. "
                "Correct it, or unset it to use the pinned browser."
            )
        return {"executable_path": chosen}
    if not (folder / DESCRIPTION).is_file():
        raise ToolError(
            f"headless browser: expected it in {folder}, got none. Run `make setup`, "
            f"or set {BROWSER_VARIABLE} to an installed Chrome or Chromium."
        )
    description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
    return {
        "executable_path": str(folder / description["executable"]),
        "env": _environment(folder, description),
    }


def _environment(folder: Path, description: dict[str, str]) -> dict[str, str]:
    libraries = [str(folder / description["libraries"]), os.environ.get("LD_LIBRARY_PATH", "")]
    fonts = str(folder / description["fonts"])
    return {
        **os.environ,
        "LD_LIBRARY_PATH": ":".join(filter(None, libraries)),
        "FONTCONFIG_PATH": fonts,
    }
