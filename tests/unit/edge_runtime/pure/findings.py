"""What does not hold, kept until the world looks: a task would swallow it as one more failure."""

from collections.abc import Callable


class Broken(AssertionError):
    """An invariant does not hold."""


class Findings:
    """Collects what audits find.

    Args:
        now_ms: Tells virtual time.
        stop: Ends it: what follows from a defect may go on for ever.
    """

    def __init__(
        self, now_ms: Callable[[], float], stop: Callable[[], None] = lambda: None
    ) -> None:
        self._now_ms = now_ms
        self._stop = stop
        self._found: list[str] = []

    def add(self, what: str) -> None:
        """Keep what does not hold."""
        self._found.append(f"virtual time {self._now_ms():g} ms: {what}")
        self._stop()

    def check(self, holds: bool, what: str) -> None:
        """Keep ``what`` should hold, if it does not."""
        if not holds:
            self.add(f"expected this to hold: {what}")

    def raise_first(self) -> None:
        """Raise :class:`Broken` with what was found first, if anything was."""
        if self._found:
            raise Broken(self._found[0])
