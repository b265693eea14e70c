"""Reproducible zip files: sorted, one fixed time, stored."""

import io
import zipfile
from collections.abc import Mapping
from typing import Final

# The earliest time a zip can hold; the real one would make every build different.
_MTIME: Final = (1980, 1, 1, 0, 0, 0)


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a zip of ``files``; the same files give the same bytes.

    Members are stored, not deflated: they travel as one brotli stream, which then packs across
    files (Python's library 1.8 MB instead of 2.5 MB), and importing from them is cheaper.
    """
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as target:
        for name, data in sorted(files.items()):
            member = zipfile.ZipInfo(name, _MTIME)
            # Unix is 3; the default differs between systems.
            member.create_system = 3
            member.external_attr = 0o644 << 16
            target.writestr(member, data)
    return buffer.getvalue()
