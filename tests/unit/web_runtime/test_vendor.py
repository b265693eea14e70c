"""Only pinned bytes are used; what is there is left alone; what is missing says what to do."""

import io
from dataclasses import replace

import pytest
from rich.console import Console

from web_runtime.download import distribution_url, download_wheel
from web_runtime.errors import ToolError
from web_runtime.vendor import Missing, vendor

from .fake_parts import MEMBER, NUMPY, WHEEL, Checkout, pin


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def run(checkout: Checkout, console: Console) -> dict[str, Missing]:
    missing = vendor(console, checkout.root, checkout.artefacts)
    # Which machine runs the tests decides whether the packaged browser fits.
    return {part.name: part for part in missing if part.name != "browser"}


def test_everything_is_fetched_and_unpacked(checkout: Checkout, console: Console) -> None:
    assert run(checkout, console) == {}
    assert checkout.wheel.read_bytes() == NUMPY
    assert [path.name for path in checkout.wheel.parent.iterdir()] == [checkout.wheel.name]


def test_what_is_present_needs_no_source(checkout: Checkout, console: Console) -> None:
    run(checkout, console)
    (checkout.index / WHEEL).unlink()

    assert run(checkout, console) == {}
    assert "numpy: present" in printed(console)


def test_a_wrong_npm_file_is_named_with_both_digests(checkout: Checkout, console: Console) -> None:
    checkout.file_of("pyodide").write_bytes(b"other bytes")

    part = run(checkout, console)["pyodide"]

    assert part.required
    assert "pyodide@1.0: pyodide.mjs: expected sha256 " in part.reason
    assert pin(b"no URL here").sha256 in part.reason
    assert f"got {pin(b'other bytes').sha256}" in part.reason
    assert "npm ci" in part.remedy


def test_a_missing_npm_file_is_named(checkout: Checkout, console: Console) -> None:
    checkout.file_of("pyodide").unlink()

    assert "pyodide.mjs: expected a file, got none" in run(checkout, console)["pyodide"].reason


def test_a_package_that_was_changed_in_the_cache_is_fetched_again(
    checkout: Checkout, console: Console
) -> None:
    run(checkout, console)
    checkout.wheel.write_bytes(b"x" * len(NUMPY))

    assert run(checkout, console) == {}
    assert checkout.wheel.read_bytes() == NUMPY


def test_a_wheel_that_the_table_does_not_name_leaves_the_cache(
    checkout: Checkout, console: Console
) -> None:
    checkout.wheel.parent.mkdir(parents=True)
    old = checkout.wheel.with_name("numpy-0.9-py3-none-any.whl")
    old.write_bytes(b"of an earlier version")

    run(checkout, console)

    assert not old.exists()


def test_the_distribution_is_asked_first(
    checkout: Checkout, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout.mirror / checkout.wheel.name).write_bytes(NUMPY)
    (checkout.index / WHEEL).unlink()
    monkeypatch.setenv("WEB_RUNTIME_PYODIDE_URL", checkout.mirror.as_uri())

    assert run(checkout, console) == {}
    assert "numpy: from the Pyodide distribution" in printed(console)


def test_other_bytes_of_the_distribution_are_refused_and_the_wheel_is_used(
    checkout: Checkout, console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    (checkout.mirror / checkout.wheel.name).write_bytes(b"other bytes")
    monkeypatch.setenv("WEB_RUNTIME_PYODIDE_URL", checkout.mirror.as_uri())

    assert run(checkout, console) == {}
    assert checkout.wheel.read_bytes() == NUMPY


def test_a_failed_download_is_optional_and_says_what_to_do(
    checkout: Checkout, console: Console
) -> None:
    (checkout.index / WHEEL).unlink()

    part = run(checkout, console)["numpy"]

    assert not part.required
    assert "carrier==1.0" in part.reason and "No matching distribution" in part.reason
    assert "WEB_RUNTIME_PYODIDE_URL" in part.remedy
    assert part.disables == "what needs numpy"
    assert all(text in printed(console) for text in ("numpy", part.reason, part.remedy))


def test_a_downloaded_wheel_with_other_bytes_is_refused(checkout: Checkout) -> None:
    carrier = replace(checkout.artefacts["carrier"], files={WHEEL: pin(b"the pinned one")})

    with pytest.raises(ToolError, match=f"carrier==1.0: {WHEEL}: expected sha256 .* got "):
        download_wheel(carrier, checkout.mirror)


def test_a_member_with_other_bytes_is_refused(checkout: Checkout, console: Console) -> None:
    numpy = replace(checkout.artefacts["numpy"], files={MEMBER: pin(b"the pinned one")})
    checkout.artefacts["numpy"] = numpy

    assert f"{WHEEL}: {MEMBER}: expected sha256" in run(checkout, console)["numpy"].reason
    assert list(checkout.wheel.parent.iterdir()) == []


def test_the_installed_package_says_where_its_distribution_is(checkout: Checkout) -> None:
    checkout.file_of("pyodide").write_text("x=`https://cdn.test/pyodide/v${U}/full/`;")

    url = distribution_url(checkout.artefacts["pyodide"], checkout.root / "node_modules")

    assert url == "https://cdn.test/pyodide/v1.0/full/"
