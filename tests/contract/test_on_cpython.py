"""Every contract suite on the fake host and on the native host, in memory and on disk."""

import asyncio
import contextlib
import functools
import http.server
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.errors import HostError
from edge_runtime.host.native import create_native_host
from edge_runtime.host.ports import Host
from edge_runtime.testing.fake_host import FakeHost, create_fake_host
from starlette.applications import Starlette

from web_runtime.serve import BackgroundServer

from . import fixtures as made
from .echo import ROUTE, fake_echo
from .run_in_pyodide import Check, Fixtures, checks, run_all

Act = Callable[..., Awaitable[Any]]
Run = Callable[[Act, tuple[Any, ...]], None]
SITE = "https://contract.test/"
ECHO = f"{SITE}echo"
ALL = list(checks(Fixtures({"x": b""}, {"x": b""}, {"x": b""}, "x")))
MODELS = made.onnx_models()


def fake_host() -> FakeHost:
    host = create_fake_host()
    host.network.files |= {SITE + name: body for name, body in made.bodies().items()}
    host.network.servers[ECHO] = fake_echo
    host.network.delays_ms |= {f"{ECHO}?never={each}": 1e6 for each in (1, 2)}
    made.define_models(host.inference, MODELS)
    return host


def fake_fixtures() -> Fixtures:
    return Fixtures(fake_host().network.files, MODELS, made.ppm_pictures(), ECHO)


async def moving(host: FakeHost, act: Awaitable[Any]) -> None:
    """Await ``act`` while the clock moves on whenever somebody sleeps."""
    acting = asyncio.ensure_future(act)
    while not acting.done():
        await host.clock.advance(10)
    await acting


class QuietFiles(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, str]]:
    """Serve the bodies over http; gives their folder and URL."""
    folder = tmp_path_factory.mktemp("site")
    made.write_all(folder)
    handler = functools.partial(QuietFiles, directory=str(folder / "files"))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield folder / "files", f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def echo() -> Iterator[str]:
    """Serve the echo; gives its URL."""
    with BackgroundServer(Starlette(routes=[ROUTE])) as server:
        yield f"{server.url}/echo"


def argument_of(check: Check, fixtures: Fixtures) -> tuple[Any, ...]:
    """Return the arguments for ``check`` from ``fixtures`` by its suite's name."""
    suite = check[0].partition(".")[0]
    known: dict[str, Any] = {
        "network_suite": fixtures.files,
        "request_suite": fixtures.echo,
        "inference_suite": fixtures.models,
        "tensor_suite": fixtures.models,
        "images_suite": fixtures.pictures,
    }
    return (known[suite],) if suite in known else ()


@pytest.mark.parametrize("check", ALL, ids=[each[0] for each in ALL])
def test_the_fake_host_keeps_the_contract(check: Check) -> None:
    async def run() -> None:
        host = fake_host()
        await moving(host, check[1](host, *argument_of(check, fake_fixtures())))

    asyncio.run(run())


@pytest.mark.parametrize("kept", ["in memory", "on disk"])
@pytest.mark.parametrize("check", ALL, ids=[each[0] for each in ALL])
def test_the_native_host_keeps_the_contract(
    check: Check, kept: str, tmp_path: Path, site: tuple[Path, str], echo: str
) -> None:
    folder, url = site
    base = url if kept == "in memory" else f"{folder.as_uri()}/"
    files = {base + name: body for name, body in made.bodies().items()}
    fixtures = Fixtures(files, MODELS, made.png_pictures(), echo)

    async def run() -> None:
        host = create_native_host(tmp_path if kept == "on disk" else None, root=folder)
        await check[1](host, *argument_of(check, fixtures))

    asyncio.run(run())


def test_a_failing_check_is_reported_with_its_reason() -> None:
    async def run() -> list[dict[str, Any]]:
        host = create_fake_host()
        host.storage.open_error = HostError("storage-failed", "private mode")
        with contextlib.suppress(asyncio.CancelledError):
            running = asyncio.ensure_future(run_all(host))
            await moving(host, running)
        return running.result()

    outcomes = {outcome["name"]: outcome for outcome in asyncio.run(run())}
    failed = outcomes["storage_suite.stores_are_apart"]
    assert not failed["ok"] and "private mode" in failed["error"]
    assert outcomes["crypto_suite.random_bytes_differ"]["ok"]


def test_keys_and_notes_of_a_directory_outlive_their_host(tmp_path: Path) -> None:
    async def seal(host: Host) -> tuple[bytes, bytes]:
        await host.crypto.open_root("k", create=True)
        wrapped = await host.crypto.create_key("d", "k", b"place")
        await host.crypto.write_note("n", b"noted")
        return wrapped, await host.crypto.seal("d", b"secret", b"place")

    async def unseal(host: Host, wrapped: bytes, sealed: bytes) -> tuple[bytes, bytes | None]:
        assert await host.crypto.open_root("k", create=False)
        await host.crypto.load_key("d", "k", wrapped, b"place")
        return await host.crypto.unseal("d", sealed, b"place"), await host.crypto.read_note("n")

    kept = asyncio.run(seal(create_native_host(tmp_path)))
    found = asyncio.run(unseal(create_native_host(tmp_path), *kept))
    assert found == (b"secret", b"noted")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["k.key", "n.note"]
    assert all(path.stat().st_mode & 0o077 == 0 for path in tmp_path.iterdir())
    asyncio.run(create_native_host(tmp_path).crypto.erase())
    assert list(tmp_path.iterdir()) == []


def test_a_foreign_file_in_a_keys_place_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "k.key").write_bytes(b"short")

    with pytest.raises(HostError, match="no key") as failed:
        asyncio.run(create_native_host(tmp_path).crypto.open_root("k", create=True))

    assert failed.value.code == "storage-failed"
    assert (tmp_path / "k.key").read_bytes() == b"short"


def test_paths_outside_the_root_are_not_read(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("s")
    (tmp_path / "root").mkdir()
    host = create_native_host(root=tmp_path / "root")

    for url in ("../secret", "/../secret", "%2e%2e/secret", (tmp_path / "secret").as_uri()):
        with pytest.raises(HostError, match="below"):
            asyncio.run(host.network.fetch(url, max_bytes=10, timeout_ms=1_000))
