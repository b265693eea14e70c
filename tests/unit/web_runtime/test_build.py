"""The same inputs give the same bytes, and the manifest of a build tells the truth."""

import base64
import gzip
import hashlib
import io
import json
import zipfile
from pathlib import Path
from typing import Any

import brotli
import pytest
from rich.console import Console

from web_runtime.build import build_all
from web_runtime.build.archive import archive
from web_runtime.build.bundles import (
    bundle_mini_program,
    bundle_page,
    bundle_worker,
    without_unused,
)
from web_runtime.build.core_zip import core_zip
from web_runtime.build.digests import digest_of
from web_runtime.build.snapshot import snapshot
from web_runtime.build.stdlib import is_needed, trimmed
from web_runtime.build.vendored import reduced_lock
from web_runtime.errors import ToolError

ROOT = Path(__file__).parents[3]
DIST = ROOT / "web_runtime" / "dist"
DEFINES = {
    "__BUILD_ID__": "id",
    "__PYODIDE_DIR__": "pyodide-1",
    "__ORT_DIR__": "ort-1",
    "__CORE_ZIP__": "core.zip",
    "__SNAPSHOT__": "snapshot.bin",
    "__INFERENCE_WORKER__": "inference.js",
    "__VM_WORKER__": "vm.js",
    "__RUNTIME_WORKER__": "runtime.js",
}


def names_in(data: bytes) -> list[str]:
    with zipfile.ZipFile(io.BytesIO(data)) as whole:
        return whole.namelist()


def test_the_core_is_packed_into_the_same_bytes_each_time() -> None:
    assert core_zip(ROOT) == core_zip(ROOT)


def test_the_core_has_its_schemas_and_its_library_but_no_test_doubles() -> None:
    names = names_in(core_zip(ROOT))

    for needed in (
        "edge_runtime/host/browser/__init__.py",
        "edge_runtime/schemas/config.schema.json",
        "fastjsonschema/__init__.py",
    ):
        assert needed in names
    assert not [name for name in names if "/testing/" in name or "/native/" in name]


def test_the_order_of_files_does_not_change_an_archive() -> None:
    assert archive({"a": b"1", "b": b"2"}) == archive({"b": b"2", "a": b"1"})


def test_the_library_loses_what_no_page_needs() -> None:
    whole = archive({"json/__init__.py": b"", "codeop.py": b"", "pdb.py": b"", "test/a.py": b""})

    assert names_in(trimmed(whole)) == ["codeop.py", "json/__init__.py"]


@pytest.mark.parametrize("module", ["codeop.py", "asyncio/events.py", "sqlite3/dbapi2.py"])
def test_modules_that_pyodide_imports_itself_stay(module: str) -> None:
    assert is_needed(module)


def test_pyodides_lock_names_only_what_is_served() -> None:
    packages = {name: {"file_name": f"{name}.whl"} for name in ("numpy", "pandas")}
    lock = json.dumps({"info": {"arch": "wasm32"}, "packages": packages}).encode()

    reduced = json.loads(reduced_lock(lock, {"numpy.whl", "pyodide.mjs"}))

    assert list(reduced["packages"]) == ["numpy"]
    assert reduced["info"] == {"arch": "wasm32"}


def test_scripts_are_bundled_into_the_same_bytes_each_time(tmp_path: Path) -> None:
    builds = []
    for name in ("first", "second"):
        out = tmp_path / name
        out.mkdir()
        bundle_worker(ROOT, out, "inference-worker", DEFINES)
        bundle_worker(ROOT, out, "runtime-worker", DEFINES)
        bundle_page(ROOT, out, DEFINES)
        builds.append({path.name: path.read_bytes() for path in out.iterdir()})

    assert builds[0] == builds[1]
    assert len(builds[0]) == 5


def test_a_page_script_is_spared_the_codes_that_it_never_makes() -> None:
    script = b'[["X","a-b","c-d","e-f"],["Y","g-h"]];[1,0];fail("c-d")'

    lean = without_unused(["a-b", "c-d", "e-f", "g-h"], script)

    assert lean == b'[["X",0,"c-d"],["Y"]];[1,0];fail("c-d")'


def test_mini_programs_get_scripts_for_the_page_and_for_themselves(tmp_path: Path) -> None:
    bundle_mini_program(ROOT, tmp_path)

    module = (tmp_path / "edge-bridge.mjs").read_text()
    own = {path.name: path.read_text() for path in (tmp_path / "miniprogram").iterdir()}
    assert "EdgeBridge" in (tmp_path / "edge-bridge.js").read_text()
    assert all(name in module for name in ("createBridge", "connect", "detectHost"))
    assert set(own) == {"native.js", "receiver.js"}
    assert all("module.exports" in code for code in own.values())
    # Newer than what logic layers are sure to understand.
    assert not [name for name, code in own.items() if "??" in code or "?." in code]


def test_a_bundler_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"^esbuild: expected to start it, got .* `make setup`\.$"):
        bundle_page(tmp_path, tmp_path, DEFINES)


def test_a_node_that_is_not_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ToolError, match=r"^snapshot: expected node to make one, got an error: "):
        snapshot(tmp_path, tmp_path / "pyodide", tmp_path / "core", tmp_path)


@pytest.fixture(scope="module")
def manifest() -> dict[str, Any]:
    path = DIST / "manifest.json"
    assert path.is_file(), "expected a built dist, got none: run `make build`"
    plain: dict[str, Any] = json.loads(path.read_text())
    return plain


def test_a_page_pays_at_most_ten_kilobytes(manifest: dict[str, Any]) -> None:
    assert manifest["files"]["edge.js"]["brBytes"] <= 10 * 1024


def test_the_manifest_tells_size_and_digest_of_each_file(manifest: dict[str, Any]) -> None:
    for path, told in manifest["files"].items():
        data = (DIST / path).read_bytes()

        assert (told["bytes"], told["sha256"]) == (len(data), digest_of(data)), path


def test_the_manifest_leaves_out_nothing_but_itself_and_variants(manifest: dict[str, Any]) -> None:
    paths = {path.relative_to(DIST).as_posix() for path in DIST.rglob("*") if path.is_file()}

    plain = {path for path in paths if not path.endswith((".br", ".gz", ".zst"))}
    assert plain - {"manifest.json"} == set(manifest["files"])


def test_the_manifest_has_what_a_tag_says_of_each_script(manifest: dict[str, Any]) -> None:
    assert set(manifest["integrity"]) == {"edge.js", "edge.mjs"}
    for name, told in manifest["integrity"].items():
        digest = hashlib.sha384((DIST / name).read_bytes()).digest()
        assert told == f"sha384-{base64.b64encode(digest).decode()}"


def test_an_installed_tool_says_that_it_has_nothing_to_build(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("web_runtime.build.ROOT", tmp_path)

    with pytest.raises(ToolError, match="^build: expected the project's checkout, .* npm package"):
        build_all(Console(), tmp_path / "dist")


def test_every_asset_of_the_manifest_is_there(manifest: dict[str, Any]) -> None:
    for name, path in manifest["assets"].items():
        assert name == "buildId" or (DIST / path).exists()


def test_variants_unpack_to_the_file(manifest: dict[str, Any]) -> None:
    for path in ("edge.js", "edge.mjs", manifest["assets"]["runtimeWorker"]):
        plain = (DIST / path).read_bytes()

        assert brotli.decompress((DIST / f"{path}.br").read_bytes()) == plain
        assert gzip.decompress((DIST / f"{path}.gz").read_bytes()) == plain
