"""Compiles a task's files. Runs here, and as text in the very Pyodide that will run them."""

import base64
import json
import marshal

from edge_runtime.pure.abi import abi_here


def compile_json(request: str) -> str:
    """Compile files: JSON in and out, with bytes in base64.

    Args:
        request: ``{"name": task, "sources": {path: bytes}}``.

    Returns:
        ``{"abi": …, "code": {path: marshalled code object}}``, or ``{"error": [path, line or null,
        message]}`` for the first file that does not compile.
    """
    asked = json.loads(request)
    code = {}
    for path, source in sorted(asked["sources"].items()):
        try:
            compiled = compile_file(base64.b64decode(source), f"{asked['name']}/{path}")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return json.dumps({"error": [path, getattr(error, "lineno", None), _said(error)]})
        code[path] = base64.b64encode(compiled).decode()
    return json.dumps({"abi": abi_here().to_dict(), "code": code})


def compile_file(source: bytes, filename: str) -> bytes:
    """Return the marshalled code object of a module; tracebacks will name ``filename``."""
    # Assertions stay: a bundle behaves as its source does.
    return marshal.dumps(compile(source, filename, "exec", dont_inherit=True, optimize=0))


def _said(error: BaseException) -> str:
    return getattr(error, "msg", None) or str(error) or type(error).__name__
