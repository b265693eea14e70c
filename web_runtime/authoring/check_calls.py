"""Looks at what a task asks of ``ctx``: models, SQL, other tasks, where that is text."""

import ast
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from .check_sql import SqlCheck
from .task_findings import Finding
from .task_source import Function, Module, text_of

# What is looked at, by the name of the argument.
_KEYWORDS: Final = {"infer": "model", "release": "model", "query": "sql", "call": "task_name"}


@dataclass(frozen=True)
class KnownNames:
    """What the calls of a task are held against.

    Attributes:
        models: Those of its task.toml.
        tasks: Those of the site; None: not all of them are known.
        entry: Module and function that are run; its first parameter is a ``ctx``.
    """

    models: Sequence[str]
    tasks: Collection[str] | None
    entry: tuple[str, str]


class CallCheck:
    """Looks at the calls of ``ctx`` in one task's files."""

    def __init__(self, modules: Sequence[Module], known: KnownNames, sql: SqlCheck) -> None:
        self._modules = {module.name: module for module in modules}
        self._known = known
        self._sql = sql
        self._used: set[str] = set()
        self._is_each_told = True

    def findings(self) -> Iterator[Finding]:
        """Yield what is wrong with each call."""
        for module in self._modules.values():
            contexts = self._contexts(module)
            for node in ast.walk(module.tree):
                if isinstance(node, ast.Call) and _method_of(node, contexts):
                    yield from self._call(module, node, _method_of(node, contexts))

    @property
    def unused_models(self) -> list[str]:
        """Models of task.toml that no call names; none where a call's name is not told."""
        if not self._is_each_told:
            return []
        return [model for model in self._known.models if model not in self._used]

    def _call(self, module: Module, call: ast.Call, method: str) -> Iterator[Finding]:
        argument = _argument(call, 0, _KEYWORDS[method])
        literal = self._resolved(module, argument)
        text = text_of(literal)
        if literal is None or text is None:
            self._is_each_told = self._is_each_told and method != "infer"
        elif method == "query":
            yield from self._query(module, call, literal, text)
        elif method == "call":
            yield from self._task(module, argument, text)
        else:
            yield from self._model(module, argument, method, text)

    def _model(
        self, module: Module, node: ast.expr | None, method: str, name: str
    ) -> Iterator[Finding]:
        self._used.add(name)
        if name not in self._known.models and node is not None:
            listed = ", ".join(self._known.models) or "none"
            text = f"expected one of the task's models ({listed}), got {name!r}."
            advice = "Add it to models in task.toml, or correct the name."
            yield Finding(module.place(node), f"ctx.{method}: {text} {advice}")

    def _task(self, module: Module, node: ast.expr | None, name: str) -> Iterator[Finding]:
        tasks = self._known.tasks
        if tasks is not None and name not in tasks and node is not None:
            listed = ", ".join(sorted(tasks)) or "none"
            text = f"expected a task of the configuration's bundles ({listed}), got {name!r}."
            advice = "Add its bundle, or correct the name."
            yield Finding(module.place(node), f"ctx.call: {text} {advice}")

    def _query(
        self, module: Module, call: ast.Call, literal: ast.expr, sql: str
    ) -> Iterator[Finding]:
        refused = self._sql.refusal(sql, _parameter_names(_argument(call, 1, "params"), call))
        if refused is not None:
            # A statement of another file is shown where it is used.
            own = any(node is literal for node in ast.walk(module.tree))
            yield Finding(module.place(literal if own else call), f"ctx.query: {refused}")

    def _resolved(self, module: Module, node: ast.expr | None) -> ast.expr | None:
        """Return the text that a name of this file, or one imported from a sibling, stands for."""
        if not isinstance(node, ast.Name):
            return node
        if node.id in module.texts:
            return module.texts[node.id]
        package = module.name if module.is_package else module.name.rpartition(".")[0]
        for statement in module.tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.level == 1 and statement.module:
                names = {alias.asname or alias.name: alias.name for alias in statement.names}
                other = self._modules.get(f"{package}.{statement.module}".lstrip("."))
                if other is not None and node.id in names:
                    return other.texts.get(names[node.id])
        return None

    def _contexts(self, module: Module) -> frozenset[str]:
        names = {"ctx"}
        for function in module.functions:
            names |= {each.arg for each in _parameters(function) if _is_context(each.annotation)}
            if (module.name, function.name) == self._known.entry:
                names |= {each.arg for each in _parameters(function)[:1]}
        return frozenset(names)


def _method_of(call: ast.Call, names: Collection[str]) -> str:
    """Return which of the methods that are looked at is called of one of ``names``, or empty."""
    function = call.func
    is_ours = (
        isinstance(function, ast.Attribute)
        and isinstance(function.value, ast.Name)
        and function.value.id in names
        and function.attr in _KEYWORDS
    )
    return function.attr if is_ours and isinstance(function, ast.Attribute) else ""


def _parameters(function: Function) -> list[ast.arg]:
    return [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]


def _is_context(annotation: ast.expr | None) -> bool:
    text = "" if annotation is None else ast.unparse(annotation).strip("'\"")
    return text.rpartition(".")[2] == "Context"


def _argument(call: ast.Call, index: int, keyword: str) -> ast.expr | None:
    if index < len(call.args):
        return None if isinstance(call.args[index], ast.Starred) else call.args[index]
    return next((each.value for each in call.keywords if each.arg == keyword), None)


def _parameter_names(node: ast.expr | None, call: ast.Call) -> frozenset[str] | None:
    """Return the names of a statement's parameters; None: the code does not say."""
    if node is None:
        is_told = not any(each.arg is None for each in call.keywords)
        is_told = is_told and not any(isinstance(each, ast.Starred) for each in call.args)
        return frozenset() if is_told else None
    if isinstance(node, ast.Constant) and node.value is None:
        return frozenset()
    if not isinstance(node, ast.Dict):
        return None
    names = [None if key is None else text_of(key) for key in node.keys]
    return None if None in names else frozenset(name for name in names if name is not None)
