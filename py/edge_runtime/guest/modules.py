"""One set of a task's modules: a package of its own that nobody else can import.

Every run gets a new one, unless its task is stateful. The modules have builtins of their own,
whose ``__import__`` knows the task's files and refuses what leads out of the container.
"""

import builtins
import inspect
import itertools
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

from ..pure.forbidden_imports import forbidden_import
from .code import TaskCode

ROOT: Final = "edge_tasks"
_numbers = itertools.count(1)


class EntryError(Exception):
    """Says what an entry turned out to be instead of ``async def run(ctx, activation)``."""


class Modules:
    """The modules of one run, or of a stateful task.

    Args:
        code: The task's files.
        output: Stands in for ``print``.
        on_import: Called behind every import of what is not the task's.
    """

    def __init__(
        self,
        code: TaskCode,
        output: Callable[..., None] = print,
        on_import: Callable[[], None] = lambda: None,
    ) -> None:
        self._code = code
        self._on_import = on_import
        self._name = f"{ROOT}.{next(_numbers)}"
        self._loaded: dict[str, ModuleType] = {}
        own = {"__import__": self._import, "print": output}
        self._builtins = {**vars(builtins), **own}

    def entry(self, entry: str) -> Any:
        """Import the module of ``main:run`` and return the coroutine function it names.

        Raises:
            EntryError: There is no such module or name, or it is no ``async def`` of two
                parameters.
            BaseException: Whatever the task's own code raises while it is imported.
        """
        module, _, function_name = entry.partition(":")
        if self._code.path_of(module) is None:
            raise EntryError(f"no file {module.replace('.', '/')}.py")
        function = getattr(self._load(module), function_name, None)
        if function is None:
            raise EntryError(f"no {function_name} in {module}.py")
        if not inspect.iscoroutinefunction(function):
            raise EntryError(f"{function_name}, which is no async function")
        try:
            inspect.signature(function).bind(None, None)
        except TypeError as error:
            raise EntryError(f"{function_name}{inspect.signature(function)}") from error
        return function

    def _load(self, module: str) -> ModuleType:
        """Return a module of the task by its dotted name; its parents are loaded first."""
        known = self._loaded.get(module)
        if known is not None:
            return known
        path = self._code.path_of(module)
        if path is None:
            raise ModuleNotFoundError(f"no module {module} in task {self._code.task_name}")
        parent = self._load(module.rpartition(".")[0]) if module else None
        made = self._made(module, path)
        self._loaded[module] = made
        try:
            self._execute(made, path)
        except BaseException:
            del self._loaded[module]
            raise
        if parent is not None:
            setattr(parent, module.rpartition(".")[2], made)
        return made

    def _made(self, module: str, path: str) -> ModuleType:
        name = f"{self._name}.{module}" if module else self._name
        is_package = "__init__." in path
        made = ModuleType(name)
        made.__package__ = name if is_package else name.rpartition(".")[0]
        made.__file__ = self._code.shown(path)
        made.__spec__ = ModuleSpec(name, None, origin=made.__file__, is_package=is_package)
        made.__dict__["__builtins__"] = self._builtins
        return made

    def _execute(self, module: ModuleType, path: str) -> None:
        code = self._code.compiled(path)
        if code is not None:
            with _findable(module):
                exec(code, module.__dict__)

    def _import(
        self,
        name: str,
        given: Mapping[str, Any] | None = None,
        local: Mapping[str, Any] | None = None,
        fromlist: Sequence[str] | None = (),
        level: int = 0,
    ) -> ModuleType:
        package = (given or {}).get("__package__") or ""
        if level:
            return self._import_own(package, name, fromlist or (), level)
        asked = (name, *(f"{name}.{inner}" for inner in fromlist or ()))
        forbidden = next(filter(None, map(forbidden_import, asked)), None)
        if forbidden is not None:
            task = self._code.task_name
            raise ImportError(
                f"task {task}: expected no import of {forbidden}, got one. It leads out of the "
                "container: do without it.",
                name=forbidden,
            )
        found = __import__(name, given, local, fromlist or ())
        self._on_import()
        return found

    def _import_own(
        self, package: str, name: str, fromlist: Sequence[str], level: int
    ) -> ModuleType:
        parts = [part for part in package.removeprefix(self._name).split(".") if part]
        if level - 1 > len(parts):
            raise ImportError("attempted relative import beyond the task's folder")
        base = parts[: len(parts) - (level - 1)]
        module = ".".join([*base, name] if name else base)
        loaded = self._load(module)
        for inner in fromlist:
            inside = f"{module}.{inner}" if module else inner
            if not hasattr(loaded, inner) and self._code.path_of(inside) is not None:
                self._load(inside)
        return loaded


@contextmanager
def _findable(module: ModuleType) -> Iterator[None]:
    """Keep ``module`` in ``sys.modules`` while its code is executed.

    Decorators such as ``dataclass`` look their module up there. Afterwards it is gone: no other
    task finds it.
    """
    sys.modules[module.__name__] = module
    try:
        yield
    finally:
        sys.modules.pop(module.__name__, None)
