"""The command that copies a package's files into a site's folder."""

import hashlib
import json
import shutil
import subprocess
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[3] / "web_runtime" / "build" / "copy.mjs"
WORKER = "runtime-worker.0123abcd.js"
FILES = {"edge.js": b"a script" * 100, WORKER: b"a worker" * 100}


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """Return a package of two files with the command in it."""
    dist, build = tmp_path / "package" / "dist", tmp_path / "package" / "build"
    for folder in (dist, build):
        folder.mkdir(parents=True)
    shutil.copy(SCRIPT, build)
    for name, data in FILES.items():
        (dist / name).write_bytes(data)
    files = {name: {"sha256": hashlib.sha256(data).hexdigest()} for name, data in FILES.items()}
    manifest = {"version": "1.0.0", "files": files, "integrity": {}}
    (dist / "manifest.json").write_text(json.dumps(manifest))
    return dist.parent


def copied(package: Path, site: Path) -> "subprocess.CompletedProcess[str]":
    command = ["node", str(package / "build" / "copy.mjs"), str(site), "--compress"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_file_that_was_copied_halfway_is_made_whole(package: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / WORKER).write_bytes(FILES[WORKER][:40])
    (site / f"{WORKER}.zst").write_bytes(b"of the half")

    assert copied(package, site).returncode == 0

    assert {name: (site / name).read_bytes() for name in FILES} == FILES
    names = {path.name for path in site.iterdir()}
    assert names == {*FILES, "manifest.json"} | {
        f"{name}.{suffix}" for name in (*FILES, "manifest.json") for suffix in ("br", "gz")
    }


def test_a_file_of_the_package_that_is_damaged_is_told(package: Path, tmp_path: Path) -> None:
    (package / "dist" / WORKER).write_bytes(b"another")

    done = copied(package, tmp_path / "site")

    assert done.returncode != 0
    assert f"{WORKER}: expected SHA-256" in done.stderr
    assert not (tmp_path / "site" / "edge.js").exists()
