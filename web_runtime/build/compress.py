"""Brotli, gzip and zstd variants beside each file, made once per content."""

import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import get_ident
from typing import Final

import brotli

from .digests import digest_of

try:
    from compression import zstd
except ImportError:
    from backports import zstd

# The highest quality costs a minute on the snapshot and saves a seventh of it.
LARGE_BYTES: Final = 4 * 2**20
QUALITY: Final = 11
QUALITY_LARGE: Final = 9
# The highest level whose window (8 MB) browsers accept. It beats brotli 9 in size, and browsers
# unpack it in a third of the time, which every start pays again.
LEVEL_ZSTD: Final = 19
SUFFIXES: Final = {"br": ".br", "gzip": ".gz", "zstd": ".zst"}


def compress_all(out: Path, cache: Path) -> dict[str, dict[str, int]]:
    """Write ``.br`` and ``.gz`` files below ``out``, and ``.zst`` for the large ones.

    Variants stay in ``cache`` for the next build; those that this one did not need are deleted.

    Returns:
        Sizes in bytes by path, then by encoding; the plain size where a variant would not help.
    """
    cache.mkdir(parents=True, exist_ok=True)
    paths = [path for path in sorted(out.rglob("*")) if path.is_file()]
    stale = set(cache.iterdir())
    with ThreadPoolExecutor() as pool:
        sizes = list(pool.map(lambda path: _variants(path, cache, stale), paths))
    for unused in stale:
        unused.unlink(missing_ok=True)
    return {path.relative_to(out).as_posix(): size for path, size in zip(paths, sizes, strict=True)}


def _variants(path: Path, cache: Path, stale: set[Path]) -> dict[str, int]:
    data = path.read_bytes()
    sizes = {}
    for encoding, suffix in SUFFIXES.items():
        if encoding == "zstd" and len(data) <= LARGE_BYTES:
            continue
        kept = _cached(data, encoding, cache)
        stale.discard(kept)
        packed = kept.read_bytes()
        sizes[encoding] = min(len(packed), len(data))
        if len(packed) < len(data):
            path.with_name(path.name + suffix).write_bytes(packed)
    return sizes


def _cached(data: bytes, encoding: str, cache: Path) -> Path:
    quality = QUALITY_LARGE if len(data) > LARGE_BYTES else QUALITY
    kept = cache / f"{digest_of(data)}-{quality}.{encoding}"
    if not kept.is_file():
        # Whole or not there: an interrupted build must not leave half a variant to the next one.
        part = kept.with_name(f"{kept.name}.{get_ident()}.part")
        part.write_bytes(_compressed(data, encoding, quality))
        part.replace(kept)
    return kept


def _compressed(data: bytes, encoding: str, quality: int) -> bytes:
    if encoding == "br":
        packed: bytes = brotli.compress(data, quality=quality)
        return packed
    if encoding == "zstd":
        framed: bytes = zstd.compress(data, level=LEVEL_ZSTD)
        return framed
    return gzip.compress(data, 9, mtime=0)
