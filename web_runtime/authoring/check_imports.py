"""Looks at what a task imports: what the guest refuses, what is not there, what is not listed."""

import ast
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from edge_runtime.pure.forbidden_imports import forbidden_import

from ..build.stdlib import NOT_NEEDED
from .task_findings import Finding
from .task_source import Module

PROMISED: Final = "edge_runtime.task"
"""The one module of the runtime that tasks import."""

# Of CPython's library: what Pyodide leaves out, and what CPython 3.12 to 3.14 removed.
_NOT_IN_PYODIDE: Final = frozenset(
    "curses dbm grp msvcrt nt pwd readline resource syslog winreg winsound "
    "aifc asynchat asyncore audioop cgi cgitb chunk crypt distutils imghdr imp mailcap msilib nis "
    "nntplib ossaudiodev pipes smtpd sndhdr spwd sunau telnetlib uu xdrlib".split()
)
_NOT_SERVED: Final = NOT_NEEDED | _NOT_IN_PYODIDE
_LATER: Final = frozenset({"annotationlib", "compression"})
_LIBRARY: Final = (sys.stdlib_module_names | _LATER) - _NOT_SERVED


@dataclass(frozen=True)
class _Import:
    module: Module
    node: ast.Import | ast.ImportFrom
    name: str

    def finding(self, text: str, *, is_error: bool = True) -> Finding:
        return Finding(
            self.module.place(self.node), f"import of {self.name}: {text}", is_error=is_error
        )


class ImportCheck:
    """Looks at the imports of one task.

    Args:
        modules: Its files.
        packages: What task.toml lists under ``packages``, with versions or without.
    """

    def __init__(self, modules: Sequence[Module], packages: Sequence[str]) -> None:
        self._modules = modules
        self._own = {module.name for module in modules}
        self._packages = {_import_name(package) for package in packages}
        self._imports = [each for module in modules for each in _absolute_imports(module)]
        # A package need not be called as what it holds: pillow is imported as PIL.
        self._unmatched = self._packages - {each.name.split(".")[0] for each in self._imports}

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with each import."""
        for each in self._imports:
            finding = self._of(each)
            if finding is not None:
                yield finding
        for module in self._modules:
            yield from self._relative(module)

    def _of(self, each: _Import) -> Finding | None:
        top = each.name.split(".")[0]
        if (entry := forbidden_import(each.name)) is not None:
            advice = "What a task may do besides computing is in ctx."
            return each.finding(f"expected a module open to tasks, got {entry}. {advice}")
        if top == "edge_runtime":
            return _of_runtime(each)
        if top in _NOT_SERVED:
            expected = "expected a module of the library that pages are served"
            return each.finding(f"{expected}, got {top}, which is left out of it. Do without.")
        if top in _LIBRARY or top in self._packages:
            return None
        if top in {name.split(".")[0] for name in self._own}:
            advice = f"Write `from . import {top}` or `from .{top} import …`."
            return each.finding(f"expected a relative import of the task's own file. {advice}")
        return self._unlisted(each, top)

    def _unlisted(self, each: _Import, top: str) -> Finding:
        listed = ", ".join(sorted(self._packages)) or "none"
        text = f"expected Python's library or one of packages ({listed}), got {top}."
        if self._unmatched:
            maybe = ", ".join(sorted(self._unmatched))
            return each.finding(f"{text} Make sure that {maybe} holds it.", is_error=False)
        return each.finding(f'{text} Add the package that holds it to task.toml: packages = ["…"].')

    def _relative(self, module: Module) -> Iterator[Finding]:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ImportFrom) and node.level:
                finding = self._relative_import(module, node)
                if finding is not None:
                    yield finding

    def _relative_import(self, module: Module, node: ast.ImportFrom) -> Finding | None:
        parts = module.name.split(".") if module.name else []
        keep = len(parts) + module.is_package - node.level
        shown = "." * node.level + (node.module or "")
        if keep < 0:
            text = "expected a file of the task, got one above its folder. Move it into the folder."
            return Finding(module.place(node), f"import of {shown}: {text}")
        target = ".".join([*parts[:keep], *(node.module or "").split(".")]).strip(".")
        if not target or any(f"{name}.".startswith(f"{target}.") for name in self._own):
            return None
        known = ", ".join(sorted(filter(None, self._own)))
        text = f"expected a file of the task ({known}), got {target}. Add it or correct the name."
        return Finding(module.place(node), f"import of {shown}: {text}")


def _of_runtime(each: _Import) -> Finding | None:
    if each.name == PROMISED or each.name.startswith(f"{PROMISED}."):
        return None
    advice = "All else may change with any version, or is not there in a page."
    text = f"expected {PROMISED}, got another part of the runtime. {advice}"
    return each.finding(text, is_error=False)


def _absolute_imports(module: Module) -> Iterator[_Import]:
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            yield from (_Import(module, node, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module:
            yield from _imported_from(module, node, node.module)


def _imported_from(module: Module, node: ast.ImportFrom, name: str) -> Iterator[_Import]:
    """Yield the module, or those of its parts that are modules a task must not import."""
    parts = [f"{name}.{alias.name}" for alias in node.names]
    hidden = [part for part in parts if forbidden_import(part) and not forbidden_import(name)]
    if name == "edge_runtime":
        hidden = parts
    yield from (_Import(module, node, part) for part in hidden or [name])


def _import_name(package: str) -> str:
    return re.sub(r"[-.]", "_", package.partition("==")[0]).lower()
