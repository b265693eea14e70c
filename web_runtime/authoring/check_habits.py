"""Looks for what runs, but not as its author may think: code that blocks, state that is lost."""

import ast
from collections.abc import Iterator
from typing import Final

from .task_findings import Finding
from .task_source import Module, assignments, dotted

_BLOCKING: Final = {
    "time.sleep": "Write await asyncio.sleep(…).",
    "input": "There is nobody to ask.",
    "asyncio.run": "The task's function is awaited already: await what you pass it.",
    "os.system": "There is no other program.",
}
_MUTATORS: Final = frozenset(
    "add append appendleft clear extend insert pop popitem popleft remove discard setdefault "
    "update sort reverse".split()
)
_ENDS: Final = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Break, ast.Return, ast.Raise, ast.Yield)


def check_habits(module: Module, *, stateful: bool) -> Iterator[Finding]:
    """Yield remarks about one file; ``stateful`` as task.toml says."""
    yield from _blocking(module)
    yield from _endless(module)
    if not stateful:
        yield from _state(module)


def _blocking(module: Module) -> Iterator[Finding]:
    names = _imported_names(module.tree)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Call) and (called := dotted(node.func)):
            first, _, rest = called.partition(".")
            full = ".".join(filter(None, (names.get(first, first), rest)))
            if full in _BLOCKING:
                text = f"expected code that awaits, got a call that blocks. {_BLOCKING[full]}"
                yield Finding(module.place(node), f"{full}: {text}", is_error=False)


def _endless(module: Module) -> Iterator[Finding]:
    for node in ast.walk(module.tree):
        is_endless = (
            isinstance(node, ast.While)
            and isinstance(node.test, ast.Constant)
            and bool(node.test.value)
        )
        if is_endless and not any(isinstance(inner, _ENDS) for inner in _own_nodes(node)):
            text = "expected an await or an end in it, got neither: the run ends at its deadline."
            advice = "Add a condition, or await asyncio.sleep(0)."
            yield Finding(module.place(node), f"while True: {text} {advice}", is_error=False)


def _state(module: Module) -> Iterator[Finding]:
    """Yield where functions change what the module holds: each run begins with a fresh one."""
    held = {target.id for target, _ in assignments(module.tree)}
    told: set[str] = set()
    for function in module.functions:
        local = _local_names(function)
        for node in _own_nodes(function):
            name = _changed(node)
            if name in held - local - told:
                told.add(name)
                text = "expected no state between runs, got a change of what the module holds."
                advice = (
                    "Each run begins afresh: use ctx.put, or say stateful = true in task.toml, "
                    "which keeps it until the VM ends."
                )
                yield Finding(module.place(node), f"{name}: {text} {advice}", is_error=False)


def _changed(node: ast.AST) -> str:
    """Return the name that a node changes, or what it holds; empty: none."""
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return dotted(node.func.value) if node.func.attr in _MUTATORS else ""
    if isinstance(node, ast.Global):
        return node.names[0]
    if isinstance(node, ast.Subscript | ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return dotted(node.value)
    if isinstance(node, ast.AugAssign):
        return dotted(node.target)
    return ""


def _local_names(function: ast.FunctionDef | ast.AsyncFunctionDef) -> set[str]:
    arguments = function.args
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    every += [each for each in (arguments.vararg, arguments.kwarg) if each is not None]
    stored = {
        node.id
        for node in ast.walk(function)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    }
    shared = {
        name for node in ast.walk(function) if isinstance(node, ast.Global) for name in node.names
    }
    return {each.arg for each in every} | (stored - shared)


def _own_nodes(top: ast.AST) -> Iterator[ast.AST]:
    """Yield what is inside ``top``, without the insides of functions in it."""
    for node in ast.iter_child_nodes(top):
        yield node
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield from _own_nodes(node)


def _imported_names(tree: ast.Module) -> dict[str, str]:
    """Return what each imported name stands for: ``{"sleep": "time.sleep"}``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {a.asname: a.name for a in node.names if a.asname}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names |= {a.asname or a.name: f"{node.module}.{a.name}" for a in node.names}
    return names
