"""What is installed is pinned: exact versions, digests, and no address of a registry."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from web_runtime.lock import read_lock

ROOT = Path(__file__).parents[3]
PACKAGE = json.loads((ROOT / "package.json").read_text())
PACKAGE_LOCK = json.loads((ROOT / "package-lock.json").read_text())["packages"]
ARTEFACTS = read_lock()
EXACT = re.compile(r"\d+\.\d+\.\d+")
SHA256 = re.compile(r"[0-9a-f]{64}")
# The names are put together here, so that this file does not name a registry either.
REGISTRY = re.compile(
    r"|".join(
        [
            r"registry\." + "npm",
            "npm" + r"(js|mirror)\.",
            "yarn" + r"pkg\.",
            "py" + r"pi\.org",
            "python" + r"hosted\.",
            "js" + r"delivr\.",
            "un" + r"pkg\.com",
        ]
    )
)
REQUIREMENT = re.compile(r"^([\w.\-\[\]]+)==([^\s;\\]+)", re.M)


def tracked_files() -> list[Path]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def test_no_tracked_file_names_a_package_registry() -> None:
    found = {}
    for path in tracked_files():
        if path.is_file() and (hits := REGISTRY.findall(path.read_bytes().decode("latin-1"))):
            found[str(path.relative_to(ROOT))] = sorted(set(hits))
    assert not found


@pytest.mark.parametrize("name", PACKAGE["devDependencies"])
def test_every_npm_version_is_exact_and_is_the_locked_one(name: str) -> None:
    version = PACKAGE["devDependencies"][name]

    assert EXACT.fullmatch(version)
    assert PACKAGE_LOCK[f"node_modules/{name}"]["version"] == version


@pytest.mark.parametrize("name", [name for name in PACKAGE_LOCK if name])
def test_every_locked_npm_package_has_its_digest_and_no_address(name: str) -> None:
    entry: dict[str, Any] = PACKAGE_LOCK[name]

    assert entry["integrity"].startswith("sha512-")
    assert "resolved" not in entry


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-train.lock"])
def test_every_python_requirement_is_exact_and_has_digests(name: str) -> None:
    text = (ROOT / name).read_text()
    entries = re.split(r"\n(?=\S)", re.sub(r"^\s*#.*\n?", "", text, flags=re.M).strip())

    assert entries
    for entry in entries:
        assert REQUIREMENT.match(entry), entry
        assert re.search(r"--hash=sha256:[0-9a-f]{64}", entry), entry
        assert "://" not in entry


@pytest.mark.parametrize("name", ARTEFACTS)
def test_every_artefact_is_pinned_to_a_version_and_digests(name: str) -> None:
    artefact = ARTEFACTS[name]

    assert EXACT.fullmatch(artefact.version)
    assert artefact.files and artefact.needed_for
    for pin in artefact.files.values():
        assert SHA256.fullmatch(pin.sha256)
        assert pin.size_bytes > 0


@pytest.mark.parametrize("name", [n for n, part in ARTEFACTS.items() if part.source == "npm"])
def test_package_json_and_the_vendor_lock_agree(name: str) -> None:
    artefact = ARTEFACTS[name]

    assert PACKAGE["devDependencies"][artefact.package] == artefact.version


@pytest.mark.parametrize("name", [n for n, part in ARTEFACTS.items() if part.inside])
def test_pyodide_names_the_packages_as_the_vendor_lock_does(name: str) -> None:
    lock = json.loads((ROOT / "node_modules" / "pyodide" / "pyodide-lock.json").read_text())
    expected = lock["packages"][name]
    files = {Path(path).name: pin.sha256 for path, pin in ARTEFACTS[name].files.items()}

    assert files == {expected["file_name"]: expected["sha256"]}
    assert ARTEFACTS[str(ARTEFACTS[name].inside)].version == ARTEFACTS[name].version
