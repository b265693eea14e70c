"""Every wrong key of task.toml is told with its line and what was expected."""

from pathlib import Path

from .task_folder import MAIN, TOML, said, write_task


def test_a_task_without_mistakes_has_no_findings(tmp_path: Path) -> None:
    assert said(write_task(tmp_path)) == []


def test_every_wrong_key_is_told_with_its_place(tmp_path: Path) -> None:
    toml = """\
colour = "blue"
  priority = "urgent"
models = [
    "ranker",
    "b c",
]
"""
    found = said(write_task(tmp_path, toml=toml))

    assert [line.partition(" error: ")[0] for line in found if "error" in line] == [
        "task.toml:5:1:",
        "task.toml:6:3:",
        "task.toml:9:5:",
    ]
    assert "at colour: expected one of the fields name, version" in found[0]
    assert 'expected one of core, regular, low, got "urgent"' in found[1]


def test_every_missing_key_is_told(tmp_path: Path) -> None:
    write_task(tmp_path)
    (tmp_path / "task.toml").write_text('version = "1.0.0"\nsystem_code = "shop"\n')

    found = said(tmp_path)

    assert len(found) == 2
    assert found[0].startswith("task.toml:1:1: error: task.toml: expected an object with business")
    assert "expected an object with name" in found[1]


def test_a_key_of_a_table_is_found_inside_it(tmp_path: Path) -> None:
    toml = '\n[fallback]\n# value = 0\ntask = "not a name"\n'

    (found,) = said(write_task(tmp_path, toml=toml))

    assert found.startswith("task.toml:8:1: error: task.toml at fallback.task: expected Task name")


def test_a_key_of_the_same_name_outside_the_table_is_another(tmp_path: Path) -> None:
    found = said(write_task(tmp_path, toml='task = 1\n\n[fallback]\ntask = "not a name"\n'))

    assert [line.partition(": expected")[0] for line in found] == [
        "task.toml:5:1: error: task.toml at task",
        "task.toml:8:1: error: task.toml at fallback.task",
    ]


def test_a_wrong_table_is_told_at_its_header(tmp_path: Path) -> None:
    (found,) = said(write_task(tmp_path, toml="\n [fallback]\nvalue = 1\nlast = true\n"))

    assert found.startswith("task.toml:6:2: error: task.toml at fallback: expected at most 1 entr")


def test_a_file_that_is_no_toml_is_told_with_line_and_column(tmp_path: Path) -> None:
    write_task(tmp_path)
    (tmp_path / "task.toml").write_text(TOML + "entry = \n")

    (found,) = said(tmp_path)

    assert found.startswith("task.toml:5:9: error: task.toml: expected TOML")


def test_an_entry_without_its_file_is_told(tmp_path: Path) -> None:
    (found,) = said(write_task(tmp_path, toml='entry = "score:run"\n'))

    assert found.startswith("task.toml:5:1: error: task.toml at entry: expected a file score.py")


def test_the_code_is_looked_at_although_the_description_is_wrong(tmp_path: Path) -> None:
    found = said(write_task(tmp_path, "import js\n" + MAIN, toml="colour = 1\n"))

    assert [line.split(":")[0] for line in found] == ["main.py", "task.toml"]


def test_a_package_that_pack_would_refuse_is_told(tmp_path: Path) -> None:
    toml = 'packages = [\n  "six",\n  "numpy==1.0",\n  "idna==3.10",\n]\n'

    unpinned, numpy = said(write_task(tmp_path, toml=toml))

    assert unpinned.startswith("task.toml:6:3: error: package six: expected one that the runtime")
    assert numpy.startswith("task.toml:7:3: error: package numpy: expected ")
