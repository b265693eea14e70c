"""Takes modules away from a whole interpreter that is to run tasks and nothing else."""

import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType
from typing import Any, Final

from ..pure.forbidden_imports import refusal

# What Python's own library and numpy import: refused to tasks' import statements only.
_SHARED: Final = {"_thread", "gc", "marshal", "threading"}
_GRASPING: Final = {"gc.get_objects", "gc.get_referrers", "gc.get_referents"}


class _Refuser(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        reason = refusal(fullname)
        if reason is None or fullname.partition(".")[0] in _SHARED:
            return None
        raise ImportError(f"{fullname} may not be imported here: {reason}", name=fullname)


def seal_interpreter() -> None:
    """Refuse forbidden modules however they are asked for, and the collector's view of all objects.

    It cannot be undone. Whatever still needs one of them holds it already.
    """
    for name in [name for name in sys.modules if refusal(name) is not None]:
        if name.partition(".")[0] not in _SHARED and not name.startswith("edge_runtime"):
            del sys.modules[name]
    sys.meta_path.insert(0, _Refuser())
    sys.addaudithook(_audit)


def _audit(event: str, _given: tuple[Any, ...]) -> None:
    if event in _GRASPING:
        raise RuntimeError(f"{event} is not to be had where tasks run")
