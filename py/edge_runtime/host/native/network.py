"""Downloads over http, and files below one folder."""

import asyncio
import urllib.error
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from ...errors import HostError
from ...types import Response


class _EveryStatus(urllib.request.HTTPErrorProcessor):
    """Takes any status for an answer but a redirect, which is not followed."""

    def http_response(self, request: Any, response: Any) -> Any:
        if response.status in (301, 302, 303, 307, 308):
            response.close()
            raise OSError(f"a redirect to {response.headers.get('location')}")
        return response

    https_response = http_response


_ALONE: Final = urllib.request.build_opener(_EveryStatus)


class FileNetwork:
    """Implements ``Network``.

    Args:
        root: The folder that paths and ``file:`` URLs may be under; None allows http alone.
    """

    def __init__(self, root: Path | None) -> None:
        self._root = root.resolve() if root is not None else None

    async def fetch(
        self, url: str, *, max_bytes: int, timeout_ms: float, fresh: bool = False
    ) -> bytes:
        """Return the body at ``url``, read in a thread; there is no cache."""
        read = self._read_http if urlsplit(url).scheme in ("http", "https") else self._read_file
        reading = asyncio.to_thread(read, url, max_bytes, timeout_ms / 1000)
        try:
            body = await asyncio.wait_for(reading, timeout_ms / 1000)
        except TimeoutError as error:
            raise _failed(url, None, f"an answer within {timeout_ms:g} ms", "none") from error
        if len(body) > max_bytes:
            raise _failed(url, 200, f"at most {max_bytes} bytes", "more")
        return body

    async def request(
        self,
        url: str,
        *,
        method: str,
        headers: Mapping[str, str],
        body: bytes | None,
        max_bytes: int,
        timeout_ms: float,
    ) -> Response:
        """Send a request in a thread, which a cancelled caller leaves to its own timeout."""
        if urlsplit(url).scheme not in ("http", "https"):
            raise _failed(url, None, "an http URL", "another")
        request = urllib.request.Request(url, body, dict(headers), method=method)
        sending = asyncio.to_thread(self._answer, request, max_bytes, timeout_ms / 1000)
        try:
            response = await asyncio.wait_for(sending, timeout_ms / 1000)
        except TimeoutError as error:
            raise _failed(url, None, f"an answer within {timeout_ms:g} ms", "none") from error
        if len(response.body) > max_bytes:
            raise _failed(url, response.status, f"at most {max_bytes} bytes", "more")
        return response

    def _answer(
        self, request: urllib.request.Request, max_bytes: int, timeout_s: float
    ) -> Response:
        url = request.full_url
        try:
            with _ALONE.open(request, timeout=timeout_s) as answer:
                headers = {name.lower(): value for name, value in answer.headers.items()}
                return Response(answer.status, headers, answer.read(max_bytes + 1))
        except (OSError, ValueError, HTTPException) as error:
            raise _failed(url, None, "an answer", str(error)) from error

    def _read_http(self, url: str, max_bytes: int, timeout_s: float) -> bytes:
        try:
            with urllib.request.urlopen(url, timeout=timeout_s) as response:
                body: bytes = response.read(max_bytes + 1)
                return body
        except urllib.error.HTTPError as error:
            error.close()
            raise _failed(url, error.code, "status 200", str(error.code)) from error
        except (OSError, ValueError) as error:
            raise _failed(url, None, "an answer", str(error)) from error

    def _read_file(self, url: str, max_bytes: int, _timeout_s: float) -> bytes:
        if self._root is None:
            raise _failed(url, None, "an http URL", "a path without a root folder")
        path = unquote(urlsplit(url).path)
        # A file: URL is absolute; a bare path, "/" first or not, is the site's own.
        inner = path if urlsplit(url).scheme == "file" else path.lstrip("/")
        resolved = (self._root / inner).resolve()
        if not resolved.is_relative_to(self._root):
            raise _failed(url, None, f"a path below {self._root}", path)
        try:
            with resolved.open("rb") as file:
                return file.read(max_bytes + 1)
        except OSError as error:
            raise _failed(url, 404, "a file", str(error)) from error


def _failed(url: str, status: int | None, expected: str, got: str) -> HostError:
    return HostError(
        "network-failed",
        f"{url}: expected {expected}, got {got}. Check the URL and the connection.",
        {"url": url, "status": status},
    )
