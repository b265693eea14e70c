"""Lines of ``ctx.log``: levels there are, and how long one may be."""

from typing import Final

from ..errors import ConfigError

LOG_LEVELS: Final = ("debug", "info", "warning", "error")
LOG_CHARS: Final = 4_096


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
