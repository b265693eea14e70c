"""Modules that tasks may not import: ways out of the container, and what no page can do."""

from typing import Final

FORBIDDEN: Final = {
    "_ctypes": "it reaches memory",
    "_emscripten_info": "it belongs to the interpreter",
    "_posixsubprocess": "a page has no processes",
    "_pyodide": "it belongs to the interpreter",
    "_pyodide_core": "it belongs to the interpreter",
    "_socket": "use ctx.fetch",
    "_thread": "use asyncio",
    "ctypes": "it reaches memory",
    "gc": "it reaches other tasks",
    "js": "it reaches the browser",
    "marshal": "code comes in bundles",
    "micropip": "list packages in task.toml",
    "multiprocessing": "a page has no processes",
    "pyodide": "it reaches the browser",
    "pyodide_js": "it reaches the browser",
    "socket": "use ctx.fetch",
    "ssl": "use ctx.fetch",
    "subprocess": "a page has no processes",
    "threading": "use asyncio",
}
"""Root names of modules, and why a task may not import them."""

OURS: Final = "edge_runtime"
ALLOWED_OF_OURS: Final = ("task", "tensor", "errors", "types", "testing")


def refusal(name: str) -> str | None:
    """Return why a task may not import the module ``name``; None if it may.

    >>> refusal("ctypes.util")
    'it reaches memory'
    >>> refusal("edge_runtime.task") is refusal("json") is None
    True
    """
    root, _, inner = name.partition(".")
    if root == OURS and inner and inner.partition(".")[0] not in ALLOWED_OF_OURS:
        return f"tasks use {OURS}.task"
    return FORBIDDEN.get(root)
