"""What an inference worker's line needs to know of a run."""

from typing import Protocol

from ..types import Priority


class Rider(Protocol):
    """A run that asks for an inference worker: it waits there by its class and age."""

    @property
    def priority(self) -> Priority: ...  # noqa: D102 - see the class
    @property
    def since_ms(self) -> float: ...  # noqa: D102 - see the class
    @property
    def number(self) -> int: ...  # noqa: D102 - see the class

    def check(self) -> None:
        """Raise RefusedError ``run-ended`` if the run has ended."""

    def waited_in_lane(self, wait_ms: float) -> None:
        """Take note of waiting, above 0 ms."""
