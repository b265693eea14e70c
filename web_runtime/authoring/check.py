"""`web-runtime check`: everything that can be told of a task without running it."""

import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from edge_runtime.config import LIMITS, Config

from ..errors import ToolError
from ..pack import python_files, read_task_toml
from ..task_files import TASK_FILE, path_fault, read_files
from .check_calls import CallCheck, KnownNames
from .check_entry import check_entry
from .check_habits import check_habits
from .check_imports import ImportCheck
from .check_manifest import TaskToml, check_manifest
from .check_sql import SqlCheck
from .site import Site
from .task_findings import Finding, Place
from .task_source import Module, read_module

_TOML_PLACE: Final = re.compile(r"at line (\d+), column (\d+)")


@dataclass(frozen=True)
class CheckReport:
    """What was found, in the order of files and lines."""

    findings: Sequence[Finding]

    @property
    def has_errors(self) -> bool:
        """Say whether the task cannot run as it is."""
        return self.errors > 0

    @property
    def errors(self) -> int:
        """Count the errors; all else are remarks."""
        return sum(finding.is_error for finding in self.findings)

    def summary(self, folder: Path) -> str:
        """Return the last line that is printed."""
        remarks = len(self.findings) - self.errors
        return f"{folder}: {self.errors} error(s), {remarks} remark(s)"

    def to_dict(self) -> dict[str, Any]:
        """Return the plain form."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "errors": self.errors,
            "remarks": len(self.findings) - self.errors,
        }


def check_task(folder: Path, site: Site | None = None) -> CheckReport:
    """Look at the task in ``folder``; no code of it is executed.

    Args:
        folder: What ``web-runtime pack`` takes.
        site: The configuration it is for; None: models and other tasks are not looked up.

    Raises:
        ToolError: There is no task in ``folder``, or it leads out of it.
    """
    if not (folder / TASK_FILE).is_file():
        read_task_toml(folder)
    files = read_files(folder)
    findings = [*_paths(folder, files), *_sizes(folder, files)]
    read = [read_module(folder, path, files[path]) for path in python_files(files)]
    findings += [each for each in read if isinstance(each, Finding)]
    modules = [each for each in read if isinstance(each, Module)]
    findings += _described(folder, files, modules, site)
    return CheckReport(sorted(set(findings)))


def _described(
    folder: Path, files: Mapping[str, bytes], modules: Sequence[Module], site: Site | None
) -> Iterator[Finding]:
    """Yield what is wrong with task.toml, and with the code by what it says."""
    try:
        plain = read_task_toml(folder)
    except ToolError as error:
        place = _TOML_PLACE.search(str(error))
        line, column = (int(place[1]), int(place[2])) if place else (1, 1)
        message = str(error).removeprefix(f"{folder / TASK_FILE}: ")
        yield Finding(Place(str(folder / TASK_FILE), line, column), f"task.toml: {message}")
        plain = {}
    else:
        toml = TaskToml(folder / TASK_FILE)
        named = {path: data for path, data in files.items() if path_fault(path) is None}
        yield from check_manifest(toml, plain, named)
        yield from check_entry(toml, str(plain.get("entry", "main:run")), modules)
        if site is not None:
            yield from _unknown_models(toml, _texts(plain, "models"), site.config)
        yield from _calls(toml, plain, modules, site)
    yield from ImportCheck(modules, _texts(plain, "packages")).findings()
    for module in modules:
        yield from check_habits(module, stateful=plain.get("stateful") is True)


def _calls(
    toml: TaskToml, plain: Mapping[str, Any], modules: Sequence[Module], site: Site | None
) -> Iterator[Finding]:
    models = _texts(plain, "models")
    entry, _, function = str(plain.get("entry", "main:run")).partition(":")
    tasks = None if site is None else site.task_names(str(plain.get("name")))
    with closing(SqlCheck()) as sql:
        calls = CallCheck(modules, KnownNames(models, tasks, (entry, function)), sql)
        yield from calls.findings()
    for model in calls.unused_models:
        text = f"models: expected a ctx.infer of {model!r}, got none. Remove it from the list."
        yield Finding(toml.place("models", model), text, is_error=False)


def _unknown_models(toml: TaskToml, models: Sequence[str], config: Config) -> Iterator[Finding]:
    known = ", ".join(config.models) or "none"
    for model in models:
        if model not in config.models:
            text = f"expected models of the configuration ({known}), got {model!r}."
            advice = "Add it there, or correct the name."
            yield Finding(toml.place("models", model), f"models: {text} {advice}")


def _paths(folder: Path, files: Mapping[str, bytes]) -> Iterator[Finding]:
    for path in files:
        if (fault := path_fault(path)) is not None:
            yield Finding(Place(str(folder / path)), f"path: {fault}")


def _sizes(folder: Path, files: Mapping[str, bytes]) -> Iterator[Finding]:
    at = Place(str(folder))
    size_bytes = sum(map(len, files.values()))
    # A bundle is compressed another way; none makes a tenth of what this one makes.
    packed_bytes = sum(len(zlib.compress(data, 1)) for data in files.values())
    advice = "Leave files out, or serve large ones as models."
    for what, given, limit in (
        ("files", len(files), LIMITS.bundle_files),
        ("bytes unpacked", size_bytes, LIMITS.bundle_unpacked_bytes),
        ("bytes packed, about", packed_bytes, LIMITS.bundle_packed_bytes),
    ):
        if given > limit:
            is_error = "about" not in what
            text = f"size: expected at most {limit:,} {what}, got {given:,}. {advice}"
            yield Finding(at, text, is_error=is_error)


def _texts(plain: Mapping[str, Any], key: str) -> list[str]:
    given = plain.get(key)
    return [each for each in given if isinstance(each, str)] if isinstance(given, list) else []
