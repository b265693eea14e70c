"""Tiny wheels, made when the tests run."""

import io
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path


def wheel(
    name: str,
    version: str,
    files: Mapping[str, str | bytes] | None = None,
    requires: Iterable[str] = (),
    python: str = ">=3.8",
) -> bytes:
    """Return a wheel with ``files``; without, one module that knows its version."""
    given = {f"{name}.py": f"VERSION = {version!r}\n"} if files is None else files
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    head = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nRequires-Python: {python}\n"
    tags = "Wheel-Version: 1.0\nGenerator: tests\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    inside = {**given, f"{info}/METADATA": head + needs, f"{info}/WHEEL": tags}
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        for path, text in {**inside, f"{info}/RECORD": ""}.items():
            archive.writestr(zipfile.ZipInfo(path), text)
    return packed.getvalue()


def publish(
    folder: Path,
    name: str,
    version: str,
    files: Mapping[str, str | bytes] | None = None,
    *,
    tag: str = "py3-none-any",
    requires: Iterable[str] = (),
    python: str = ">=3.8",
) -> bytes:
    """Write a wheel into ``folder``, where pip finds it; return its bytes."""
    data = wheel(name, version, files, requires, python)
    folder.mkdir(exist_ok=True)
    (folder / f"{name}-{version}-{tag}.whl").write_bytes(data)
    return data
