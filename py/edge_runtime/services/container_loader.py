"""Imports a task's Python files from memory, as a package of its own.

Relative imports work between the files of one task (``from .features import x``). Code objects are
named ``<task name>/<path>``, so tracebacks read like the author's folder.
"""

import importlib
import inspect
import itertools
import linecache
import sys
from collections.abc import Mapping, Sequence
from importlib.abc import ExecutionLoader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import decode_source
from types import ModuleType
from typing import Any, Final

ROOT: Final = "edge_tasks"
_numbers = itertools.count(1)


class TaskPackage(ExecutionLoader):
    """The files of one task as the package ``edge_tasks.<n>``.

    Args:
        task_name: First part of every file name.
        files: Content by path; those that end in ``.py`` are modules.
    """

    def __init__(self, task_name: str, files: Mapping[str, bytes]) -> None:
        self.name = f"{ROOT}.{next(_numbers)}"
        self._task_name = task_name
        self._sources = {path: data for path, data in files.items() if path.endswith(".py")}
        self.filenames = frozenset(f"{task_name}/{path}" for path in self._sources)

    def find_spec(self, fullname: str) -> ModuleSpec | None:
        """Return the spec of a module of this package; None if it has no such file."""
        path = self._path_of(fullname)
        if path is None:
            return None
        origin = f"{self._task_name}/{path}"
        return ModuleSpec(fullname, self, origin=origin, is_package=self.is_package(fullname))

    def get_filename(self, fullname: str) -> str:
        """Return the name that tracebacks show."""
        return f"{self._task_name}/{self._existing(fullname)}"

    def get_source(self, fullname: str) -> str:
        """Return the text of a module; a folder without ``__init__.py`` is an empty package."""
        return decode_source(self._sources.get(self._existing(fullname), b""))

    def is_package(self, fullname: str) -> bool:
        """Say whether the module can have submodules."""
        return self._existing(fullname).endswith("__init__.py")

    def prime_lines(self) -> None:
        """Make source lines available to tracebacks; there is no file to read them from."""
        for path, data in self._sources.items():
            text = data.decode("utf-8", "replace")
            filename = f"{self._task_name}/{path}"
            linecache.cache[filename] = (len(text), None, text.splitlines(True), filename)

    def forget(self) -> None:
        """Drop the package's modules and source lines."""
        for name in [name for name in sys.modules if f"{name}.".startswith(f"{self.name}.")]:
            del sys.modules[name]
        for filename in self.filenames:
            linecache.cache.pop(filename, None)

    def _existing(self, fullname: str) -> str:
        path = self._path_of(fullname)
        if path is None:
            raise ImportError(f"no module {fullname} in task {self._task_name}", name=fullname)
        return path

    def _path_of(self, fullname: str) -> str | None:
        folder = fullname.removeprefix(self.name).replace(".", "/").lstrip("/")
        prefix = f"{folder}/" if folder else ""
        if folder and f"{folder}.py" in self._sources:
            return f"{folder}.py"
        if not folder or any(path.startswith(prefix) for path in self._sources):
            return f"{prefix}__init__.py"
        return None


class TaskImporter(MetaPathFinder):
    """Finds the packages that were added; stands in ``sys.meta_path`` while it has any."""

    def __init__(self) -> None:
        self._packages: dict[str, TaskPackage] = {}

    def add(self, package: TaskPackage) -> None:
        """Make ``package`` importable."""
        if ROOT not in sys.modules:
            root = ModuleType(ROOT, "Tasks, one subpackage each.")
            root.__path__ = []
            sys.modules[ROOT] = root
        if self not in sys.meta_path:
            sys.meta_path.append(self)
        self._packages[package.name] = package
        package.prime_lines()

    def remove(self, package: TaskPackage) -> None:
        """Make ``package`` unimportable and forget its modules."""
        del self._packages[package.name]
        package.forget()
        if not self._packages:
            sys.meta_path.remove(self)

    def clear(self) -> None:
        """Remove every package."""
        for package in list(self._packages.values()):
            self.remove(package)

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Answer the import system; see :class:`importlib.abc.MetaPathFinder`."""
        package = self._packages.get(".".join(fullname.split(".", 2)[:2]))
        return package.find_spec(fullname) if package is not None else None


class EntryError(Exception):
    """Says what an entry turned out to be instead of ``async def run(ctx, activation)``."""


def resolve_entry(package: TaskPackage, entry: str) -> Any:
    """Import the module of ``main:run`` and return the coroutine function it names.

    Raises:
        EntryError: There is no such module or name, or it is no ``async def`` of two parameters.
        BaseException: Whatever the task's own code raises while it is imported.
    """
    module_name, _, function_name = entry.partition(":")
    fullname = f"{package.name}.{module_name}"
    if package.find_spec(fullname) is None:
        raise EntryError(f"no file {module_name.replace('.', '/')}.py")
    function = getattr(importlib.import_module(fullname), function_name, None)
    if function is None:
        raise EntryError(f"no {function_name} in {module_name}.py")
    if not inspect.iscoroutinefunction(function):
        raise EntryError(f"{function_name}, which is no async function")
    try:
        inspect.signature(function).bind(None, None)
    except TypeError as error:
        raise EntryError(f"{function_name}{inspect.signature(function)}") from error
    return function
