"""Small files that only their owner can read, each written whole or not at all."""

import contextlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

from ...errors import HostError


class SecretFiles:
    """Bytes by name; what is written is durable when the call returns.

    Args:
        directory: Their folder; None keeps the bytes in this object.
        suffix: End of every file's name.
    """

    def __init__(self, directory: Path | None, suffix: str) -> None:
        self._directory = directory
        self._suffix = suffix
        self._kept: dict[str, bytes] = {}

    def get(self, name: str) -> bytes | None:
        """Return the bytes; None if there are none."""
        if self._directory is None:
            return self._kept.get(name)
        with _converted(name), contextlib.suppress(FileNotFoundError):
            return self._path(self._directory, name).read_bytes()
        return None

    def add(self, name: str, data: bytes) -> bytes:
        """Write ``data`` unless there is something; return what is there then."""
        if self._directory is None:
            return self._kept.setdefault(name, data)
        path = self._path(self._directory, name)
        with _converted(name):
            # Linking fails if the file exists: of two processes, both end with the first one's.
            with _written(self._directory, data) as new, contextlib.suppress(FileExistsError):
                os.link(new, path)
            _sync(self._directory)
            return path.read_bytes()

    def put(self, name: str, data: bytes) -> None:
        """Write ``data``, replacing what is there."""
        if self._directory is None:
            self._kept[name] = data
            return
        with _converted(name), _written(self._directory, data) as new:
            new.replace(self._path(self._directory, name))
            _sync(self._directory)

    def delete(self, name: str) -> None:
        """Remove the bytes; a missing name is no error."""
        self._kept.pop(name, None)
        if self._directory is not None:
            with _converted(name):
                self._path(self._directory, name).unlink(missing_ok=True)
                _sync(self._directory)

    def clear(self) -> None:
        """Remove all there are."""
        self._kept.clear()
        if self._directory is not None:
            with _converted("*"):
                for path in self._directory.glob(f"*{self._suffix}"):
                    path.unlink(missing_ok=True)
                _sync(self._directory)

    def _path(self, directory: Path, name: str) -> Path:
        return directory / f"{quote(name, safe='')}{self._suffix}"


@contextlib.contextmanager
def _written(directory: Path, data: bytes) -> Iterator[Path]:
    descriptor, name = tempfile.mkstemp(dir=directory)
    path = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        yield path
    finally:
        path.unlink(missing_ok=True)


def _sync(directory: Path) -> None:
    """Make the folder's entries as durable as the files."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _converted(name: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        text = f"file of {name}: expected the disk to keep it, got {error}."
        raise HostError("storage-failed", text) from error
