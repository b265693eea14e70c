"""Tells records of schema 1, which the next start of a page reads and replaces."""

from typing import Final

from edge_runtime.pure.segment import Route

_MAGIC: Final[dict[Route, bytes]] = {"sealed": b"EDS1", "plain": b"EDP1"}


def is_old(route: Route, record: bytes) -> bool:
    """Say whether schema 1 made this record."""
    return record.startswith(_MAGIC[route])
