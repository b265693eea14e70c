"""Serves a site and the runtime as production should: types, caching, compression, policies."""

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Final, Self

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.routing import Mount

from .errors import ToolError
from .serve_files import PrecompressedFiles

Asgi = Callable[..., Any]

BACKLOG: Final = 128
# What developers load by hand. It is no part of a build: a site in production does not have it.
DEVELOPMENT: Final = Path(__file__).parent / "dev"

_REST: Final = (
    "worker-src 'self'; connect-src 'self'; img-src 'self' blob: data:; style-src 'self'; "
    "font-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'self'"
)
POLICIES: Final[dict[str, str | None]] = {
    "strict": f"default-src 'self'; script-src 'self' 'wasm-unsafe-eval'; {_REST}",
    "none-wasm": f"default-src 'self'; script-src 'self'; {_REST}",
    "off": None,
}
# A worker follows the policy of its own script. Tasks' code runs in this one: it needs files of the
# runtime until it is up, and nothing after.
VM_WORKER: Final = re.compile(r"/vm-worker\.[0-9a-f]+\.js$")
VM_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; connect-src 'self'; "
    "frame-ancestors 'none'"
)
ISOLATION: Final = {
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-embedder-policy": "require-corp",
}
ALWAYS: Final = {
    "x-content-type-options": "nosniff",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
}
# What a server of assets says to pages of other origins, isolated ones, too.
SHARED: Final = {
    "access-control-allow-origin": "*",
    "cross-origin-resource-policy": "cross-origin",
}


class Headers:
    """ASGI middleware that adds headers to every response; VMs' script has a policy of its own."""

    def __init__(self, app: Asgi, headers: dict[str, str]) -> None:
        self._app = app
        self._added = _encoded(headers)
        self._added_to_vms = _encoded({**headers, "content-security-policy": VM_POLICY})

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Pass the request on and send its response with the headers."""
        is_vm = VM_WORKER.search(scope.get("path", ""))
        added = self._added_to_vms if is_vm else self._added

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *added]
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


def create_app(
    site: Path,
    runtime: Path,
    *,
    mount: str = "/edge",
    isolated: bool = False,
    csp: str = "strict",
    shared: bool = False,
) -> Starlette:
    """Return the ASGI application.

    Args:
        site: Folder served at ``/``.
        runtime: A built ``web_runtime/dist``, served at ``mount``.
        mount: Path of the runtime; below it, ``dev/`` has what developers load by hand.
        isolated: Make pages cross-origin isolated, which gives them threads.
        csp: ``strict``, ``none-wasm`` (forbids WebAssembly, to test refusals) or ``off``; the
            worker in which tasks' code runs is strict whatever the page is.
        shared: Let pages of other origins use the files.

    Raises:
        ValueError: ``csp`` is none of these.
    """
    if csp not in POLICIES:
        raise ValueError(f"csp: expected one of {', '.join(POLICIES)}, got {csp!r}")
    policy = POLICIES[csp]
    headers = {
        **ALWAYS,
        **(SHARED if shared else {}),
        **(ISOLATION if isolated else {}),
        **({"content-security-policy": policy} if policy else {}),
    }
    routes = [
        Mount(f"{mount}/dev", PrecompressedFiles(DEVELOPMENT)),
        Mount(mount, PrecompressedFiles(runtime, hashed_names=True)),
        Mount("/", PrecompressedFiles(site, html=True)),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Headers, headers=headers)])


class BackgroundServer:
    """Serves an application on a free port of the loopback interface until the block ends."""

    def __init__(self, app: Asgi, *, port: int = 0) -> None:
        # Listening starts here: a request that comes before uvicorn is up waits in the backlog.
        self._socket = socket.create_server(("127.0.0.1", port), backlog=BACKLOG)
        self._server = uvicorn.Server(_config(app))
        self._thread = threading.Thread(
            target=self._server.run, kwargs={"sockets": [self._socket]}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __enter__(self) -> Self:
        """Start serving; ``url`` is the origin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop serving and wait for the end."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()


def run(app: Asgi, *, host: str, port: int, notes: Sequence[str] = ()) -> None:
    """Serve until interrupted, after printing ``notes``.

    Raises:
        ToolError: The port is taken, or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        text = f"{host}, port {port}: expected to listen there, got an error: {error}."
        raise ToolError(f"{text} Choose another port: --port, or make serve PORT=…") from error
    with listener, contextlib.suppress(KeyboardInterrupt):
        for note in notes:
            print(note)  # noqa: T201 - the command's output
        uvicorn.Server(_config(app)).run(sockets=[listener])


def _encoded(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.encode(), value.encode()) for name, value in headers.items()]


def _config(app: Asgi) -> uvicorn.Config:
    return uvicorn.Config(app, log_level="warning", lifespan="off", ws="none")
