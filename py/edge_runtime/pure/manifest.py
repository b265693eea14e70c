"""What is in a bundle (``.edge``): the manifest's one possible text, and the task's files.

Nothing of the files is handed on unless every byte of them is what the manifest says.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from ..config import LIMITS
from ..errors import ConfigError, TrustError
from ..types import JsonValue
from .manifest_fields import (
    FileDigest,
    Manifest,
    Package,
    bundle_invalid,
    digest_of,
    from_task_toml,
    parse_manifest,
)
from .segment import unpacked

__all__ = [
    "FileDigest",
    "Manifest",
    "OpenedBundle",
    "Package",
    "canonical",
    "from_task_toml",
    "parse_manifest",
    "read_manifest",
    "unpacked_files",
]


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """A manifest and the content of its files by path, all verified."""

    manifest: Manifest
    files: Mapping[str, bytes]

    def resource(self, path: str) -> bytes:
        """Return a file.

        Raises:
            ConfigError: ``argument-invalid``: there is none at ``path``.
        """
        data = self.files.get(path)
        if data is None:
            known = ", ".join(sorted(self.files))
            raise ConfigError(
                "argument-invalid",
                f"resource: expected one of the task's files ({known}), got {path!r}.",
                {"path": path},
            )
        return data


def canonical(plain: JsonValue) -> bytes:
    """Return the only JSON text that a bundle may hold of ``plain``: sorted keys, no spaces.

    Raises:
        ValueError: It has no such text: NaN, or half a surrogate pair.
    """
    text = json.dumps(
        plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def read_manifest(text: bytes) -> Manifest:
    """Turn a bundle's manifest into a :class:`Manifest`.

    Raises:
        TrustError: ``bundle-invalid``: other bytes than :func:`canonical` would write, or a field
            that is none, with what was expected.
    """
    try:
        plain = json.loads(text)
        is_canonical = canonical(plain) == text
    except (ValueError, RecursionError) as error:
        raise bundle_invalid("a manifest of JSON", f"{type(error).__name__}: {error}") from error
    if not is_canonical:
        raise bundle_invalid("a manifest in canonical form", "the same in other bytes")
    return parse_manifest(plain)


def unpacked_files(manifest: Manifest, packed: bytes) -> dict[str, bytes]:
    """Unpack the files: one zstd frame of them all, in the order of their paths.

    No more is unpacked than the manifest lists, which is bounded itself.

    Raises:
        TrustError: ``bundle-invalid``: too many, too large, no such frame, or other sizes;
            ``digest-mismatch``: a file is another one.
    """
    listed = sorted(manifest.files.items())
    total_bytes = sum(each.bytes for _, each in listed)
    check_at_most("files", len(listed), LIMITS.bundle_files)
    check_at_most("unpacked bytes", total_bytes, LIMITS.bundle_unpacked_bytes)
    try:
        whole = unpacked(packed, max_bytes=total_bytes)
    except TrustError as error:
        raise bundle_invalid(f"{total_bytes} bytes of files", error.message) from error
    if len(whole) != total_bytes:
        raise bundle_invalid(f"{total_bytes} bytes of files", str(len(whole)))
    files, at = {}, 0
    for path, expected in listed:
        files[path] = whole[at : at + expected.bytes]
        at += expected.bytes
        check_digest(f"bundle file {path}", expected, files[path], path=path)
    return files


def check_digest(what: str, expected: FileDigest, data: bytes, **details: JsonValue) -> None:
    """Raise ``digest-mismatch`` unless ``data`` has the size and the digest it should have."""
    given = digest_of(data)
    if given != expected:
        raise TrustError(
            "digest-mismatch",
            f"{what}: expected sha256 {expected.sha256} ({expected.bytes} bytes), "
            f"got {given.sha256} ({given.bytes} bytes). Publish the right file, or pack it again.",
            {**details, "expected": expected.sha256, "given": given.sha256},
        )


def check_at_most(what: str, given: int, limit: int) -> None:
    """Raise ``bundle-invalid`` if ``given`` is above ``limit``."""
    if given > limit:
        advice = "Leave files out, or serve large ones as models."
        raise bundle_invalid(f"at most {limit} {what}", str(given), advice)
