"""Serves one model file as badly as a test wants it, and counts what it sends."""

import asyncio
import gzip
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request

PART_BYTES = 16 * 1024


@dataclass
class Fault:
    """What happens to one request: it sends ``after_bytes`` and is cut.

    Attributes:
        is_held: Not before ``let_go``.
        is_told: The body ends as if it were whole.
    """

    after_bytes: int = 0
    is_held: bool = False
    is_told: bool = False
    status: int | None = None
    let_go: threading.Event = field(default_factory=threading.Event)


@dataclass
class Sent:
    """One request and how much of the body was put on its way."""

    range: str | None
    if_range: str | None
    body_bytes: int = 0


class ModelServer:
    """An ASGI application.

    Attributes:
        faults: Of the next requests, in order.
        ranges: Whether it knows parts.
        is_gzipped: Whether it compresses what is asked for whole.
        tells_length: Otherwise the body ends where it ends.
    """

    def __init__(self, data: bytes, etag: str = '"1"') -> None:
        self.data = data
        self.etag = etag
        self.faults: list[Fault] = []
        self.sent: list[Sent] = []
        self.ranges = True
        self.is_gzipped = False
        self.tells_length = True
        self._held: list[Fault] = []

    @property
    def body_bytes(self) -> int:
        """All that was put on its way."""
        return sum(each.body_bytes for each in self.sent)

    def let_go(self) -> None:
        """Cut what is held."""
        for fault in self._held:
            fault.let_go.set()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        request = Request(scope)
        asked = Sent(request.headers.get("range"), request.headers.get("if-range"))
        self.sent.append(asked)
        fault = self.faults.pop(0) if self.faults else None
        if fault and fault.is_held:
            self._held.append(fault)
        if fault and fault.status:
            await _start(send, fault.status, {"content-length": "0"})
            await send({"type": "http.response.body"})
            return
        body, status, headers = self._response(asked)
        await _start(send, status, headers)
        stop = fault.after_bytes if fault else len(body)
        async for part in _parts(body[:stop]):
            await send({"type": "http.response.body", "body": part, "more_body": True})
            asked.body_bytes += len(part)
        if fault and fault.is_held:
            await asyncio.to_thread(fault.let_go.wait)
        if not fault or fault.is_told:
            await send({"type": "http.response.body"})

    def _response(self, asked: Sent) -> tuple[bytes, int, dict[str, str]]:
        headers = {"etag": self.etag, "access-control-allow-origin": "*"}
        is_same = asked.if_range in (None, self.etag)
        if asked.range and self.ranges and is_same:
            first = int(asked.range.removeprefix("bytes=").removesuffix("-"))
            size = len(self.data)
            headers["content-range"] = f"bytes {first}-{size - 1}/{size}"
            return self.data[first:], 206, {**headers, "content-length": str(size - first)}
        body = gzip.compress(self.data, mtime=0) if self.is_gzipped else self.data
        if self.is_gzipped:
            headers["content-encoding"] = "gzip"
        if self.tells_length:
            headers["content-length"] = str(len(body))
        return body, 200, headers


async def _start(send: Any, status: int, headers: dict[str, str]) -> None:
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": status, "headers": raw})


async def _parts(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PART_BYTES):
        yield body[start : start + PART_BYTES]


def ranges(sent: Sequence[Sent]) -> list[str | None]:
    """Return what was asked for, request by request."""
    return [each.range for each in sent]
