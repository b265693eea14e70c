"""Values by key: durable first, visible then, each in the route that its caller and rules want."""

import json
from collections.abc import Mapping, Sequence

from ..config import KeyRule
from ..host.ports import Clock
from ..pure.backlog import Commit, Entry
from ..pure.key_operations import check_key, delete_text, put_text
from ..pure.routing import asked, route_for
from ..pure.segment import Route
from ..types import JsonValue
from .store_commit import GroupCommit
from .store_tables import Tables


class Values:
    """Reads and writes values."""

    def __init__(
        self, clock: Clock, tables: Tables, commits: GroupCommit, rules: Sequence[KeyRule]
    ) -> None:
        self._clock = clock
        self._tables = tables
        self._commits = commits
        self._rules = rules
        self._latest_ms: float | None = None

    def get(self, key: str) -> JsonValue:
        """Return the value last put, None for an unknown key."""
        text = self._tables.get(check_key(key))
        return None if text is None else json.loads(text)

    async def put(self, key: str, value: JsonValue, encrypted: bool | None) -> None:
        """Keep ``value``; see :meth:`Store.put`."""
        said = asked(encrypted)
        route = route_for(self._rules, check_key(key), said)
        text = put_text(key, value, updated_ms=self._later_ms(), said=said)
        others = self._routes_of(key) - {route}
        await self._commit(key, {route: text, **dict.fromkeys(others, delete_text(key))})

    async def delete(self, key: str) -> None:
        """Forget ``key``; see :meth:`Store.delete`."""
        text = delete_text(key)
        # The name of a sealed key must not appear in the plain route: only where it is.
        await self._commit(key, dict.fromkeys(self._routes_of(key) or {"sealed"}, text))

    def apply(self, commit: Commit) -> None:
        """Make visible what has become durable."""
        for route, text in commit.keys:
            self._tables.apply(route, json.loads(text))

    def _later_ms(self) -> float:
        """Return the time, but none before an earlier put's: the latest put is never the oldest."""
        before_ms = self._latest_ms or self._tables.latest_put_ms()
        self._latest_ms = max(self._clock.now_ms(), before_ms)
        return self._latest_ms

    def _routes_of(self, key: str) -> set[Route]:
        """Return where ``key`` is, or will be once what waits is durable."""
        return self._commits.routes_of(key) | {*self._tables.routes_of(key)}

    async def _commit(self, key: str, texts: Mapping[Route, str]) -> None:
        await self._commits.commit_now(Entry(texts, key=key))
