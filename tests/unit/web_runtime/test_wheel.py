"""`pip wheel` in a fresh environment: what is in it, and the commands that need no checkout."""

import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
DIST = ROOT / "web_runtime" / "dist"
IGNORED = shutil.ignore_patterns("dist", "__pycache__", "*.egg-info")
MAX_BYTES = 2**20
TIMEOUT_S = 100


def ran(command: list[str | Path], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
    )


def run(command: list[str | Path], folder: Path) -> str:
    """Run a command that must succeed and return what it printed."""
    done = ran(command, folder)
    assert done.returncode == 0, f"{command}:\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build from a copy: setuptools leaves its folders beside the sources."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("py", "web_runtime"):
        shutil.copytree(ROOT / name, folder / name, ignore=IGNORED)
    for name in ("pyproject.toml", "README.md"):
        shutil.copy(ROOT / name, folder)
    pip: list[str | Path] = [sys.executable, "-m", "pip", "wheel", "--no-deps", "-q"]
    run([*pip, "--no-build-isolation", "-w", folder, folder], folder)
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def tool(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, and what it says that it needs, into an environment of its own."""
    fresh = tmp_path_factory.mktemp("fresh")
    venv.create(fresh)
    python = fresh / "bin" / "python"
    pip: list[str | Path] = [sys.executable, "-m", "pip", "--python", python, "install", "-q"]
    run([*pip, "--only-binary", ":all:", wheel], fresh)
    return fresh / "bin" / "web-runtime"


def test_the_wheel_has_every_file_of_the_tool_and_the_core(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as packed:
        names = set(packed.namelist())

    for package in (ROOT / "web_runtime", ROOT / "py" / "edge_runtime"):
        for path in package.rglob("*"):
            inside = path.relative_to(package.parent)
            if path.is_file() and not {"dist", "__pycache__"} & set(inside.parts):
                assert inside.as_posix() in names
    assert not [name for name in names if name.startswith(("tests", "demo_h5"))]
    assert wheel.stat().st_size < MAX_BYTES


def test_a_task_is_begun_checked_and_packed_without_a_checkout(tool: Path, tmp_path: Path) -> None:
    assert "pack" in run([tool, "--help"], tmp_path)
    run([tool, "new", "task", "RankFeed"], tmp_path)
    run([tool, "check", "RankFeed"], tmp_path)

    run([tool, "pack", "RankFeed", "-o", "text.edge", "--source"], tmp_path)
    run([tool, "pack", "RankFeed", "-o", "code.edge", "--runtime", DIST], tmp_path)

    assert (tmp_path / "text.edge").read_bytes() != (tmp_path / "code.edge").read_bytes()


@pytest.mark.parametrize(
    ("command", "advice"),
    [
        (["pack", "RankFeed", "-o", "rank.edge"], "--runtime"),
        (["build"], "npm package edge-web-runtime"),
    ],
    ids=["pack", "build"],
)
def test_what_needs_more_says_where_to_get_it(
    tool: Path, tmp_path: Path, command: list[str], advice: str
) -> None:
    run([tool, "new", "task", "RankFeed"], tmp_path)

    done = ran([tool, *command], tmp_path)

    assert done.returncode == 1 and advice in " ".join(done.stderr.split()), done.stderr
