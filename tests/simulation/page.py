"""What pages know: events not confirmed yet, calls not answered, what must not be lost."""

import asyncio
import json
import random
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any

from edge_runtime.errors import EdgeError
from edge_runtime.pure.requests import InferRequest
from edge_runtime.runtime import Runtime
from edge_runtime.services.store import Mode

from tests.unit.edge_runtime.pure.findings import Broken

from .site import Step, random_request, random_row, random_step, request

Action = Callable[[], object]


class Page:
    """All tabs of a device; nobody hears a worker that is not the one that lives.

    Attributes:
        unconfirmed: Rows by event id that are sent again to the next worker.
        open_calls: Calls that have no answer yet.
    """

    def __init__(self, choose: random.Random) -> None:
        self._choose = choose
        self._events = self._calls = 0
        self._durable: set[str] = set()
        self._runtime: Any = None
        self.unconfirmed: dict[str, list[Any]] = {}

    def begin(self, runtime: Runtime) -> set[str]:
        """Turn to another worker; return the ids of the events that it has.

        Raises:
            Broken: A confirmed event is lost.
        """
        self._runtime = runtime
        self._purged = 0
        self.open_calls: set[int] = set()
        return self._stored_ids(purged=0)

    def lose(self) -> None:
        """Hear no more of the worker."""
        self._runtime = None

    def look(self, purged: int) -> None:
        """Look whether all confirmed events are there but ``purged``, which a full disk has cost.

        Raises:
            Broken: More than these are lost.
        """
        if purged > self._purged:
            self._stored_ids(purged - self._purged)
            self._purged = purged

    def rows(self, count: int, step: Step | None, now_ms: float) -> list[list[Any]]:
        """Return new events, all of ``step`` or each of any."""
        first, self._events = self._events + 1, self._events + count
        rows = [
            random_row(self._choose, number, now_ms, step or random_step(self._choose))
            for number in range(first, self._events + 1)
        ]
        self.unconfirmed.update({row[0]: row for row in rows})
        return rows

    def track(self, rows: Iterable[list[Any]], *, is_again: bool = False) -> Action:
        """Return what sends events; ``is_again``: a worker that was lost had them."""
        ids = [row[0] for row in rows]
        confirm = partial(self._confirm, self._runtime, ids)
        return partial(self._runtime.track, json.dumps(rows), "tab", confirm, is_again=is_again)

    def call(self, task: str | None, does: dict[str, Any], **more: Any) -> Action:
        """Return what calls a task whose run does as it is told; None: any task, which does any."""
        self._calls += 1
        self.open_calls.add(self._calls)
        asked = random_request(self._choose, self._calls)
        if task is not None:
            asked = request(self._calls, task, does, **more)
        return partial(self._call, self._runtime, asked, self.open_calls)

    def cancel(self) -> Action:
        """Return what gives up a call, or one that was answered long ago."""
        calls = sorted(self.open_calls) or [1]
        return partial(self._runtime.cancel, self._choose.choice(calls))

    def _confirm(self, runtime: Runtime, ids: Iterable[str]) -> None:
        if runtime is not self._runtime:
            return
        for event_id in ids:
            self.unconfirmed.pop(event_id, None)
        if runtime.data.mode is Mode.DURABLE:
            self._durable.update(ids)

    def _call(self, runtime: Runtime, asked: InferRequest, calls: set[int]) -> None:
        answering = self._answered(runtime, asked, calls)
        self._answering = asyncio.get_running_loop().create_task(answering)

    async def _answered(self, runtime: Runtime, asked: InferRequest, calls: set[int]) -> None:
        try:
            await runtime.infer(asked)
        except EdgeError:
            pass
        calls.discard(asked.call_id)

    def _stored_ids(self, purged: int) -> set[str]:
        stored_ids = {row["id"] for row in self._runtime.data.query("select id from events")}
        lost = self._durable - stored_ids
        if len(lost) > purged:
            raise Broken(f"{len(lost)} confirmed events are lost, such as {min(lost)}")
        self._durable -= lost
        return stored_ids
