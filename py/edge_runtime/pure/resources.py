"""Files of a task's folder, as its code asks for them."""

from collections.abc import Mapping

from ..errors import ConfigError


def resource_of(files: Mapping[str, bytes], path: str) -> bytes:
    """Return a file.

    Raises:
        ConfigError: ``argument-invalid``: there is none at ``path``.
    """
    data = files.get(path)
    if data is None:
        known = ", ".join(sorted(files))
        raise ConfigError(
            "argument-invalid",
            f"resource: expected one of the task's files ({known}), got {path!r}.",
            {"path": path},
        )
    return data
