"""What the code of a task cannot import: the guard in a VM refuses it, ``web-runtime check`` too.

It holds for what a task's own files import, not for what the library imports behind them.
"""

from typing import Final

# Dotted names forbid one part of a package; all else forbids what is below it, too.
FORBIDDEN_IMPORTS: Final = frozenset(
    {
        # The browser, and what loads code from elsewhere.
        *("js", "pyodide", "pyodide_js", "_pyodide", "_pyodide_core", "micropip"),
        # Memory as it is, and code that was not checked.
        *("ctypes", "_ctypes", "marshal", "_remote_debugging", "mmap"),
        *("code", "codeop", "importlib", "_imp", "pkgutil", "runpy", "zipimport"),
        *("_frozen_importlib", "_frozen_importlib_external"),
        # Other tasks and the runtime, by way of the interpreter.
        *("builtins", "gc", "inspect", "sys", "_testcapi", "_testinternalcapi", "tracemalloc"),
        *("_interpreters", "_xxsubinterpreters", "concurrent.interpreters"),
        *("_signal", "atexit", "faulthandler", "signal"),
        # Threads, processes and sockets, of which a browser has none.
        *("_multiprocessing", "_posixsubprocess", "multiprocessing", "subprocess"),
        *("_thread", "concurrent.futures", "threading"),
        *("_socket", "_ssl", "select", "selectors", "socket", "socketserver", "ssl"),
        *("http.client", "http.server", "urllib.request", "webbrowser"),
    }
)


OURS: Final = "edge_runtime"
ALLOWED_OF_OURS: Final = ("task", "tensor", "errors", "types", "testing")
"""What of the runtime tasks may import, all of which is in ``edge_runtime.task``, too."""


def forbidden_import(module: str) -> str | None:
    """Return which entry of :data:`FORBIDDEN_IMPORTS` forbids a module; None: it is allowed.

    >>> forbidden_import("urllib.request"), forbidden_import("js.fetch"), forbidden_import("json")
    ('urllib.request', 'js', None)
    """
    parts = module.split(".")
    if parts[0] == OURS and len(parts) > 1 and parts[1] not in ALLOWED_OF_OURS:
        return ".".join(parts[:2])
    names = (".".join(parts[:length]) for length in range(1, len(parts) + 1))
    return next((name for name in names if name in FORBIDDEN_IMPORTS), None)
