"""The configuration a task is for, with what lies beside it."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from edge_runtime.config import Config, parse_config

from ..replay import read_json, tasks_beside


@dataclass(frozen=True)
class Site:
    """A site's configuration.

    Attributes:
        path: Its file; the URLs in it are relative to it.
        plain: As it is written.
    """

    path: Path
    plain: Mapping[str, Any]

    @cached_property
    def config(self) -> Config:
        """The same, parsed.

        Raises:
            ConfigError: ``config-invalid``.
        """
        return parse_config(dict(self.plain))

    def task_names(self, own: str) -> frozenset[str] | None:
        """Return the names of its tasks and of ``own``; None: a bundle does not lie beside it.

        Raises:
            ToolError: A bundle that no runtime would open.
        """
        tasks = list(tasks_beside(self.path, self.config))
        if len(tasks) < len(self.config.bundles):
            return None
        return frozenset({own, *(str(task["name"]) for task in tasks)})


def read_site(path: Path) -> Site:
    """Read a configuration.

    Raises:
        ToolError: It cannot be read, or is no JSON.
        ConfigError: ``config-invalid``.
    """
    plain = read_json(path)
    parse_config(plain)
    assert isinstance(plain, dict)
    return Site(path, plain)
