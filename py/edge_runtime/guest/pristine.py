"""Python's library as it was before any task ran, to be put back before the next one does."""

import sys
from types import ModuleType
from typing import Any, Final

# What changes by itself, and is no task's doing.
_LIVE: Final = ("edge_", "__main__", "linecache", "signal")


class Pristine:
    """Functions and classes of every module loaded so far, and of builtins.

    A task that replaces or removes one of them would change it for the tasks behind it. Data is
    left alone: modules keep caches of their own in it.
    """

    def __init__(self) -> None:
        self._kept: list[tuple[dict[str, Any], dict[str, Any]]] = [
            (vars(module), {name: each for name, each in vars(module).items() if callable(each)})
            for name, module in sorted(sys.modules.items())
            if isinstance(module, ModuleType) and not name.startswith(_LIVE)
        ]

    def restore(self) -> int:
        """Put back what was changed; returns how many names were."""
        count = 0
        for live, kept in self._kept:
            for name, each in kept.items():
                if live.get(name) is not each:
                    live[name] = each
                    count += 1
        return count
