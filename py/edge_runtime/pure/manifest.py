"""Bundles (``.edge``): a zip of a manifest and a task's files, opened only if every byte is right.

Rules, all checked before a caller sees a file:

1. ``manifest.json`` is the first member; the other members are exactly those it lists, once each.
2. Packed size, unpacked size (declared and real) and number of files are bounded.
3. Every member has the size and the digest that the manifest says.
"""

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from ..config import LIMITS
from ..errors import ConfigError, TrustError
from .manifest_fields import (
    MANIFEST_NAME,
    FileDigest,
    Manifest,
    Package,
    bundle_invalid,
    check_path,
    digest_of,
    from_task_toml,
    parse_manifest,
)

__all__ = [
    "FileDigest",
    "Manifest",
    "OpenedBundle",
    "Package",
    "build_bundle",
    "from_task_toml",
    "open_bundle",
    "parse_manifest",
]

_MANIFEST_BYTES: Final = 2**20
# The earliest time a zip can hold; the real one would make every build different.
_MTIME: Final = (1980, 1, 1, 0, 0, 0)
_ZIP_ERRORS: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    LookupError,
    NotImplementedError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class OpenedBundle:
    """A manifest and the content of its files by path, all verified."""

    manifest: Manifest
    files: dict[str, bytes]

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


def open_bundle(data: bytes) -> OpenedBundle:
    """Verify a bundle and return what is in it.

    Raises:
        TrustError: ``bundle-invalid`` (rules 1 and 2) or ``digest-mismatch`` (rule 3).
    """
    _check_at_most("packed bytes", len(data), LIMITS.bundle_packed_bytes)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _opened(archive)
    except _ZIP_ERRORS as error:
        raise bundle_invalid("an intact zip file", f"{type(error).__name__}: {error}") from error


def build_bundle(manifest: Manifest, files: Mapping[str, bytes]) -> bytes:
    """Return the bundle of ``files``; the same input gives the same bytes with the same zlib.

    Raises:
        TrustError: No bundle may look like this; what :func:`open_bundle` would say.
    """
    packed = io.BytesIO()
    text = json.dumps(manifest.to_dict(), indent=1, ensure_ascii=False)
    with zipfile.ZipFile(packed, "w") as archive:
        for path, data in [(MANIFEST_NAME, text.encode()), *sorted(files.items())]:
            member = zipfile.ZipInfo(path, _MTIME)
            # Unix is 3; the default differs between systems.
            member.create_system = 3
            member.external_attr = 0o644 << 16
            archive.writestr(member, data, zipfile.ZIP_DEFLATED, 9)
    bundle = packed.getvalue()
    open_bundle(bundle)
    return bundle


def _opened(archive: zipfile.ZipFile) -> OpenedBundle:
    members = archive.infolist()
    _check_at_most("files", len(members) - 1, LIMITS.bundle_files)
    declared_bytes = sum(member.file_size for member in members)
    _check_at_most("unpacked bytes", declared_bytes, LIMITS.bundle_unpacked_bytes)
    if not members or members[0].filename != MANIFEST_NAME:
        raise bundle_invalid(f"{MANIFEST_NAME} first", members[0].filename if members else "none")
    _check_at_most("manifest bytes", members[0].file_size, _MANIFEST_BYTES)
    manifest = parse_manifest(json.loads(_content(archive, members[0])))
    names = [member.filename for member in members[1:]]
    _check_names(names, manifest)
    files = {member.filename: _content(archive, member) for member in members[1:]}
    for path, data in files.items():
        _check_digest(path, manifest.files[path], digest_of(data))
    return OpenedBundle(manifest, files)


def _check_names(names: list[str], manifest: Manifest) -> None:
    for name in names:
        check_path(name)
    twice = {name for name in names if names.count(name) > 1}
    extra = set(names) - manifest.files.keys()
    missing = manifest.files.keys() - set(names)
    for what, wrong in (("a repeated", twice), ("an unlisted", extra), ("a missing", missing)):
        if wrong:
            raise bundle_invalid("the files of the manifest", f"{what} file {sorted(wrong)[0]}")


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise bundle_invalid("stored or deflated files", f"compression {member.compress_type}")
    with archive.open(member) as file:
        # One byte more than declared: a member that unpacks to more is refused, not unpacked.
        content = file.read(member.file_size + 1)
    if len(content) != member.file_size:
        raise bundle_invalid(f"{member.file_size} bytes in {member.filename}", str(len(content)))
    return content


def _check_digest(path: str, expected: FileDigest, given: FileDigest) -> None:
    if given != expected:
        raise TrustError(
            "digest-mismatch",
            f"bundle file {path}: expected sha256 {expected.sha256} ({expected.bytes} bytes), "
            f"got {given.sha256} ({given.bytes} bytes). Pack the task again.",
            {"path": path, "expected": expected.sha256, "given": given.sha256},
        )


def _check_at_most(what: str, given: int, limit: int) -> None:
    if given > limit:
        advice = "Leave files out, or serve large ones as models."
        raise bundle_invalid(f"at most {limit} {what}", str(given), advice)
