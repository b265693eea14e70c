"""Lines of ``ctx.log``: levels there are, how long one may be, and how many."""

from typing import Final

from ..errors import ConfigError

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
LOG_CHARS: Final = 4_096
LOG_LINES: Final = 1_000
"""How many lines one run may say."""


def checked_level(level: str) -> str:
    """Return ``level`` if it is one.

    Raises:
        ConfigError: ``argument-invalid``.
    """
    if level in LOG_LEVELS:
        return level
    expected = ", ".join(LOG_LEVELS)
    text = f"ctx.log level: expected one of {expected}, got {level!r}."
    raise ConfigError("argument-invalid", text)


def shortened(message: object) -> str:
    """Return the text of ``message``, cut where it is too long."""
    text = str(message)
    return text if len(text) <= LOG_CHARS else text[:LOG_CHARS] + "…"


class Lines:
    """What one run says: :data:`LOG_LINES` lines, one that tells of the rest, and no more."""

    def __init__(self) -> None:
        self._count = 0

    def next(self, message: object, level: str) -> dict[str, str] | None:
        """Return the ``level`` and ``message`` to say; None: nothing."""
        self._count += 1
        if self._count <= LOG_LINES:
            return {"level": level, "message": shortened(message)}
        if self._count == LOG_LINES + 1:
            text = f"expected at most {LOG_LINES} lines of a run, got more: the rest is left out."
            return {"level": "warning", "message": text}
        return None
