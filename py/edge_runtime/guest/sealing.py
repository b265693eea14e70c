"""Takes modules away from a whole interpreter that is to run tasks and nothing else."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

# Not all that tasks' import statements are refused: the library itself needs some of that.
SEALED: Final = frozenset(
    {
        *("js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core", "micropip"),
        *("ctypes", "_ctypes", "_remote_debugging", "_testcapi", "_testinternalcapi"),
    }
)
_GRASPING: Final = {"gc.get_objects", "gc.get_referrers", "gc.get_referents"}


class _Refuser(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not _is_sealed(fullname):
            return None
        raise ImportError(f"{fullname} is not to be had where tasks run", name=fullname)


def seal_interpreter() -> None:
    """Refuse forbidden modules however they are asked for, and the collector's view of all objects.

    It cannot be undone. Whatever still needs one of them holds it already.
    """
    for name in [name for name in sys.modules if _is_sealed(name)]:
        del sys.modules[name]
    sys.meta_path.insert(0, _Refuser())
    sys.addaudithook(_audit)


def _is_sealed(module: str) -> bool:
    return module.partition(".")[0] in SEALED


def _audit(event: str, _given: tuple[Any, ...]) -> None:
    if event in _GRASPING:
        raise RuntimeError(f"{event} is not to be had where tasks run")
