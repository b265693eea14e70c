"""Turns a task's Python files into bytecode, by the interpreter that will run it."""

import base64
import json
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge_runtime.pure.abi import Abi

from . import bytecode
from .errors import ToolError

SCRIPT: Final = Path(__file__).parent / "build" / "compile.mjs"
TIMEOUT_S: Final = 300


class Compiled(NamedTuple):
    """Marshalled code objects by the path of their source, and what they are for."""

    abi: Abi
    code: Mapping[str, bytes]


Compiler = Callable[[str, Mapping[str, bytes]], Compiled]
"""Compiles the files of a task: its name, and source text by path.

Raises :class:`NotPython`, or ToolError where there is nothing to compile with.
"""


class NotPython(Exception):
    """A file does not compile."""

    def __init__(self, path: str, line: int | None, message: str) -> None:
        super().__init__(message)
        self.path, self.line = path, line


def here(name: str, sources: Mapping[str, bytes]) -> Compiled:
    """Compile for this CPython: what a native host runs."""
    return _answered(bytecode.compile_json(_asked(name, sources)))


def pyodide_of(runtime: Path) -> Compiler:
    """Return the compiler for a built runtime: its Pyodide, in Node.

    Args:
        runtime: The folder that ``web-runtime build`` made.
    """

    def compiled(name: str, sources: Mapping[str, bytes]) -> Compiled:
        if not (runtime / "manifest.json").is_file():
            raise ToolError(
                f"{runtime}: expected a built runtime, got none. Run `web-runtime build`, name one "
                "with --runtime (the npm package edge-web-runtime has it in web_runtime/dist), or "
                "pack source text with --source."
            )
        return _answered(_run(runtime, _asked(name, sources)))

    return compiled


def _run(runtime: Path, request: str) -> str:
    command = ["node", str(SCRIPT), str(runtime), bytecode.__file__]
    try:
        done = subprocess.run(
            command, input=request, capture_output=True, text=True, timeout=TIMEOUT_S, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise ToolError(f"pack: expected node to compile, got an error: {error}.") from error
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if re.match(r"\w*Error\b", line)]
        said = lines[0] if lines else f"exit code {done.returncode}: {done.stderr[-400:]}"
        advice = f"Build {runtime} again: `web-runtime build`."
        raise ToolError(f"pack: expected the runtime's Python to compile, got {said}. {advice}")
    return done.stdout


def _asked(name: str, sources: Mapping[str, bytes]) -> str:
    texts = {path: base64.b64encode(data).decode() for path, data in sources.items()}
    return json.dumps({"name": name, "sources": texts})


def _answered(text: str) -> Compiled:
    answer: dict[str, Any] = json.loads(text)
    if "error" in answer:
        raise NotPython(*answer["error"])
    code = {path: base64.b64decode(data) for path, data in answer["code"].items()}
    return Compiled(Abi(**answer["abi"]), code)
