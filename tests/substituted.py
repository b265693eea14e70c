"""Another value under a name of a module or a class, for a while."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def substituted(owner: Any, name: str, value: object) -> Iterator[None]:
    """Have another value under a name of a module or a class inside the block."""
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
