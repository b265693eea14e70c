"""The browser that tests, benchmarks and the demo drive, and the flags it needs."""

import json
import os
from pathlib import Path
from typing import Any, Final

from .errors import ToolError

ROOT: Final = Path(__file__).parent.parent
BROWSERS: Final = ROOT / ".cache" / "browser"
PACKAGE: Final = "@sparticuz/chromium"

# Nothing of the browser's own may use the network: a test counts requests.
QUIET_FLAGS: Final = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--disable-quic",
)
# The npm browser is one static binary: no sandbox helper, no GPU process of its own.
PACKAGED_FLAGS: Final = ("--no-sandbox", "--no-zygote", "--in-process-gpu", "--disable-gpu-sandbox")
WEBGPU_FLAGS: Final = (
    "--enable-unsafe-webgpu",
    "--use-webgpu-adapter=swiftshader",
    "--enable-features=Vulkan",
)
WEBNN_FLAGS: Final = ("--enable-features=WebMachineLearningNeuralNetwork",)


def launch_options(*, webgpu: bool = False, webnn: bool = False) -> dict[str, Any]:
    """Return Playwright's launch options for Chromium.

    Args:
        webgpu: Offer WebGPU, in software where there is no GPU.
        webnn: Offer WebNN; only the npm package's Chromium has a backend for it.

    Raises:
        ToolError: There is no browser; the message says how to get one.
    """
    flags = [*QUIET_FLAGS, *(WEBGPU_FLAGS * webgpu), *(WEBNN_FLAGS * webnn)]
    chosen = os.environ.get("WEB_RUNTIME_BROWSER")
    if chosen:
        if not Path(chosen).is_file():
            raise ToolError(f"WEB_RUNTIME_BROWSER: expected a browser's path, got {chosen!r}.")
        return {"executable_path": chosen, "args": [*flags, *_root_flags()]}
    folder = packaged_folder()
    return {
        "executable_path": str(folder / "chromium"),
        "args": [*flags, *PACKAGED_FLAGS],
        "env": {
            **os.environ,
            "LD_LIBRARY_PATH": _library_path(folder),
            # A bare machine has neither fonts nor a configuration for them.
            "FONTCONFIG_PATH": str(folder / "fonts"),
        },
        "chromium_sandbox": False,
    }


def packaged_folder() -> Path:
    """Return where the npm package's browser was unpacked.

    Raises:
        ToolError: It was not.
    """
    lock = json.loads((ROOT / "package-lock.json").read_text())
    version = lock["packages"][f"node_modules/{PACKAGE}"]["version"]
    folder = BROWSERS / str(version)
    if not (folder / "chromium").is_file():
        raise ToolError(
            f"browser: expected {folder.relative_to(ROOT)}/chromium, got nothing. "
            "Run `make setup`, or name an installed Chrome or Chromium in WEB_RUNTIME_BROWSER."
        )
    return folder


def _library_path(folder: Path) -> str:
    known = os.environ.get("LD_LIBRARY_PATH")
    return ":".join([str(folder / "lib"), str(folder), *([known] if known else [])])


def _root_flags() -> list[str]:
    # Chromium's sandbox refuses to run as root, as containers do.
    return ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
