"""A task's files as code objects, compiled or unmarshalled when first imported.

File names are ``<task name>/<path>``, so tracebacks read like the author's folder.
"""

import linecache
import marshal
from collections.abc import Mapping
from importlib.util import decode_source
from types import CodeType
from typing import Any


class TaskCode:
    """The code of one version of a task.

    Args:
        task_name: First part of every file name.
        files: Content by path: ``.py`` is source, ``.pyc`` a marshalled code object of the Python
            that runs; the rest is not looked at.
    """

    def __init__(self, task_name: str, files: Mapping[str, bytes]) -> None:
        self.task_name = task_name
        self._files = {path: data for path, data in files.items() if path.endswith((".py", ".pyc"))}
        self._compiled: dict[str, CodeType] = {}
        self.filenames = frozenset(self._shown(path) for path in self._files)
        self._lines: dict[str, Any] = {}
        self._prime_lines()

    def path_of(self, module: str) -> str | None:
        """Return the file of a module by its dotted name, or of a folder what would be its file.

        The task's folder itself is the module ``""``. None: there is no such module.
        """
        folder = module.replace(".", "/")
        inner = f"{folder}/" if folder else ""
        names = [f"{folder}.py", f"{folder}.pyc"] if folder else []
        names += [f"{inner}__init__.py", f"{inner}__init__.pyc"]
        for name in names:
            if name in self._files:
                return name
        is_folder = not folder or any(path.startswith(inner) for path in self._files)
        return f"{inner}__init__.py" if is_folder else None

    def shown(self, path: str) -> str:
        """Return the name that tracebacks show for a file."""
        return self._shown(path)

    def compiled(self, path: str) -> CodeType | None:
        """Return the code of a file; None for a folder without one.

        Raises:
            SyntaxError: Of a source file.
        """
        data = self._files.get(path)
        if data is None:
            return None
        if path not in self._compiled:
            self._compiled[path] = self._compile(path, data)
        return self._compiled[path]

    def forget_lines(self) -> None:
        """Drop the source lines."""
        # Another version of the task has files of the same names.
        for filename, lines in self._lines.items():
            if linecache.cache.get(filename) is lines:
                del linecache.cache[filename]

    def _shown(self, path: str) -> str:
        return f"{self.task_name}/{path.removesuffix('c') if path.endswith('.pyc') else path}"

    def _compile(self, path: str, data: bytes) -> CodeType:
        if path.endswith(".pyc"):
            code: CodeType = marshal.loads(data)
            return code
        return compile(decode_source(data), self._shown(path), "exec", dont_inherit=True)

    def _prime_lines(self) -> None:
        """Make source lines available to tracebacks; there is no file to read them from."""
        for path, data in self._files.items():
            if path.endswith(".py"):
                text, filename = data.decode("utf-8", "replace"), self._shown(path)
                lines = (len(text), None, text.splitlines(True), filename)
                self._lines[filename] = linecache.cache[filename] = lines
