"""A made-up checkout: small packages in node_modules, a package index in a folder, their table."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import brotli

from web_runtime.lock import Artefact, Pin

MEMBER = "bundled/numpy-1.0-py3-none-any.whl"
WHEEL = "carrier-1.0-py3-none-any.whl"
NUMPY = b"numpy for Pyodide"


def pin(data: bytes) -> Pin:
    return Pin(hashlib.sha256(data).hexdigest(), len(data))


def archive(files: Mapping[str, bytes]) -> bytes:
    """Return a brotli-compressed tar of ``files``."""
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return bytes(brotli.compress(content.getvalue()))


def carrier_wheel() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as wheel:
        wheel.writestr(MEMBER, NUMPY)
        wheel.writestr(
            "carrier-1.0.dist-info/METADATA",
            "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\nRequires-Python: >=99\n",
        )
        wheel.writestr("carrier-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr("carrier-1.0.dist-info/RECORD", "")
    return content.getvalue()


class Checkout:
    """What a machine has after ``npm ci``; ``artefacts`` is the table that fits it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.index = root / "index"
        self.mirror = root / "mirror"
        self.wheel = root / ".cache" / "pyodide-packages" / Path(MEMBER).name
        self.index.mkdir()
        self.mirror.mkdir()
        browser = {
            "bin/chromium.br": bytes(brotli.compress(b"#!/bin/sh\n")),
            "bin/swiftshader.tar.br": archive({"libEGL.so": b"egl"}),
            "bin/al2023.tar.br": archive({"lib/libnss3.so": b"nss"}),
            "bin/fonts.tar.br": archive({"fonts.conf": b"<fontconfig/>"}),
        }
        carrier = carrier_wheel()
        (self.index / WHEEL).write_bytes(carrier)
        numpy = self._artefact("numpy", "carrier", {MEMBER: NUMPY}, source="pypi")
        self.artefacts = {
            "pyodide": self._installed("pyodide", {"pyodide.mjs": b"no URL here"}, required=True),
            "numpy": replace(numpy, inside="carrier"),
            "carrier": self._artefact("carrier", "carrier", {WHEEL: carrier}, source="pypi"),
            "browser": self._installed("browser", browser),
        }

    def file_of(self, name: str) -> Path:
        """Return the first installed file of an npm package."""
        return self.root / "node_modules" / name / next(iter(self.artefacts[name].files))

    def _artefact(
        self,
        name: str,
        package: str,
        files: Mapping[str, bytes],
        source: str,
        required: bool = False,
    ) -> Artefact:
        pins = {path: pin(data) for path, data in files.items()}
        return Artefact(name, package, "1.0", source, pins, f"what needs {name}", required)

    def _installed(self, name: str, files: Mapping[str, bytes], required: bool = False) -> Artefact:
        for path, data in files.items():
            target = self.root / "node_modules" / name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
        return self._artefact(name, name, files, "npm", required)
