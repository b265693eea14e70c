"""The engines of the suite, what is known to be different in each, and which are installed."""

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial

from playwright.sync_api import Playwright

from .chromium import Chromium
from .driver import Engine
from .firefox import Firefox
from .webkit import Webkit

FIREFOX = "WEB_RUNTIME_FIREFOX"
NOT_OFFERED = "this browser or page does not offer it"


@dataclass(frozen=True)
class Kind:
    """One engine, and what it is expected to lack.

    Attributes:
        name: As a column of the table and in the names of test cases.
        start: Starts it with the session's Playwright, which only some need.
        programs: What has to be installed for it.
        idle_callback: It tells pages when they are idle.
        connection: It tells pages about their connection, Save-Data included.
        vms: Where tasks run where the page does not say.
        webgpu_refusal: Why models do not run on WebGPU.
        words: What the table says instead of a tick, by feature.
    """

    name: str
    start: Callable[[Playwright], Engine]
    programs: tuple[Callable[[], str | None], ...] = ()
    idle_callback: bool = True
    connection: bool = False
    vms: str = "inline"
    webgpu_refusal: str = NOT_OFFERED
    words: dict[str, str] = field(default_factory=dict)

    def is_installed(self) -> bool:
        """Say whether its programs are here."""
        return all(program() for program in self.programs)


def firefox() -> str | None:
    """Return the Firefox to test: Debian's long-term release, or the one that was named."""
    return os.environ.get(FIREFOX) or shutil.which("firefox-esr")


def webkit_driver() -> str | None:
    """Return WebKitGTK's driver."""
    return shutil.which("WebKitWebDriver")


def screen() -> str | None:
    """Return the X server without a screen, which WebKitGTK needs."""
    return shutil.which("Xvfb")


def start_firefox(_: Playwright) -> Engine:
    """Start Firefox."""
    return Firefox(str(firefox()))


def start_webkit(_: Playwright) -> Engine:
    """Start WebKitGTK."""
    return Webkit(str(webkit_driver()), str(screen()))


IN_VMS_WHERE_ASKED = "where the page says `vms: 1`: the browser tells nothing of memory"

CHROMIUM = Kind(
    "Chromium",
    Chromium,
    connection=True,
    vms="workers",
    webgpu_refusal="no adapter on this device",
    words={"webgpu": "wasm serves: no adapter on the test machine"},
)
KINDS = (
    CHROMIUM,
    replace(CHROMIUM, name="Chromium, 6× slower", start=partial(Chromium, slowdown=6)),
    Kind(
        "Firefox",
        start_firefox,
        (firefox,),
        words={
            "idle": "✓; tells nothing of Save-Data",
            "webgpu": "wasm serves: not offered",
            "vms": IN_VMS_WHERE_ASKED,
        },
    ),
    Kind(
        "WebKitGTK",
        start_webkit,
        (webkit_driver, screen),
        idle_callback=False,
        words={
            "idle": "waits 200 ms: tells nothing of idle time and Save-Data",
            "webgpu": "wasm serves: not offered",
            "vms": IN_VMS_WHERE_ASKED,
        },
    ),
)


def installed() -> list[Kind]:
    """Return the engines that can be tested here."""
    return [kind for kind in KINDS if kind.is_installed()]


def header() -> str:
    """Return a line that says what is tested, and how to have the rest tested as well."""
    missing = [kind.name for kind in KINDS if not kind.is_installed()]
    line = f"engines: {'; '.join(kind.name for kind in installed())}"
    if not missing:
        return line
    return f"{line}. Not installed: {'; '.join(missing)} (`make engines` installs them)"
