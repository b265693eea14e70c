"""Static files with precompressed variants, caching by hashed names, and byte ranges."""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from starlette.datastructures import Headers
from starlette.responses import FileResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
    ".wasm": "application/wasm",
    ".onnx": "application/octet-stream",
    ".edge": "application/octet-stream",
    ".bin": "application/octet-stream",
    ".whl": "application/zip",
    ".zip": "application/zip",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}
ENCODINGS: Final = {"br": ".br", "zstd": ".zst", "gzip": ".gz"}

# A name or folder of a build that carries eight hex digits never changes what it holds.
_HASHED: Final = re.compile(r"(?:^|/)[^/]*[.-][0-9a-f]{8}(?:[./]|$)")
IMMUTABLE: Final = "public, max-age=31536000, immutable"
REVALIDATE: Final = "no-cache"


class PrecompressedFiles(StaticFiles):
    """Serves the smallest of ``name.br``, ``name.zst``, ``name.gz`` that the client accepts.

    Args:
        directory: The folder.
        html: Answer a folder's path with its ``index.html``.
        hashed_names: Names may carry a digest; elsewhere eight digits may be a date.
    """

    def __init__(self, directory: Path, *, html: bool = False, hashed_names: bool = False) -> None:
        super().__init__(directory=directory, html=html)
        self._hashed_names = hashed_names

    def file_response(
        self,
        full_path: str | os.PathLike[str],
        stat_result: os.stat_result,
        scope: Scope,
        status_code: int = 200,
    ) -> Response:
        """Answer with the best variant; a range is always of the plain file."""
        request = Headers(scope=scope)
        path = os.fspath(full_path)
        is_hashed = self._hashed_names and _HASHED.search(scope["path"])
        headers = {
            "cache-control": IMMUTABLE if is_hashed else REVALIDATE,
            "vary": "accept-encoding",
        }
        encoding = None if "range" in request else _encoding(path, request)
        if encoding:
            path += ENCODINGS[encoding]
            stat_result = os.stat(path)
            headers["content-encoding"] = encoding
        media_type = TYPES.get(os.path.splitext(os.fspath(full_path))[1])
        response = FileResponse(
            path, status_code, headers, media_type=media_type, stat_result=stat_result
        )
        return self._unless_known(response, request)

    def _unless_known(self, response: FileResponse, request: Headers) -> Response:
        if self.is_not_modified(response.headers, request):
            kept: Mapping[str, Any] = {
                name: value
                for name, value in response.headers.items()
                if name in {"etag", "cache-control", "vary", "last-modified"}
            }
            return Response(status_code=304, headers=kept)
        return response


def _encoding(path: str, request: Headers) -> str | None:
    accepted = _accepted(request.get("accept-encoding", ""))
    sizes = {
        encoding: os.path.getsize(path + suffix)
        for encoding, suffix in ENCODINGS.items()
        if encoding in accepted and os.path.isfile(path + suffix)
    }
    return min(sizes, key=sizes.__getitem__, default=None)


def _accepted(header: str) -> set[str]:
    """Return the encodings a header allows; ``q=0`` forbids one."""
    allowed = set()
    for part in header.split(","):
        name, _, parameters = part.strip().partition(";")
        if not re.fullmatch(r"\s*q=0(\.0*)?\s*", parameters):
            allowed.add(name.strip())
    return allowed
