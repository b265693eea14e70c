"""Bytecode is made by the built runtime's own Python, in Node, restored or cold."""

import json
from pathlib import Path

import pytest
from edge_runtime.bundle_writer import open_bundle

from web_runtime.compilers import pyodide_of
from web_runtime.errors import ToolError
from web_runtime.pack import pack_task

ROOT = Path(__file__).parents[2]
DIST = ROOT / "web_runtime" / "dist"
TOML = """
name = "Echo"
version = "1.0.0"
system_code = "shop"
business_code = "echo"
"""
# Parentheses around these are optional from Python 3.14 on.
SOURCE = """
async def run(ctx, activation):
    try:
        return [1, 2, 3][0:2]
    except ValueError, TypeError:
        return None
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    task = tmp_path / "task"
    task.mkdir()
    (task / "task.toml").write_text(TOML)
    (task / "main.py").write_text(SOURCE)
    return task


def test_the_runtimes_python_compiles_and_says_which_one_it_is(folder: Path) -> None:
    opened = open_bundle(pack_task(folder, compiler=pyodide_of(DIST)))

    version = json.loads((ROOT / "node_modules/pyodide/package.json").read_text())["version"]
    abi = opened.manifest.abi
    assert abi is not None and (abi.pyodide, abi.python) == (version, "3.14")
    assert list(opened.files) == ["main.pyc"]
    assert b"Echo/main.py" in opened.files["main.pyc"]


def test_restored_or_cold_the_bytes_are_the_same(folder: Path, tmp_path: Path) -> None:
    cold = tmp_path / "dist"
    cold.mkdir()
    for path in DIST.iterdir():
        if not path.name.startswith("snapshot."):
            (cold / path.name).symlink_to(path)

    assert pack_task(folder, compiler=pyodide_of(cold)) == pack_task(
        folder, compiler=pyodide_of(DIST)
    )


def test_what_that_python_does_not_compile_is_named_with_its_line(folder: Path) -> None:
    (folder / "main.py").write_text("x = 1\ndef run(:\n")

    with pytest.raises(ToolError, match=r"task/main\.py:2: expected Python, got an error: \w"):
        pack_task(folder, compiler=pyodide_of(DIST))


def test_sources_longer_than_a_pipe_holds_are_compiled() -> None:
    source = b"VALUE = '" + b"x" * 2_000_000 + b"'\n"

    assert "main.py" in pyodide_of(DIST)("Long", {"main.py": source}).code
