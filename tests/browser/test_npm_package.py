"""`npm pack` in a fresh project: what is in it, its types, plain HTML, and Vite's two ways."""

import json
import os
import shutil
import subprocess
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from web_runtime.serve import BackgroundServer, create_app

from .conftest import DIST
from .edge_page import EdgePage
from .npm_package import ROOT, install, pack, run
from .site import write_site

MAX_BYTES = 36 * 2**20
TYPES = ROOT / "tests" / "types"


# Installing and packing count for the test that is first.
pytestmark = pytest.mark.timeout(300)


@pytest.fixture(scope="session")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pack(tmp_path_factory.mktemp("packed"))


@pytest.fixture(scope="session")
def project(archive: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install(tmp_path_factory.mktemp("project") / "app", archive)


def works(edge: EdgePage) -> None:
    assert edge.open().ready()["boot"]["mode"] == "snapshot"
    assert edge.value("echo", {"a": 1})["ext"] == {"a": 1}
    assert edge.failures == []


def test_the_package_has_what_a_page_loads_and_nothing_else(archive: Path) -> None:
    with tarfile.open(archive) as packed:
        names = {name.removeprefix("package/") for name in packed.getnames()}
    built = {f"web_runtime/dist/{path}" for path in json.loads(manifest())["files"]}
    beside = {"package.json", "README.md", "web_runtime/build/copy.mjs"}

    assert names == built | beside | {"web_runtime/dist/manifest.json"}
    assert archive.stat().st_size < MAX_BYTES


def manifest() -> str:
    return (DIST / "manifest.json").read_text()


def test_the_types_fit_what_a_page_writes(project: Path) -> None:
    for path in TYPES.iterdir():
        shutil.copy(path, project)

    run([str(ROOT / "node_modules" / ".bin" / "tsc"), "-p", "tsconfig.json"], project)


def test_the_copied_files_are_the_built_ones(project: Path) -> None:
    copied = project / "public" / "edge"

    for path in json.loads(manifest())["files"]:
        if not path.endswith(".d.ts"):
            assert (copied / path).read_bytes() == (DIST / path).read_bytes(), path
    assert (copied / "manifest.json").read_text() == manifest()


def test_a_second_copy_keeps_the_earlier_version_and_no_variant_of_its_scripts(
    project: Path,
) -> None:
    copied = project / "public" / "edge"
    earlier = copied / "runtime-worker.00000000.js"
    earlier.write_text("// of an earlier version")
    (copied / "edge.js").write_text("// of an earlier version")
    (copied / "edge.js.br").write_bytes(b"of an earlier version")

    run(["npx", "--no-install", "edge-web-runtime", "public/edge"], project)

    assert earlier.is_file() and not (copied / "edge.js.br").exists()
    assert (copied / "edge.js").read_bytes() == (DIST / "edge.js").read_bytes()


def test_a_plain_page_with_the_copied_files_works(
    project: Path, tmp_path: Path, page: Page
) -> None:
    site = write_site(tmp_path / "site")
    with BackgroundServer(create_app(site, project / "public" / "edge")) as server:
        works(EdgePage(page, server.url))


def test_a_site_that_vite_built_works(project: Path, tmp_path: Path, page: Page) -> None:
    said = run(["npx", "--no-install", "vite", "build"], project)

    assert "built in" in said
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    with BackgroundServer(create_app(project / "dist", nothing, mount="/none")) as server:
        works(EdgePage(page, server.url))


@pytest.fixture
def vite_url(project: Path) -> Iterator[str]:
    command = ["node", "node_modules/vite/bin/vite.js", "--port", "0", "--clearScreen", "false"]
    command += ["--host", "127.0.0.1"]
    with subprocess.Popen(
        command, cwd=project, stdout=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
    ) as server:
        assert server.stdout is not None
        said = ""
        for line in server.stdout:
            said += line
            if "http://127.0.0.1:" in line:
                break
        yield said[said.index("http://127.0.0.1:") :].split("/\n")[0].split("/\x1b")[0]
        server.terminate()


def test_vites_development_server_works(vite_url: str, page: Page) -> None:
    works(EdgePage(page, vite_url))
