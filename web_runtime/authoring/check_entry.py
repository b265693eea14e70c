"""Looks at the function that is run: there, async, of two parameters."""

import ast
from collections.abc import Iterator, Sequence

from .check_manifest import TaskToml
from .task_findings import Finding
from .task_source import Function, Module


def check_entry(toml: TaskToml, entry: str, modules: Sequence[Module]) -> Iterator[Finding]:
    """Yield what keeps ``module:function`` from being run; a missing file is the manifest's."""
    name, _, function = entry.partition(":")
    module = next((module for module in modules if module.name == name), None)
    if module is None:
        return
    expected = f"entry {entry}: expected async def {function}(ctx, activation)"
    found = entry_function(module, function)
    if found is None:
        if not _is_bound(module, function):
            at, advice = toml.place("entry"), "Add it, or correct entry in task.toml."
            yield Finding(at, f"{expected}, got no {function} in {module.path.name}. {advice}")
        return
    at = module.place(found)
    if not isinstance(found, ast.AsyncFunctionDef):
        yield Finding(at, f"{expected}, got a plain def. Write async def.")
    elif not _takes_two(found.args):
        got = ast.unparse(found.args)
        yield Finding(at, f"{expected}, got ({got}). Give it these two parameters.")


def entry_function(module: Module, name: str) -> Function | None:
    """Return the function that the module defines under a name, the last one; None: none."""
    found = [n for n in module.tree.body if isinstance(n, Function) and n.name == name]
    return found[-1] if found else None


def _takes_two(arguments: ast.arguments) -> bool:
    positional = len(arguments.posonlyargs) + len(arguments.args)
    required = positional - len(arguments.defaults)
    needs_names = any(default is None for default in arguments.kw_defaults)
    return not needs_names and required <= 2 and (positional >= 2 or bool(arguments.vararg))


def _is_bound(module: Module, name: str) -> bool:
    """Say whether the module gets the name from elsewhere: what it is then cannot be told here."""
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            if any((alias.asname or alias.name) in (name, "*") for alias in node.names):
                return True
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.id == name:
            return True
    return False
