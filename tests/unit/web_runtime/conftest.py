"""The made-up checkout, with pip cut off from every network."""

import io
import os
from pathlib import Path

import pytest
from rich.console import Console

from .fake_parts import Checkout


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Checkout:
    """A checkout whose pip knows one folder and nothing else."""
    made = Checkout(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(made.index))
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.delenv("WEB_RUNTIME_PYODIDE_URL", raising=False)
    monkeypatch.delenv("WEB_RUNTIME_BROWSER", raising=False)
    return made


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give pip a folder in place of its index."""
    folder = tmp_path / "index"
    folder.mkdir()
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in (
        ("PIP_CONFIG_FILE", os.devnull),
        ("PIP_NO_INDEX", "1"),
        ("PIP_FIND_LINKS", str(folder)),
    ):
        monkeypatch.setenv(name, value)
    return folder


@pytest.fixture
def console() -> Console:
    """A terminal that keeps what is printed."""
    return Console(file=io.StringIO(), width=200)
