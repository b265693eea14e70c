"""Variants are made once per content, and kept no longer than they are needed."""

from pathlib import Path

import brotli
import pytest

from web_runtime.build.compress import compress_all

TEXT = b"the same line\n" * 100


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    out = tmp_path / "out"
    out.mkdir()
    (out / "a.js").write_bytes(TEXT)
    return out, tmp_path / "cache"


def test_a_variant_lies_beside_its_file_and_unpacks_to_it(folders: tuple[Path, Path]) -> None:
    sizes = compress_all(*folders)

    packed = (folders[0] / "a.js.br").read_bytes()
    assert brotli.decompress(packed) == TEXT
    assert sizes["a.js"]["br"] == len(packed)


def test_what_does_not_shrink_has_no_variant(folders: tuple[Path, Path]) -> None:
    (folders[0] / "tiny").write_bytes(b"1")

    assert compress_all(*folders)["tiny"] == {"br": 1, "gzip": 1}
    assert not (folders[0] / "tiny.br").exists()


def test_the_next_build_takes_variants_from_the_cache(folders: tuple[Path, Path]) -> None:
    out, cache = folders
    compress_all(out, cache)
    [kept] = cache.glob("*.br")
    kept.write_bytes(b"from the cache")

    compress_all(out, cache)

    assert (out / "a.js.br").read_bytes() == b"from the cache"


def test_variants_that_a_build_did_not_need_are_deleted(folders: tuple[Path, Path]) -> None:
    out, cache = folders
    compress_all(out, cache)
    (out / "a.js").write_bytes(TEXT + b"changed")
    for variant in ("a.js.br", "a.js.gz"):
        (out / variant).unlink()

    compress_all(out, cache)

    assert len(list(cache.iterdir())) == 2
