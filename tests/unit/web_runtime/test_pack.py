"""A task's folder becomes a bundle; a mistake is named with its file."""

import marshal
from pathlib import Path

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.errors import ConfigError
from edge_runtime.pure.abi import abi_here

from web_runtime import compilers, task_files
from web_runtime.errors import ToolError
from web_runtime.pack import pack_task

TOML = """
name = "Echo"
version = "1.0.0"
system_code = "shop"
business_code = "echo"
entry = "main:run"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "task.toml").write_text(TOML)
    (tmp_path / "main.py").write_text("async def run(ctx, activation):\n    return 1\n")
    return tmp_path


def names_in(bundle: bytes) -> list[str]:
    return sorted(open_bundle(bundle).files)


def test_the_same_folder_gives_the_same_bytes(folder: Path) -> None:
    first = pack_task(folder)
    (folder / "main.py").touch()

    assert pack_task(folder) == first


def test_a_bundle_holds_the_tasks_files(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "words.txt").write_text("eins")

    assert names_in(pack_task(folder)) == ["data/words.txt", "main.py"]


def test_hidden_and_compiled_files_stay_out(folder: Path) -> None:
    (folder / "__pycache__").mkdir()
    for name in (".secret", "main.pyc", "__pycache__/main.cpython-311.pyc"):
        (folder / name).write_bytes(b"x")

    assert names_in(pack_task(folder)) == ["main.py"]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path, folder: Path) -> None:
    task = tmp_path / "task"
    task.mkdir()
    for name in ("task.toml", "main.py"):
        (folder / name).rename(task / name)
    (tmp_path / "secret.txt").write_text("not for everyone")
    (task / "data.txt").symlink_to(tmp_path / "secret.txt")

    with pytest.raises(ToolError, match=r"data\.txt: expected .* got a link to .*secret\.txt"):
        pack_task(task)


@pytest.mark.parametrize("target", ["shared", "nowhere", ".", "lib"])
def test_a_link_that_would_be_left_out_is_refused(folder: Path, target: str) -> None:
    (folder / "tests" / "shared").mkdir(parents=True)
    (folder / "lib").symlink_to("tests/shared" if target == "shared" else target)

    with pytest.raises(ToolError, match=r"lib: expected a file of the .* got a link to .* Copy"):
        pack_task(folder)


def test_a_file_that_cannot_be_read_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)

    with pytest.raises(ToolError, match=r"main\.py: expected a file, got .*Permission denied"):
        pack_task(folder)


@pytest.mark.parametrize("name", ["a\\b.txt", "c:d.txt", "x" * 199, "e\nf"])
def test_a_name_that_no_bundle_may_hold_is_refused(folder: Path, name: str) -> None:
    (folder / "d").mkdir()
    (folder / "d" / name).write_text("")

    with pytest.raises(ToolError, match="expected a printable path of at most 200 .* Rename"):
        pack_task(folder)


def test_a_description_may_begin_with_a_byte_order_mark(folder: Path) -> None:
    (folder / "task.toml").write_text(TOML, encoding="utf-8-sig")

    assert open_bundle(pack_task(folder)).manifest.name == "Echo"


def test_a_folder_without_a_description_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ToolError, match=r"task\.toml: expected a file, got none"):
        pack_task(tmp_path)


def test_a_description_that_is_no_toml_is_refused_with_its_line(folder: Path) -> None:
    (folder / "task.toml").write_text('name = "Echo"\nversion = \n')

    with pytest.raises(ToolError, match=r"task\.toml: expected TOML, .* line 2"):
        pack_task(folder)


def test_an_unknown_key_is_refused_by_name(folder: Path) -> None:
    (folder / "task.toml").write_text(TOML + 'entrypoint = "main:run"\n')

    with pytest.raises(ConfigError, match="entrypoint"):
        pack_task(folder)


def test_python_that_does_not_compile_is_refused_with_its_line(folder: Path) -> None:
    (folder / "main.py").write_text("x = 1\ndef run(:\n")

    with pytest.raises(ToolError, match=r"main\.py:2: expected Python"):
        pack_task(folder)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        (b"x = 1\n\n# caf\xe9\n", r"main\.py:3: expected Python in UTF-8, got .* Save it as UTF-8"),
        (b"x = 1\nreturn 5\n", r"main\.py:2: expected Python.* got 'return' outside function"),
        (b"x = " + b"-" * 100_000 + b"1", r"main\.py: expected Python, got .*nested too deep"),
        (b"x = 1\0", r"main\.py: expected Python, got .* null bytes"),
    ],
)
def test_what_no_python_would_load_is_refused(folder: Path, source: bytes, message: str) -> None:
    (folder / "main.py").write_bytes(source)

    with pytest.raises(ToolError, match=message):
        pack_task(folder)


def test_an_older_python_says_that_it_is_one(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "main.py").write_text("x = 1\ny = !\n")
    monkeypatch.setattr(task_files, "_HERE", "3.11")

    with pytest.raises(ToolError, match=r"main\.py:2: expected Python 3\.11, got .*for 3\.14"):
        pack_task(folder)


def test_bytecode_is_packed_in_place_of_its_source(folder: Path) -> None:
    (folder / "shop").mkdir()
    (folder / "shop" / "__init__.py").write_text("rows = [1, 2, 3][0:2]\n")
    (folder / "words.txt").write_text("eins")

    opened = open_bundle(pack_task(folder, compiler=compilers.here))

    assert sorted(opened.files) == ["main.pyc", "shop/__init__.pyc", "words.txt"]
    assert opened.manifest.abi == abi_here()
    code = marshal.loads(opened.files["shop/__init__.pyc"])
    names: dict[str, object] = {}
    exec(code, names)
    assert (code.co_filename, names["rows"]) == ("Echo/shop/__init__.py", [1, 2])


@pytest.mark.parametrize("source", ["x = 1\ndef run(:\n", "x = 1\n'\\x'\n", "x = 1\nreturn\n"])
def test_what_does_not_compile_is_refused_with_its_line(folder: Path, source: str) -> None:
    (folder / "main.py").write_text(source)

    with pytest.raises(ToolError, match=r"main\.py:2: expected Python, got an error: \S"):
        pack_task(folder, compiler=compilers.here)


def test_a_wrong_description_is_told_before_wrong_code(folder: Path) -> None:
    (folder / "main.py").write_text("def run(:\n")
    (folder / "task.toml").write_text(TOML + "timeout_ms = -1\n")

    with pytest.raises(ConfigError, match="timeout_ms"):
        pack_task(folder, compiler=compilers.here)


def test_bytecode_does_not_depend_on_what_else_is_loaded(folder: Path) -> None:
    source = (
        "def a_name_of_this_test(one_argument):\n    return 'a text', one_argument.an_attribute\n"
    )
    (folder / "main.py").write_text(source)
    alone = pack_task(folder, compiler=compilers.here)
    beside: dict[str, object] = {}
    exec(source, beside)

    assert pack_task(folder, compiler=compilers.here) == alone


@pytest.mark.parametrize("manifest", ["{", "{}", '{"assets": {"pyodide": "p"}}'])
def test_a_damaged_runtime_is_one_message(folder: Path, tmp_path: Path, manifest: str) -> None:
    (tmp_path / "dist").mkdir()
    (tmp_path / "dist" / "manifest.json").write_text(manifest)

    with pytest.raises(ToolError, match=r"to compile, got \w*Error.* Build .*/dist again") as told:
        pack_task(folder, compiler=compilers.pyodide_of(tmp_path / "dist"))
    assert len(str(told.value).splitlines()) == 1


def test_bytecode_needs_a_built_runtime(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(ToolError, match="expected a built runtime, got none.*--source"):
        pack_task(folder, compiler=compilers.pyodide_of(tmp_path / "nowhere"))
