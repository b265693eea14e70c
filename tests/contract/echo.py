"""A server that answers with what it was sent: ``status`` with another, ``never`` not at all."""

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from edge_runtime.pure.egress import Request as Sent
from edge_runtime.types import Response as Answer
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"]


def said(method: str, query: str, headers: Mapping[str, str], body: bytes) -> tuple[int, Any, str]:
    """Return status, headers and text of the answer."""
    status = int(parse_qs(query).get("status", ["200"])[0])
    heard = {"method": method, "query": query, "headers": dict(headers), "body": list(body)}
    moved = {"location": "/echo"} if 300 <= status < 400 else {}
    return status, {"content-type": "application/json", **moved}, json.dumps(heard)


async def _echo(request: Request) -> Response:
    body = await request.body()
    while "never" in request.query_params:
        if (await request.receive())["type"] == "http.disconnect":
            break
    status, headers, text = said(request.method, request.url.query, request.headers, body)
    return Response(text, status, headers)


ROUTE = Route("/echo", _echo, methods=METHODS)


def fake_echo(request: Sent) -> Answer:
    """Answer a request of the fake host."""
    query = urlsplit(request.url).query
    status, headers, text = said(request.method, query, request.headers, request.body or b"")
    return Answer(status, headers, text.encode())
