"""Python's library as it was before any task ran, to be put back before the next one does."""

import os
import sys

# A task may change these, too.
from builtins import KeyError, all, map, next, reversed  # noqa: UP029
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import chain
from operator import is_, itemgetter
from types import FunctionType, ModuleType
from typing import Any, Final

from ..host.ports.machines import Interpreter
from ..pure.forbidden_imports import forbidden_import

# What changes by itself, and is no task's doing.
_LIVE: Final = ("edge_tasks", "__main__", "linecache", "signal")
_WITH_METHODS: Final = {
    *("edge_runtime", *(each for each in sys.stdlib_module_names if not each.startswith("_")))
}
_METHODS: Final = (FunctionType, classmethod, staticmethod, property)

Put = Callable[[str, Any], None]


class _Names:
    """Names of one module or class and what they stood for."""

    def __init__(self, live: Mapping[str, Any], names: list[str], put: Put) -> None:
        self.live = live
        self.put = put
        # One call for all of them; that of one name would return no tuple.
        self.values = itemgetter(*names, names[0])
        self.kept = {name: live[name] for name in names}

    def restore(self) -> None:
        """Put back what was changed."""
        for name, each in self.kept.items():
            if self.live.get(name) is not each:
                self.put(name, each)


class Pristine:
    """Functions and classes of every module loaded so far, methods of those that tasks use.

    A task that replaces or removes one of them would change it for the tasks behind it, and so
    would one that changes where modules are found. Other data is left alone: modules keep caches
    of their own in it.

    Args:
        classes: Others whose methods tasks get at.
    """

    def __init__(self, *classes: type) -> None:
        self._modules: dict[str, Any] = {}
        self._kept: list[_Names] = []
        self._values: list[Any] = []
        self._roots = tuple([each for each in sys.path if each])
        self._keep(_places())
        self._keep(_methods_of({}, classes))
        self._lists = [(each, [*each]) for each in (sys.path, sys.meta_path, sys.path_hooks)]
        self._environment = dict(os.environ)
        self._folder = os.getcwd()
        self._mode = os.stat(self._folder).st_mode
        self._take(self._fresh())

    def learn(self) -> None:
        """Take in modules that were loaded meanwhile, before a task's code has them."""
        # The latest comes last.
        if next(reversed(sys.modules)) not in self._modules:
            self._take([name for name in self._fresh() if self._is_import(name)])

    def restore(self) -> None:
        """Put back what was changed.

        Raises:
            Exception: It cannot be put back.
        """
        # First of all these: what follows goes by them.
        if not self._is_whole():
            for names in self._kept:
                names.restore()
        sys.modules.update(self._modules)
        for name in self._fresh():
            if not self._is_import(name):
                del sys.modules[name]
        for live, kept in self._lists:
            if live != kept:
                live[:] = kept
        if os.environ != self._environment:
            os.environ.clear()
            os.environ.update(self._environment)
        self._enter_folder()

    def _enter_folder(self) -> None:
        os.makedirs(self._folder, exist_ok=True)
        if os.stat(self._folder).st_mode != self._mode:
            os.chmod(self._folder, self._mode)
        os.chdir(self._folder)

    def _fresh(self) -> list[str]:
        fresh = sys.modules.keys() - self._modules.keys()
        return [name for name in fresh if not name.startswith(_LIVE)]

    def _is_import(self, name: str) -> bool:
        """Say whether a module was found where those before any task were, and not put there."""
        module = sys.modules[name]
        spec = getattr(module, "__spec__", None)
        origin = getattr(spec, "origin", None) or ""
        # Some make modules of their own, or have another name for one, as os has for os.path.
        outer, _, inner = name.rpartition(".")
        is_inner = getattr(sys.modules.get(outer), inner, None) is module
        is_found = getattr(spec, "name", None) == name or is_inner
        return is_found and (not origin.startswith("/") or origin.startswith(self._roots))

    def _take(self, names: list[str]) -> None:
        fresh = {name: sys.modules[name] for name in names}
        self._modules |= fresh
        self._keep(_functions_of(fresh))
        self._keep(_methods_of(fresh, ()))

    def _keep(self, names: Iterable[_Names]) -> None:
        for each in names:
            self._kept.append(each)
            self._values += each.values(each.live)

    def _is_whole(self) -> bool:
        # Without a step of Python's for each of thousands of names, at most 2 ms a task switch.
        # By identity: what compares itself as equal is not the same.
        try:
            live = chain.from_iterable([each.values(each.live) for each in self._kept])
            return all(map(is_, live, self._values))
        except KeyError:
            return False


class Untouched:
    """Stands in for it in an interpreter whose library is not the runtime's to put back."""

    def learn(self) -> None:
        """Do nothing."""

    def restore(self) -> None:
        """Do nothing."""


def pristine_of(interpreter: Interpreter, *classes: type) -> Pristine | Untouched:
    """Return what puts the library of an interpreter back between tasks."""
    return Untouched() if interpreter.is_shared else Pristine(*classes)


def clear_folder(folder: str) -> None:
    """Remove all that lies in a folder; one that is gone or locked is as it was then.

    Raises:
        OSError: Something stays.
    """
    os.makedirs(folder, exist_ok=True)
    os.chmod(folder, 0o777)
    with os.scandir(folder) as entries:
        for entry in [*entries]:
            if entry.is_dir(follow_symlinks=False):
                clear_folder(entry.path)
                os.rmdir(entry.path)
            else:
                os.unlink(entry.path)


def _places() -> Iterator[_Names]:
    """Yield what holds the modules, their finders and the environment."""
    names = ["modules", "path", "meta_path", "path_hooks"]
    yield _Names(vars(sys), names, vars(sys).__setitem__)
    yield _Names(vars(os), ["environ"], vars(os).__setitem__)


def _functions_of(modules: Mapping[str, Any]) -> Iterator[_Names]:
    for module in modules.values():
        if isinstance(module, ModuleType):
            live = vars(module)
            if names := [name for name, value in live.items() if callable(value)]:
                yield _Names(live, names, live.__setitem__)


def _methods_of(modules: Mapping[str, Any], classes: Iterable[type]) -> Iterator[_Names]:
    found = {id(each): each for each in classes}
    for name, module in modules.items():
        if name.partition(".")[0] in _WITH_METHODS and forbidden_import(name) is None:
            values = vars(module).values()
            found |= {id(each): each for each in values if isinstance(each, type)}
    for each in found.values():
        if names := [name for name, value in vars(each).items() if isinstance(value, _METHODS)]:
            yield _Names(vars(each), names, _setter(each))


def _setter(owner: type) -> Put:
    # Its metaclass may refuse, or be changed itself.
    return lambda name, value: type.__setattr__(owner, name, value)
