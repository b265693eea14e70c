"""The requests of one run: checked, a few at once, and none after its end."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from ..errors import ConfigError, RefusedError
from ..host.ports import Clock, Network
from ..pure.egress import RECEIVED_BYTES, Request, checked_request
from ..types import Response

AT_ONCE: Final = 8


class Fetches:
    """Sends what a task's ``egress`` allows, until the run's deadline.

    Args:
        network: Sends.
        clock: Tells how much time is left.
        egress: Prefixes of URLs.
        deadline_ms: Unix time of the run's end.
    """

    def __init__(
        self, network: Network, clock: Clock, egress: Sequence[str], deadline_ms: float
    ) -> None:
        self._network, self._clock = network, clock
        self._egress, self._deadline_ms = egress, deadline_ms
        self._places = asyncio.Semaphore(AT_ONCE)
        self._running: set[asyncio.Task[Response]] = set()
        self._has_ended = False

    async def send(
        self,
        url: str,
        method: str,
        headers: Mapping[str, str] | None,
        body: bytes | str | None,
        timeout_ms: float | None,
    ) -> Response:
        """Send one request; see :meth:`edge_runtime.task.Context.fetch`."""
        request = checked_request(self._egress, url, method, headers, body)
        until_ms = self._until_ms(timeout_ms)
        async with self._places:
            if self._has_ended:
                raise RefusedError("run-ended", "ctx.fetch: expected a run, got its end. Await it.")
            sending = asyncio.ensure_future(self._request(request, until_ms))
            self._running.add(sending)
            try:
                return await sending
            finally:
                self._running.discard(sending)

    def end(self) -> None:
        """Break off what is still on its way; what waits for a place is not sent."""
        self._has_ended = True
        for sending in self._running:
            sending.cancel()

    async def _request(self, request: Request, until_ms: float) -> Response:
        return await self._network.request(
            request.url,
            method=request.method,
            headers=request.headers,
            body=request.body,
            max_bytes=RECEIVED_BYTES,
            timeout_ms=max(1.0, until_ms - self._clock.now_ms()),
        )

    def _until_ms(self, timeout_ms: float | None) -> float:
        if timeout_ms is None:
            return self._deadline_ms
        if not isinstance(timeout_ms, (int, float)) or not timeout_ms > 0:
            raise ConfigError(
                "argument-invalid",
                f"ctx.fetch timeout_ms: expected milliseconds above 0, got {timeout_ms!r}. "
                "Correct the call.",
            )
        return min(self._deadline_ms, self._clock.now_ms() + timeout_ms)
