"""Takes modules away from a whole interpreter that is to run tasks and nothing else.

Frames lead to what the runtime holds: this makes harm by name and by mistake impossible, and by
intent laborious. What contains a VM is the realm around it.
"""

import os
import sys
import zipimport
from collections.abc import Callable, Sequence
from importlib import _bootstrap_external
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import FrameType, FunctionType, ModuleType
from typing import Any, Final

from ..pure.forbidden_imports import ALLOWED_OF_OURS, OURS
from .code import TaskCode

# Not all that tasks' import statements are refused: the library itself needs some of that.
SEALED: Final = frozenset(
    {
        *("js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core", "micropip"),
        *("ctypes", "_ctypes", "_remote_debugging", "_testcapi", "_testinternalcapi"),
    }
)
_REFUSED: Final = frozenset(
    {
        *("gc.get_objects", "gc.get_referrers", "gc.get_referents", "sys._current_frames"),
        # What hears of all code that runs, that of other tasks as well.
        *("sys.addaudithook", "sys.settrace", "sys.setprofile", "sys.remote_exec"),
        "sys.monitoring.register_callback",
        # Bytecode that no compiler made can take the whole process of a page with it.
        "code.__new__",
    }
)
_LOADERS: Final = (
    TaskCode._compile,
    vars(_bootstrap_external)["_compile_bytecode"],
    vars(zipimport)["_unmarshal_code"],
)
_OPEN: Final = {OURS, *(f"{OURS}.{name}" for name in ALLOWED_OF_OURS)}


class _Refuser(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not _is_sealed(fullname):
            return None
        raise ImportError(f"{fullname} is not to be had where tasks run", name=fullname)


def seal_interpreter(folder: str) -> None:
    """Refuse forbidden modules however they are asked for, and what would outlive a task.

    It cannot be undone. Whatever still needs one of the modules holds it already.

    Args:
        folder: The current one from now on. No module is found there, nor in the one before.
    """
    # Modules by JavaScript's names come from a finder of Pyodide's.
    sys.meta_path[:] = [each for each in sys.meta_path if not _is_sealed(type(each).__module__)]
    sys.meta_path.insert(0, _Refuser())
    sys.path[:] = [each for each in sys.path if each not in ("", os.getcwd())]
    os.chdir(folder)
    modules = [each for each in sys.modules.values() if isinstance(each, ModuleType)]
    known = frozenset(id(vars(each)) for each in modules)
    for name in [name for name in sys.modules if _is_sealed(name) or _is_internal(name)]:
        module, parent = sys.modules.pop(name), sys.modules.get(name.rpartition(".")[0])
        if parent is not None and vars(parent).get(name.rpartition(".")[2]) is module:
            delattr(parent, name.rpartition(".")[2])
    _add_hook(known)


def _is_sealed(module: str) -> bool:
    return module.partition(".")[0] in SEALED


def _is_internal(module: str) -> bool:
    return module.startswith(f"{OURS}.") and module not in _OPEN


def _add_hook(known: frozenset[int]) -> None:
    """Refuse what no name guards; ``known`` are the ids of the dicts of all modules."""

    # It looks up nothing but its own parameters: whoever gets at its frame changes nothing.
    def refuse(
        event: str,
        given: tuple[Any, ...],
        refused: frozenset[str] = _REFUSED,
        known: frozenset[int] = known,
        kind: type = FunctionType,
        is_a: Callable[..., bool] = isinstance,
        id_of: Callable[..., int] = id,
        loaders: frozenset[int] = frozenset(id(each.__code__) for each in _LOADERS),
        frame_of: Callable[[int], FrameType] = sys._getframe,
    ) -> None:
        if event == "object.__setattr__":
            # A function of the library with other code would go on as that for every task.
            if not is_a(given[0], kind) or id_of(given[0].__globals__) not in known:
                return
        elif event == "marshal.loads":
            if id_of(frame_of(1).f_code) in loaders:
                return
        elif event not in refused and not event.startswith("ctypes."):
            return
        raise RuntimeError(f"{event} is not to be had where tasks run")

    sys.addaudithook(refuse)
