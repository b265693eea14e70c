"""The recipe for nginx says what our own server does, file by file."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from web_runtime.serve import BackgroundServer, create_app

from .test_serve import Client

ROOT = Path(__file__).parents[3]
DIST = ROOT / "web_runtime" / "dist"
NGINX = (ROOT / "docs" / "recipes" / "nginx.conf").read_text()
VARIANTS = (".br", ".gz", ".zst")


def mapped(variable: str, path: str) -> str:
    """Return what a ``map`` gives for a path: the first expression that matches, or the default."""
    block = re.search(rf"map \$uri \${variable} {{(.*?)^}}", NGINX, re.S | re.M)
    assert block
    rows = re.findall(r'^\s+(default|"~[^"]+")\s+"([^"]*)";$', block[1], re.M)
    default = dict(rows)["default"]
    found = [value for name, value in rows if name[0] == '"' and re.search(name[2:-1], path)]
    return found[0] if found else default


def typed(path: str) -> str:
    block = re.search(r"types {(.*?)}", NGINX, re.S)
    assert block
    types = {end: line.split()[0] for line in block[1].split(";") for end in line.split()[1:]}
    return types[path.rsplit(".", 1)[1]]


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    with BackgroundServer(create_app(tmp_path, DIST)) as server:
        yield Client(server.url)


@pytest.fixture
def files() -> list[str]:
    plain = [path for path in DIST.rglob("*.*") if path.suffix not in {*VARIANTS, ".ts"}]
    assert plain, "expected a built dist, got none: run `make build`"
    return [path.relative_to(DIST).as_posix() for path in plain]


def test_types_and_caching_are_those_of_our_server(client: Client, files: list[str]) -> None:
    for file in files:
        told = client.get(f"/edge/{file}", "HEAD").headers

        assert told["cache-control"] == mapped("edge_cache", f"/edge/{file}"), file
        assert told["content-type"].split(";")[0] == typed(file), file


def test_the_policy_of_vms_is_that_of_our_server(client: Client, files: list[str]) -> None:
    (script,) = [path for path in files if path.startswith("vm-worker.")]

    told = client.get(f"/edge/{script}", "HEAD").headers["content-security-policy"]
    assert told == mapped("edge_policy", f"/edge/{script}")
    assert mapped("edge_policy", "/edge/runtime-worker.00000000.js").startswith(
        "default-src 'self'"
    )
