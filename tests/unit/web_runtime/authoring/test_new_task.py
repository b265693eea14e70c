"""A new task checks, passes its own test, runs and can be packed."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from web_runtime.pack import pack_task

from ..test_cli import run
from .task_folder import said

ROOT = Path(__file__).parents[4]


@pytest.fixture
def task(tmp_path: Path) -> Path:
    code, _, _ = run("new", "task", "CountViews", "-o", tmp_path / "sites" / "count")
    assert code == 0
    return tmp_path / "sites" / "count"


def test_the_next_steps_are_told(tmp_path: Path) -> None:
    folder = tmp_path / "Rank"

    code, out, err = run("new", "task", "Rank", "-o", folder)

    assert (code, err) == (0, "")
    for step in ("web-runtime check", "python -m pytest", "web-runtime run", "web-runtime pack"):
        assert f"{step} {folder}" in out


def test_the_next_steps_can_be_pasted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    _, out, _ = run("new", "task", "Rank", "-o", tmp_path / "my tasks")
    assert f"web-runtime check '{tmp_path}/my tasks'\n" in out
    assert out.endswith(" -o 'my tasks.edge'\n")

    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    _, out, _ = run("new", "task", "Rank", "-o", ".")
    assert out.endswith("web-runtime pack . -o ../here.edge\n")


def test_nothing_is_the_matter_with_it(task: Path) -> None:
    assert said(task) == []


def test_it_has_the_name_and_codes(task: Path) -> None:
    plain = tomllib.loads((task / "task.toml").read_text())

    assert (plain["name"], plain["business_code"]) == ("CountViews", "count-views")
    assert "CountViews" in (task / "README.md").read_text()
    texts = [path.read_text() for path in task.rglob("*") if path.is_file()]
    assert not [text for text in texts if "$" in text]


def test_its_own_test_is_green(task: Path) -> None:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(task)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=task)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_its_own_test_notices_a_task_that_counts_wrong(task: Path) -> None:
    main = task / "main.py"
    main.write_text(main.read_text().replace("and pv = 1", "and pv = 0"))
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(task)]

    assert "2 failed, 1 passed" in subprocess.run(command, capture_output=True, text=True).stdout


def test_it_runs(task: Path) -> None:
    code, out, _ = run("run", task)

    assert (code, out) == (0, '{"runId": "run-1", "value": {"page": "Home", "views": 0}}\n')


def test_it_can_be_packed(task: Path) -> None:
    assert pack_task(task)


def test_it_is_formatted_as_the_repository_is(task: Path) -> None:
    ruff = [sys.executable, "-m", "ruff"]
    config = ["--config", str(ROOT / "pyproject.toml"), "--no-cache", str(task)]

    for command in (["check", "--extend-ignore", "D"], ["format", "--check"]):
        done = subprocess.run([*ruff, *command, *config], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", ["9Rank", "", "Rank Feed", "a" * 65, "Ränk", "../x"])
def test_a_name_that_no_task_can_have_is_refused(tmp_path: Path, name: str) -> None:
    code, out, err = run("new", "task", name, "-o", tmp_path / "x")

    assert (code, out) == (1, "")
    assert err.startswith("web-runtime: new task: expected Task name of letters")
    assert not (tmp_path / "x").exists()


def test_a_folder_in_use_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")

    code, _, err = run("new", "task", "Rank", "-o", tmp_path)

    assert code == 1 and "expected a new or empty folder, got one in use" in err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    code, _, err = run("new", "task", "Rank", "-o", tmp_path / "mine.txt")
    assert code == 1 and "mine.txt: expected a new or empty folder" in err


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    assert run("new", "task", "Rank", "-o", tmp_path)[0] == 0
    assert (tmp_path / "tests" / "test_rank.py").is_file()


def test_a_package_has_the_templates() -> None:
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    patterns = pyproject["tool"]["setuptools"]["package-data"]["web_runtime"]

    packed = {path for pattern in patterns for path in (ROOT / "web_runtime").glob(pattern)}
    assert {*(ROOT / "web_runtime" / "authoring" / "templates" / "task").iterdir()} <= packed
