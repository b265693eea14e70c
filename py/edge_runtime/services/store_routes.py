"""Moves what is in memory to the route its rule names; the next checkpoint makes that durable."""

from collections.abc import Iterator, Sequence
from typing import Final

from ..config import DataConfig
from ..pure.routing import Asked, route_for
from ..pure.segment import ROUTES, Route
from .store_tables import Tables

_OTHER: Final[dict[Route, Route]] = {"sealed": "plain", "plain": "sealed"}
_KEYS_AT_ONCE: Final = 1_000
_OLDER: Final = """
delete from {route}.keys as mine where exists (
    select 1 from {other}.keys as other
    where other.key = mine.key and (other.updated_ms, '{other}') > (mine.updated_ms, '{route}')
)
"""


def settle_routes(tables: Tables, data: DataConfig) -> int:
    """Put events and keys where the rules want them; return how many were elsewhere."""
    target = tables.events_route
    moved = tables.move_events(_OTHER[target], target) + _drop_older_values(tables)
    for route in ROUTES:
        misplaced = [
            key
            for key, said in _keys(tables, route)
            if route_for(data.keys, key, Asked(said)) != route
        ]
        _move_keys(tables, route, misplaced)
        moved += len(misplaced)
    return moved


def drop_misplaced_plain(tables: Tables, data: DataConfig) -> None:
    """Forget unproven plain rows that the rules want sealed: sealed they would look proven."""
    if tables.events_route == "sealed":
        tables.connection.execute("delete from plain.events")
    for key, said in list(_keys(tables, "plain")):
        if route_for(data.keys, key, Asked(said)) != "plain":
            tables.apply("plain", ["delete", key])


def _drop_older_values(tables: Tables) -> int:
    """Drop values that a put into the other route replaced, where the delete beside it is lost."""
    return sum(
        tables.connection.execute(_OLDER.format(route=route, other=_OTHER[route])).rowcount
        for route in ROUTES
    )


def _move_keys(tables: Tables, route: Route, keys: Sequence[str]) -> None:
    moved, names = _OTHER[route], [(key,) for key in keys]
    tables.connection.executemany(
        f"insert or replace into {moved}.keys select * from {route}.keys where key = ?", names
    )
    tables.connection.executemany(f"delete from {route}.keys where key = ?", names)


def _keys(tables: Tables, route: Route) -> Iterator[tuple[str, int]]:
    after = ""
    while rows := tables.key_rows(route, after, _KEYS_AT_ONCE):
        yield from ((key, said) for key, _, _, said in rows)
        after = rows[-1][0]
