"""Tasks as packages in memory: imports, entries, and nothing left behind."""

import importlib
import linecache
import sys
from collections.abc import Iterator

import pytest
from edge_runtime.services.container_loader import (
    EntryError,
    TaskImporter,
    TaskPackage,
    resolve_entry,
)


@pytest.fixture
def importer() -> Iterator[TaskImporter]:
    importer = TaskImporter()
    yield importer
    importer.clear()
    assert importer not in sys.meta_path


def package(importer: TaskImporter, **sources: str) -> TaskPackage:
    files = {f"{name.replace('__', '/')}.py": text.encode() for name, text in sources.items()}
    added = TaskPackage("Rank", {**files, "notes.txt": b"no code"})
    importer.add(added)
    return added


def test_files_of_a_task_import_each_other_relatively(importer: TaskImporter) -> None:
    task = package(
        importer,
        main="from .features import width\nfrom .deep.inner import depth\nsize = width * depth",
        features="from . import main as me\nwidth = 3",
        deep__inner="from ..features import width\ndepth = width + 1",
    )

    assert importlib.import_module(f"{task.name}.main").size == 12


def test_two_tasks_with_the_same_files_are_apart(importer: TaskImporter) -> None:
    first = package(importer, main="from .features import x", features="x = 1")
    second = package(importer, main="from .features import x", features="x = 2")

    values = [importlib.import_module(f"{task.name}.main").x for task in (first, second)]

    assert values == [1, 2]


def test_code_is_named_after_the_task_and_its_lines_are_known(importer: TaskImporter) -> None:
    task = package(importer, main="async def run(ctx, activation):\n    return 1")

    function = resolve_entry(task, "main:run")

    assert function.__code__.co_filename == "Rank/main.py"
    assert linecache.getline("Rank/main.py", 2) == "    return 1"


def test_a_module_that_is_not_there_is_an_import_error(importer: TaskImporter) -> None:
    task = package(importer, main="from .absent import x\nasync def run(ctx, activation): ...")

    with pytest.raises(ModuleNotFoundError, match="absent"):
        resolve_entry(task, "main:run")


def test_an_import_that_failed_leaves_no_module(importer: TaskImporter) -> None:
    task = package(importer, main="import sys\nassert hasattr(sys, 'edge_test_flag')")
    with pytest.raises(AssertionError):
        importlib.import_module(f"{task.name}.main")

    assert f"{task.name}.main" not in sys.modules


@pytest.mark.parametrize(
    ("source", "entry", "got"),
    [
        ("", "other:run", "no file other.py"),
        ("", "main:run", "no run in main.py"),
        ("run = 5", "main:run", "run, which is no async function"),
        ("def run(ctx, activation): ...", "main:run", "run, which is no async function"),
        ("async def run(ctx): ...", "main:run", r"run\(ctx\)"),
        ("async def run(ctx, activation, more): ...", "main:run", r"run\(ctx, activation, more\)"),
        ("async def run(*, ctx, activation): ...", "main:run", r"run\(\*, ctx, activation\)"),
    ],
)
def test_an_entry_that_cannot_be_called_is_refused(
    importer: TaskImporter, source: str, entry: str, got: str
) -> None:
    task = package(importer, main=source)

    with pytest.raises(EntryError, match=got):
        resolve_entry(task, entry)


@pytest.mark.parametrize(
    "source", ["async def run(ctx, activation): ...", "async def run(*args, extra=1): ..."]
)
def test_an_entry_of_two_parameters_is_found(importer: TaskImporter, source: str) -> None:
    task = package(importer, tasks__rank=source)

    assert resolve_entry(task, "tasks.rank:run").__name__ == "run"


def test_removing_a_task_forgets_its_modules_and_lines(importer: TaskImporter) -> None:
    task = package(importer, main="from . import features", features="x = 1")
    importlib.import_module(f"{task.name}.main")

    importer.remove(task)

    assert not [name for name in sys.modules if name.startswith(task.name)]
    assert "Rank/main.py" not in linecache.cache
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module(f"{task.name}.main")


def test_a_stranger_is_not_found(importer: TaskImporter) -> None:
    package(importer, main="")

    assert importer.find_spec("json", None) is None
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("edge_tasks.unknown")
