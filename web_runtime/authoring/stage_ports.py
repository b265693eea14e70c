"""What stands between a stage's runtime and its host: its bundle, and who hears of its runs."""

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import urljoin

from edge_runtime.host.ports import Network, Page
from edge_runtime.types import JsonValue, Response

BUNDLE: Final = "https://packed.test/task.edge"
"""Where the task's own bundle is."""

OnNotice = Callable[[str, Mapping[str, JsonValue]], None]


class WithBundle:
    """A network on which the task's bundle is, with its wheels beside it."""

    def __init__(self, inner: Network, bundle: bytes, wheels: Mapping[str, bytes]) -> None:
        self._inner = inner
        self._files = {urljoin(BUNDLE, f"packages/{name}"): data for name, data in wheels.items()}
        self._files[BUNDLE] = bundle

    async def fetch(
        self, url: str, *, max_bytes: int, timeout_ms: float, fresh: bool = False
    ) -> bytes:
        """Return the bundle or a wheel, or what the host's network has."""
        if url in self._files:
            return self._files[url]
        return await self._inner.fetch(url, max_bytes=max_bytes, timeout_ms=timeout_ms, fresh=fresh)

    async def request(self, url: str, **given: Any) -> Response:
        """Send what the task sends."""
        return await self._inner.request(url, **given)


class ListeningPage:
    """A page that tells others of its notices."""

    def __init__(self, inner: Page, heard: OnNotice, on_notice: OnNotice | None) -> None:
        self._inner = inner
        self._listeners = [heard, *([on_notice] if on_notice else [])]

    def notify(self, name: str, body: Mapping[str, JsonValue], client: str | None = None) -> None:
        """Tell everybody."""
        self._inner.notify(name, body, client)
        for listener in self._listeners:
            listener(name, body)

    def superseded(self) -> None:
        """Pass it on."""
        self._inner.superseded()

    def replace_worker(self, reason: str) -> None:
        """Pass it on."""
        self._inner.replace_worker(reason)

    def watch_run(self, *told: Any) -> None:
        """Pass it on."""
        self._inner.watch_run(*told)


class RunsHeard:
    """Hears which runs have been asked for, and when all of them have settled."""

    def __init__(self, task_name: str) -> None:
        self._task_name = task_name
        self._pending = 0
        self._changed = asyncio.Event()
        self.started: list[str] = []

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Take in one line of the journal."""
        if kind == "activation":
            self._pending += 1
            if fields["task"] == self._task_name:
                self.started.append(fields["runId"])
        elif kind in ("refusal", "settled"):
            self._pending -= 1
            self._changed.set()

    async def settled(self) -> None:
        """Return when no run is going on or waiting."""
        while self._pending:
            self._changed.clear()
            await self._changed.wait()
