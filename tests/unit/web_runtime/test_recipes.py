"""The recipe for nginx says what our own server does, file by file."""

import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from web_runtime.serve import VM_POLICY, create_app

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


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> TestClient:
    return TestClient(create_app(tmp_path_factory.mktemp("site"), DIST))


FILES = sorted(
    path.relative_to(DIST).as_posix()
    for path in DIST.rglob("*.*")
    if path.suffix not in {*VARIANTS, ".ts"}
)


@pytest.mark.parametrize("path", [re.sub(r"[0-9a-f]{8}", "*", path) for path in FILES])
def test_types_and_caching_are_those_of_our_server(client: TestClient, path: str) -> None:
    (file,) = [each for each in FILES if re.sub(r"[0-9a-f]{8}", "*", each) == path]
    answer = client.head(f"/edge/{file}", headers={"accept-encoding": "identity"}).headers

    assert answer["cache-control"] == mapped("edge_cache", f"/edge/{file}")
    assert answer["content-type"].split(";")[0] == typed(file)


def test_the_policy_of_vms_is_that_of_our_server() -> None:
    (script,) = [path for path in FILES if path.startswith("vm-worker.")]

    assert mapped("edge_policy", f"/edge/{script}") == VM_POLICY
    assert mapped("edge_policy", "/edge/runtime-worker.00000000.js").startswith(
        "default-src 'self'"
    )
