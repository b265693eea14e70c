"""What a task imports is open to tasks, served, listed, or its own."""

from pathlib import Path

import pytest
from edge_runtime.pure.forbidden_imports import FORBIDDEN_IMPORTS

from web_runtime.build.stdlib import NOT_NEEDED

from .task_folder import MAIN, said, write_task


def told_of(tmp_path: Path, line: str, **task: str) -> list[str]:
    return list(said(write_task(tmp_path, f"{line}\n{MAIN}", **task)))


@pytest.mark.parametrize("module", sorted(FORBIDDEN_IMPORTS))
def test_what_the_guard_of_a_vm_refuses_is_an_error(tmp_path: Path, module: str) -> None:
    (found,) = told_of(tmp_path, f"import {module}")

    assert found.startswith(f"main.py:1:1: error: import of {module}: expected a module open to")


@pytest.mark.parametrize(
    "line",
    [
        "from js import fetch",
        "from urllib import request",
        "from urllib.request import urlopen",
        "import concurrent.futures as futures",
        "import json, ctypes.util",
        "def late():\n    import pyodide.ffi",
    ],
)
def test_every_form_of_a_forbidden_import_is_found(tmp_path: Path, line: str) -> None:
    (found,) = told_of(tmp_path, line)

    assert "expected a module open to tasks" in found


@pytest.mark.parametrize("module", sorted(NOT_NEEDED - FORBIDDEN_IMPORTS) + ["curses", "distutils"])
def test_what_the_served_library_lacks_is_an_error(tmp_path: Path, module: str) -> None:
    (found,) = told_of(tmp_path, f"import {module}")

    assert "error" in found and f"got {module}, which is left out of it" in found


@pytest.mark.parametrize(
    "line",
    [
        "import json, math, asyncio, urllib.parse, collections.abc, heapq, sqlite3",
        "from edge_runtime.task import Context",
        "from edge_runtime import task",
        "from . import other",
        "from .other import x",
        "from concurrent import *",
    ],
)
def test_what_is_there_is_left_alone(tmp_path: Path, line: str) -> None:
    assert told_of(tmp_path, line, other="x = 1\n") == []


def test_a_package_has_to_be_listed(tmp_path: Path) -> None:
    (found,) = told_of(tmp_path, "import numpy as np")

    assert found.startswith("main.py:1:1: error: import of numpy: expected Python's library or")
    assert told_of(tmp_path, "import numpy.linalg", toml='packages = ["numpy==2.4.3"]\n') == []


def test_a_package_may_be_imported_by_another_name(tmp_path: Path) -> None:
    (found,) = told_of(tmp_path, "import yaml", toml='packages = ["PyYAML==6.0"]\n')

    assert "remark: import of yaml" in found and "Make sure that pyyaml holds it" in found


def test_an_own_file_is_imported_relatively(tmp_path: Path) -> None:
    (found,) = told_of(tmp_path, "import other", other="x = 1\n")

    assert "error" in found and "Write `from . import other`" in found


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("from .gone import x", "import of .gone: expected a file of the task (main, other)"),
        ("from ..above import x", "got one above its folder"),
    ],
)
def test_a_relative_import_leads_to_a_file_of_the_task(
    tmp_path: Path, line: str, told: str
) -> None:
    (found,) = told_of(tmp_path, line, other="x = 1\n")

    assert "error" in found and told in found


def test_files_of_folders_import_each_other(tmp_path: Path) -> None:
    write_task(tmp_path, "from .parts import one\nfrom .parts.one import x\n" + MAIN)
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "one.py").write_text("from ..main import run\nfrom .two import y\n")
    (tmp_path / "parts" / "two.py").write_text("from . import one\nfrom ... import x\n")

    (found,) = said(tmp_path)

    assert found.startswith("parts/two.py:2:1: error: import of ...: expected a file of the task")


@pytest.mark.parametrize(
    "line", ["from edge_runtime.testing import fake_host", "import edge_runtime"]
)
def test_only_what_is_promised_of_the_runtime_is_imported(tmp_path: Path, line: str) -> None:
    (found,) = told_of(tmp_path, line)

    assert "remark" in found and "expected edge_runtime.task" in found
