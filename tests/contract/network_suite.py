"""What every Network must do. ``files`` are bodies by URL that the host under test can reach."""

from collections.abc import Mapping

from edge_runtime.errors import HostError
from edge_runtime.host.ports import Host

Files = Mapping[str, bytes]


async def failure(host: Host, url: str, max_bytes: int = 2**20) -> HostError:
    """Return the error of a fetch that must fail."""
    try:
        await host.network.fetch(url, max_bytes=max_bytes, timeout_ms=10_000)
    except HostError as error:
        assert error.code == "network-failed", error.code
        assert error.details["url"] == url and "status" in error.details, error.details
        return error
    raise AssertionError(f"{url} was fetched")


async def check_bodies_arrive_unchanged(host: Host, files: Files) -> None:
    for url, body in files.items():
        for fresh in (False, True):
            got = await host.network.fetch(url, max_bytes=len(body), timeout_ms=10_000, fresh=fresh)
            assert got == body


async def check_a_body_above_the_limit_is_refused(host: Host, files: Files) -> None:
    url, body = next(item for item in files.items() if item[1])
    assert str(len(body) - 1) in (await failure(host, url, len(body) - 1)).message


async def check_a_missing_file_is_status_404(host: Host, files: Files) -> None:
    url = next(iter(files)) + ".missing"
    assert (await failure(host, url)).details["status"] == 404
