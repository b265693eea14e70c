"""What a runtime tells a trace; ``testing/trace_lines`` reads one."""

from typing import Final, Protocol

from ..types import JsonValue
from .manifest_fields import Manifest

_CODE: Final = ("format", "entry", "files", "models", "packages", "code", "abi")


class Journal(Protocol):
    """Hears what goes into a runtime and what it decided; for development."""

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Keep one line; never raises, never waits."""


class Unheard:
    """A journal that keeps nothing."""

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Do nothing."""


def described_task(manifest: Manifest) -> dict[str, JsonValue]:
    """Return what a ``start`` line says of a task: its manifest without its code."""
    plain = manifest.to_dict()
    return {name: value for name, value in plain.items() if name not in _CODE}
