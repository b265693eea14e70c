"""What every Network must do with requests. ``echo`` is the URL of :mod:`.echo`."""

import asyncio
import json
from typing import Any

from edge_runtime.errors import HostError
from edge_runtime.host.ports import Host
from edge_runtime.types import Response


async def answer(host: Host, url: str, **given: Any) -> Response:
    """Send a GET, or what is given instead."""
    order = {"method": "GET", "headers": {}, "body": None, "max_bytes": 2**20}
    return await host.network.request(url, **{**order, "timeout_ms": 10_000, **given})


async def failure(host: Host, url: str, **given: Any) -> HostError:
    """Return the error of a request that must fail."""
    try:
        await answer(host, url, **given)
    except HostError as error:
        assert error.code == "network-failed", error.code
        assert error.details["url"] == url and "status" in error.details, error.details
        return error
    raise AssertionError(f"{url} was answered")


async def check_method_headers_and_body_arrive(host: Host, echo: str) -> None:
    headers = {"x-shop": "blue, green", "content-type": "text/plain"}
    response = await answer(host, f"{echo}?a=%27b", method="PUT", headers=headers, body=b"\0\xff!")
    heard = response.json()
    assert response.status == 200 and response.headers["content-type"] == "application/json"
    assert (heard["method"], heard["query"]) == ("PUT", "a=%27b"), heard
    assert heard["body"] == [0, 255, 33], heard
    assert heard["headers"]["x-shop"] == "blue, green", heard


async def check_nothing_of_the_user_goes_with_it(host: Host, echo: str) -> None:
    heard = (await answer(host, echo)).json()["headers"]
    assert not {"cookie", "referer", "authorization"} & set(heard), heard


async def check_every_status_is_an_answer(host: Host, echo: str) -> None:
    for status in (404, 500):
        response = await answer(host, f"{echo}?status={status}")
        assert response.status == status and json.loads(response.text())["method"] == "GET"


async def check_a_redirect_is_not_followed(host: Host, echo: str) -> None:
    await failure(host, f"{echo}?status=307")


async def check_an_answer_above_the_limit_is_refused(host: Host, echo: str) -> None:
    body = (await answer(host, echo)).body
    assert str(len(body) - 9) in (await failure(host, echo, max_bytes=len(body) - 9)).message


async def check_an_answer_that_does_not_come_fails_in_time(host: Host, echo: str) -> None:
    await failure(host, f"{echo}?never=1", timeout_ms=50)


async def check_a_cancelled_request_ends(host: Host, echo: str) -> None:
    sending = asyncio.ensure_future(answer(host, f"{echo}?never=2", timeout_ms=500))
    await asyncio.sleep(0)
    sending.cancel()
    done, _ = await asyncio.wait([sending])
    assert done.pop().cancelled()
