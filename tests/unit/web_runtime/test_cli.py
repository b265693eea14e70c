"""The commands: what they print, where errors go, and the exit code."""

import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from web_runtime.cli import main
from web_runtime.pack import pack_task

TASK = """
name = "Echo"
version = "1.0.0"
system_code = "test-shop"
business_code = "echo"
entry = "main:run"
"""


@pytest.fixture
def task(tmp_path: Path) -> Path:
    folder = tmp_path / "echo"
    folder.mkdir()
    (folder / "task.toml").write_text(TASK)
    (folder / "main.py").write_text("async def run(ctx, activation):\n    return {}\n")
    return folder


def run(*arguments: object) -> tuple[int, str, str]:
    plain = CliRunner(env={"COLUMNS": "200", "TERM": "dumb", "NO_COLOR": "1"})
    result = plain.invoke(main, [str(argument) for argument in arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.stdout, result.stderr


def test_pack_writes_the_bundle(task: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "echo.edge"

    code, out, _ = run("pack", task, "-o", bundle, "--source")

    assert code == 0
    assert bundle.read_bytes() == pack_task(task)
    assert f"{bundle}: {bundle.stat().st_size:,} bytes, not signed" in out


def test_pack_compiles_with_the_python_of_a_built_runtime(task: Path, tmp_path: Path) -> None:
    code, _, err = run("pack", task, "-o", tmp_path / "x.edge", "--runtime", tmp_path)

    assert code == 1
    assert "expected a built runtime" in err and "--source" in err


def test_an_error_of_the_tool_is_one_message(tmp_path: Path) -> None:
    code, out, err = run("pack", tmp_path / "nothing", "-o", tmp_path / "x.edge")

    assert (code, out) == (1, "")
    assert err.startswith("web-runtime: ") and "task.toml: expected a file" in err
    assert len(err.splitlines()) == 1


def test_an_error_of_the_runtime_is_one_message(task: Path, tmp_path: Path) -> None:
    (task / "task.toml").write_text(TASK + 'colour = "blue"\n')

    code, _, err = run("pack", task, "-o", tmp_path / "x.edge")

    assert code == 1
    assert err.startswith("web-runtime: ") and "colour" in err and "Traceback" not in err


def test_a_bundle_that_cannot_be_written_is_named(task: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for output in (tmp_path, tmp_path / "file" / "x.edge"):
        code, _, err = run("pack", task, "-o", output, "--source")

        assert code == 1
        assert f"{output}: expected to write" in err


def test_the_folder_of_a_bundle_is_made(task: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "new site" / "tasks" / "x.edge"

    assert run("pack", task, "-o", bundle, "--source")[0] == 0
    assert bundle.read_bytes() == pack_task(task)


def test_a_bundle_does_not_go_into_what_is_packed(task: Path) -> None:
    code, out, err = run("pack", task, "-o", task / "x.edge", "--source")

    assert (code, out) == (1, "")
    assert f"--output: expected a file outside of {task}, got {task / 'x.edge'}" in err
    assert not (task / "x.edge").exists()


def test_a_name_that_is_no_text_can_be_printed(task: Path) -> None:
    (task / "caf\udce9.txt").write_text("")

    code, out, _ = run("check", task)

    assert code == 1 and "caf\\udce9.txt:1:1: error: path: " in out


def test_serve_names_a_site_that_is_not_there(tmp_path: Path) -> None:
    code, _, err = run("serve", tmp_path / "nothing")

    assert code == 1
    assert f"site: expected a folder, got {tmp_path / 'nothing'}" in err


def test_serve_names_a_runtime_that_is_not_built(tmp_path: Path) -> None:
    code, _, err = run("serve", tmp_path, "--runtime", tmp_path / "dist")

    assert code == 1
    assert "--runtime: expected a folder" in err and "web-runtime build" in err


def test_serve_names_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        code, out, err = run("serve", tmp_path, "--runtime", tmp_path, "--port", port)

    assert (code, out) == (1, "")
    assert f"127.0.0.1, port {port}: expected to listen there" in err and "--port" in err


@pytest.mark.parametrize("mount", ["edge", "/edge/", "/"])
def test_serve_refuses_a_mount_that_is_no_path(tmp_path: Path, mount: str) -> None:
    code, _, err = run("serve", tmp_path, "--runtime", tmp_path, "--mount", mount)

    assert code == 1
    assert f"--mount: expected a path such as /edge, got {mount!r}" in err


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["serve", ".", "--csp", "loose"], "none-wasm"),
        (["serve", ".", "--port", "70000"], "--port"),
        (["pack", "."], "--output"),
        (["publish"], "publish"),
    ],
)
def test_a_wrong_argument_is_named(arguments: list[str], named: str) -> None:
    code, _, err = run(*arguments)

    assert code == 2
    assert named in err


def test_help_lists_the_commands() -> None:
    code, out, _ = run("--help")

    assert code == 0
    assert all(command in out for command in ("vendor", "build", "serve", "pack"))
