"""A loaded task: its bundle, and how its runs ended."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final

from ..config import LIMITS
from ..guest.room import Brief, Tenant
from ..pure.manifest import Manifest, OpenedBundle
from ..pure.resources import resource_of
from ..pure.statistics import TaskStatistics

_numbers: Final = itertools.count(1)


@dataclass(eq=False, slots=True)
class LoadedTask:
    """One version of a task that can run.

    Attributes:
        bundle: What it is made of.
        url: Where that came from; its packages lie beside it.
        number: Names it in VMs.
        tenant: Its code in the core's own interpreter, where tasks run there.
        runs: Runs started.
        failures: Those that raised or took too long.
        strikes: VMs that had to be ended because of it.
        struck: Told of each strike.
    """

    bundle: OpenedBundle
    url: str = ""
    number: int = field(default_factory=_numbers.__next__)
    tenant: Tenant | None = None
    runs: int = 0
    failures: int = 0
    strikes: int = 0
    struck: Callable[["LoadedTask"], None] = lambda _: None

    @property
    def manifest(self) -> Manifest:
        """Return the bundle's manifest."""
        return self.bundle.manifest

    def brief(self) -> Brief:
        """Return what a room must know of it."""
        manifest = self.manifest
        return Brief(
            manifest.name,
            manifest.entry,
            manifest.stateful,
            manifest.timeout_ms,
            manifest.memory_mb,
            min(manifest.output_bytes, LIMITS.result_bytes),
        )

    def resource(self, path: str) -> bytes:
        """Return a file of its folder, as :func:`resource_of`."""
        return resource_of(self.bundle.files, path)

    def strike(self) -> None:
        """Count a VM that had to be ended because of it."""
        self.strikes += 1
        self.struck(self)

    def failed(self) -> None:
        """Count a run that raised or took too long."""
        self.failures += 1

    def statistics(self) -> TaskStatistics:
        """Return version and counts."""
        return TaskStatistics(
            version=self.manifest.version,
            runs=self.runs,
            failures=self.failures,
            strikes=self.strikes,
        )


def plain_brief(brief: Brief) -> dict[str, Any]:
    """Return a brief as the keywords that make it again."""
    return {name: getattr(brief, name) for name in Brief.__slots__}
