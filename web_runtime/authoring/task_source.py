"""A task's Python files as syntax trees; nothing of them is executed."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from ..task_files import PythonError, parse_python
from .task_findings import Finding, Place, place_of

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file.

    Attributes:
        path: As errors show it.
        name: Dotted, as from the task's folder: ``main``, ``models.features``.
        tree: Its syntax tree.
        is_package: It is the ``__init__.py`` of a folder.
    """

    path: Path
    name: str
    tree: ast.Module
    is_package: bool

    def place(self, node: ast.AST) -> Place:
        """Return where a node begins."""
        return place_of(self.path, node)

    @cached_property
    def functions(self) -> list[Function]:
        """Every function, nested ones and methods too."""
        return [node for node in ast.walk(self.tree) if isinstance(node, Function)]

    @cached_property
    def texts(self) -> Mapping[str, ast.expr]:
        """Names at module level and what they are assigned, where that is a text."""
        return {
            target.id: value
            for target, value in assignments(self.tree)
            if text_of(value) is not None
        }


def read_module(folder: Path, path: str, data: bytes) -> Module | Finding:
    """Parse one Python file of a task, ``path`` in it, or say what is wrong with it."""
    relative = PurePosixPath(path).with_suffix("")
    name = ".".join(relative.parts).removesuffix("__init__").removesuffix(".")
    try:
        tree = parse_python(data, path)
    except PythonError as error:
        place = Place(str(folder / path), error.line or 1, error.column or 1)
        return Finding(place, f"syntax: {error}")
    return Module(folder / path, name, tree, relative.name == "__init__")


def assignments(tree: ast.Module) -> Iterator[tuple[ast.Name, ast.expr]]:
    """Yield the names at module level that are assigned, each with its value."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((t, node.value) for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value:
            yield node.target, node.value


def text_of(node: ast.expr | None) -> str | None:
    """Return the text that an expression is, if it can be told without running it."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = text_of(node.left), text_of(node.right)
        return None if left is None or right is None else left + right
    return None


def dotted(node: ast.expr) -> str:
    """Return ``time.sleep`` for that expression, empty for any that is no dotted name."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (base := dotted(node.value)):
        return f"{base}.{node.attr}"
    return ""
