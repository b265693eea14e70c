"""Looks at task.toml: every wrong key, each with its line."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from edge_runtime import schema
from edge_runtime.errors import ConfigError, EdgeError
from edge_runtime.pure.manifest import Package, from_task_toml

from ..errors import ToolError
from ..packages import requirement_of, shipped_versions
from .task_findings import Finding, Place

_HEADER: Final = re.compile(r"^\s*\[+\s*([^\]]+?)\s*\]+")
# The required keys, in the order in which the schema misses them.
_EXAMPLES: Final[Mapping[str, Any]] = {
    "name": "Task",
    "version": "1.0.0",
    "system_code": "site",
    "business_code": "task",
}


class TaskToml:
    """The text of a task.toml, to find keys in."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lines = path.read_text(encoding="utf-8-sig").splitlines()

    def place(self, key: str, value: object = None) -> Place:
        """Return where a key stands, or a text of its list; the first line if it does not.

        Args:
            key: ``models``, or ``fallback.task`` for a key of a table.
            value: One of the texts of its list.
        """
        names = key.split(".")
        number = self._line_of(names) or self._line_of(names[:1])
        if number is None:
            return Place(str(self.path))
        if isinstance(value, str):
            for later, line in enumerate(self._lines[number - 1 :], number):
                found = line.find(f'"{value}"') + 1 or line.find(f"'{value}'") + 1
                if found:
                    return Place(str(self.path), later, found)
        line = self._lines[number - 1]
        return Place(str(self.path), number, len(line) - len(line.lstrip()) + 1)

    def _line_of(self, names: list[str]) -> int | None:
        *tables, last = names
        inside = ""
        key = re.compile(
            rf"""^\s*(?:{re.escape(last)}|"{re.escape(last)}"|'{re.escape(last)}')\b"""
        )
        dotted = re.compile(rf"^\s*{re.escape('.'.join(names))}\s*=")
        for number, line in enumerate(self._lines, 1):
            header = _HEADER.match(line)
            if header:
                inside = header[1]
                if inside == ".".join(names):
                    return number
            elif inside == ".".join(tables) and key.match(line) or dotted.match(line):
                return number
        return None


def check_manifest(
    toml: TaskToml, plain: Mapping[str, Any], files: Mapping[str, bytes]
) -> list[Finding]:
    """Return an error for each wrong key, and for files that no bundle may hold."""
    findings, left = [], dict(plain)
    # One error at a time is told; what is wrong is replaced by what is right, to hear the next.
    while (error := _first_error(left)) is not None:
        path = str(error.details["path"])
        findings.append(_finding(toml, error, path))
        key = re.split(r"[.\[]", path, maxsplit=1)[0] or next(k for k in _EXAMPLES if k not in left)
        left.pop(key, None)
        left |= {key: _EXAMPLES[key]} if key in _EXAMPLES else {}
    if not findings:
        findings += _check_whole(toml, plain, files)
    return findings


def _first_error(plain: Mapping[str, Any]) -> ConfigError | None:
    try:
        schema.check("task", dict(plain), subject="task.toml")
    except ConfigError as error:
        return error
    return None


def _check_whole(
    toml: TaskToml, plain: Mapping[str, Any], files: Mapping[str, bytes]
) -> list[Finding]:
    try:
        manifest = from_task_toml(dict(plain), files)
    except EdgeError as error:
        return [_finding(toml, error, str(error.details.get("path", "")))]
    return list(_packages(toml, plain, manifest.packages))


def _packages(
    toml: TaskToml, plain: Mapping[str, Any], packages: Sequence[Package]
) -> Iterator[Finding]:
    shipped = shipped_versions()
    for written, package in zip(plain.get("packages", ()), packages, strict=True):
        try:
            requirement_of(package, shipped)
        except ToolError as error:
            yield Finding(toml.place("packages", written), str(error))


def _finding(toml: TaskToml, error: EdgeError, path: str) -> Finding:
    key = path.partition("[")[0]
    value = error.details.get("value") if "[" in path else None
    return Finding(toml.place(key, value), error.message)
