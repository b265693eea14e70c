"""The browser of the tests is there complete or not at all."""

from dataclasses import replace

import pytest
from rich.console import Console

from web_runtime.errors import ToolError
from web_runtime.unpack import platform_problem, unpack_browser

from .fake_parts import Checkout, pin


def test_the_browser_is_complete_and_unpacked_once(checkout: Checkout, console: Console) -> None:
    browser, packages = checkout.artefacts["browser"], checkout.root / "node_modules"
    target = checkout.root / "browsers" / "1.0"

    assert unpack_browser(browser, packages, target, console)
    assert not unpack_browser(browser, packages, target, console)
    assert (target / "chromium").stat().st_mode & 0o111
    for path in ("libEGL.so", "lib/libnss3.so", "fonts/fonts.conf"):
        assert (target / path).is_file()


def test_a_half_unpacked_browser_is_replaced(checkout: Checkout, console: Console) -> None:
    target = checkout.root / "browsers" / "1.0"
    target.mkdir(parents=True)
    (target / "chromium").write_bytes(b"half")

    browser, packages = checkout.artefacts["browser"], checkout.root / "node_modules"

    assert unpack_browser(browser, packages, target, console)
    assert (target / "chromium").read_bytes() == b"#!/bin/sh\n"
    assert [path.name for path in target.parent.iterdir()] == ["1.0"]


def test_a_broken_archive_leaves_no_browser(checkout: Checkout, console: Console) -> None:
    broken = checkout.file_of("browser")
    broken.write_bytes(broken.read_bytes()[:-2])
    files = {**checkout.artefacts["browser"].files, "bin/chromium.br": pin(broken.read_bytes())}
    browser = replace(checkout.artefacts["browser"], files=files)
    target = checkout.root / "browsers" / "1.0"

    with pytest.raises(ToolError, match="chromium.br: expected an archive"):
        unpack_browser(browser, checkout.root / "node_modules", target, console)
    assert not target.exists()


@pytest.mark.parametrize(
    ("system", "machine", "fits"),
    [("Linux", "x86_64", True), ("Linux", "aarch64", False), ("Darwin", "x86_64", False)],
)
def test_the_packaged_browser_fits_one_platform(system: str, machine: str, fits: bool) -> None:
    problem = platform_problem(system, machine)

    assert fits == (problem is None)
    assert fits or f"{system} on {machine}" in str(problem)
