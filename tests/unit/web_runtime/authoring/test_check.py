"""The command, the sizes, and the demo's tasks."""

import json
import random
from pathlib import Path

import pytest

from demo_h5.build import DEMO, check_config
from web_runtime.authoring.check import check_task
from web_runtime.authoring.site import Site, read_site
from web_runtime.errors import ToolError

from ..test_cli import run
from .task_folder import MAIN, said, write_site, write_task


@pytest.mark.parametrize("task", sorted((DEMO / "tasks").iterdir()), ids=lambda path: path.name)
def test_nothing_is_the_matter_with_the_demos_tasks(task: Path) -> None:
    site = read_site(DEMO / "config.json")
    if task.name == "check":
        site = Site(site.path, check_config(dict(site.plain)))

    assert check_task(task, site).findings == []


def test_errors_end_with_code_1_and_remarks_do_not(tmp_path: Path) -> None:
    remarked = write_task(tmp_path / "a", "import time\ntime.sleep(0)\n" + MAIN)
    wrong = write_task(tmp_path / "b", "import js\n" + MAIN)

    code, out, err = run("check", remarked)
    assert (code, out[: len(str(remarked))]) == (0, str(remarked))
    assert err == f"{remarked}: 0 error(s), 1 remark(s)\n"
    code, out, err = run("check", wrong)
    assert (code, err) == (1, f"{wrong}: 1 error(s), 0 remark(s)\n")
    assert out.startswith(f"{wrong}/main.py:1:1: error: import of js: expected ")


def test_json_has_the_same(tmp_path: Path) -> None:
    code, out, err = run("check", write_task(tmp_path, "import js\n" + MAIN), "--json")

    report = json.loads(out)
    assert (code, err, report["errors"], report["remarks"]) == (1, "", 1, 0)
    (finding,) = report["findings"]
    assert finding.pop("message").startswith("import of js: expected a module open to tasks")
    assert finding == {
        "file": str(tmp_path / "main.py"),
        "line": 1,
        "column": 1,
        "level": "error",
    }


def test_the_configuration_is_named_by_the_command(tmp_path: Path) -> None:
    task = write_task(tmp_path / "t", toml='models = ["ranker"]\n')
    site = write_site(tmp_path, models={})

    code, out, _ = run("check", task, "--config", site.path)

    assert code == 1 and "task.toml:5:11: error: models: expected models of the conf" in out


def test_no_code_is_executed(tmp_path: Path) -> None:
    touch = f"open({str(tmp_path / 'ran')!r}, 'w').close()\n"
    check_task(write_task(tmp_path / "task", touch + MAIN))

    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    ("text", "place"),
    [("x = 1\ndef run(:\n", "main.py:2:9"), ("x = '\0'\n", "main.py:1:1"), ("\xff", "main.py:1:1")],
)
def test_a_file_that_is_no_python_is_told_with_its_line(
    tmp_path: Path, text: str, place: str
) -> None:
    write_task(tmp_path)
    (tmp_path / "main.py").write_bytes(text.encode("latin-1"))

    assert said(tmp_path)[0].startswith(f"{place}: error: syntax: expected Python")


def test_what_no_bundle_can_hold_is_told(tmp_path: Path) -> None:
    task = write_task(tmp_path / "task")
    for number in range(256):
        (task / f"{number}.txt").touch()
    (task / "all.bin").write_bytes(bytes(32 * 2**20))

    found = said(task)

    assert [line.partition(": size: ")[2] for line in found] == [
        "expected at most 256 files, got 258. Leave files out, or serve large ones as models.",
        f"expected at most 33,554,432 bytes unpacked, got {32 * 2**20 + len(MAIN):,}. "
        "Leave files out, or serve large ones as models.",
    ]


def test_a_bundle_that_will_be_too_large_is_remarked(tmp_path: Path) -> None:
    write_task(tmp_path)
    (tmp_path / "all.bin").write_bytes(random.Random(1).randbytes(9 * 2**20))

    (found,) = said(tmp_path)

    assert "remark: size: expected at most 8,388,608 bytes packed, about, got " in found


def test_a_path_that_no_bundle_can_hold_is_told(tmp_path: Path) -> None:
    write_task(tmp_path)
    (tmp_path / "a:b.txt").touch()

    assert said(tmp_path) == [
        "a:b.txt:1:1: error: path: expected a printable path of at most 200 characters without : "
        "and \\, got 'a:b.txt'. Rename the file."
    ]


def test_a_folder_without_a_task_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"task\.toml: expected a file, got none"):
        check_task(tmp_path)


def test_what_parses_and_does_not_compile_is_an_error(tmp_path: Path) -> None:
    task = write_task(tmp_path, MAIN + "return 5\n", deep="x = " + "-" * 100_000 + "1\n")

    deep, main = said(task)

    assert deep.startswith("deep.py:1:1: error: syntax: expected Python, got ")
    assert main.startswith("main.py:3:") and "'return' outside function" in main


def test_a_description_may_begin_with_a_byte_order_mark(tmp_path: Path) -> None:
    task = write_task(tmp_path)
    toml = task / "task.toml"
    toml.write_bytes(b"\xef\xbb\xbf" + toml.read_bytes())

    assert said(task) == []
