"""The requests of a run: where they may go, how long, how many at once, and that they end."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from edge_runtime.errors import ConfigError, HostError
from edge_runtime.pure.egress import RECEIVED_BYTES, Request
from edge_runtime.services.container_fetch import AT_ONCE, Fetches
from edge_runtime.testing.fake_host import create_fake_host
from edge_runtime.types import Response

API = "https://api.test/"


class Stage:
    """A run with 1,000 ms left, on the fake host."""

    def __init__(self) -> None:
        self.host = create_fake_host()
        self.network, self.clock = self.host.network, self.host.clock
        deadline_ms = self.clock.now_ms() + 1_000
        self.fetches = Fetches(self.network, self.clock, (API,), deadline_ms)

    def send(self, url: str, **given: Any) -> "asyncio.Task[Response]":
        order = {"method": "GET", "headers": None, "body": None, "timeout_ms": None, **given}
        return asyncio.ensure_future(self.fetches.send(url, **order))


def on_stage(test: Callable[[Stage], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def play() -> None:
            await test(Stage())

        asyncio.run(play())

    run.__name__ = test.__name__
    return run


@on_stage
async def test_the_request_that_was_checked_is_sent(stage: Stage) -> None:
    heard: list[Request] = []

    def serve(request: Request) -> Response:
        heard.append(request)
        return Response(201, {"a": "b"}, b'{"c": 1}')

    stage.network.servers[API] = serve
    response = await stage.send(
        "https://API.test:443/x", method="POST", headers={"X-A": "1"}, body="é"
    )

    assert heard == [Request(f"{API}x", "POST", {"x-a": "1"}, "é".encode())]
    assert (response.status, response.json(), response.text()) == (201, {"c": 1}, '{"c": 1}')


@on_stage
async def test_nothing_is_sent_to_where_the_task_may_not_go(stage: Stage) -> None:
    with pytest.raises(ConfigError, match=r"egress \(https://api\.test/\)"):
        await stage.send("https://other.test/")

    assert stage.network.sent == []


@pytest.mark.parametrize(("timeout_ms", "ends_ms"), [(None, 1_000), (200, 200), (5_000, 1_000)])
def test_a_request_ends_with_its_time_and_with_the_runs(
    timeout_ms: float | None, ends_ms: float
) -> None:
    @on_stage
    async def play(stage: Stage) -> None:
        stage.network.delays_ms[API] = 60_000
        sending = stage.send(API, timeout_ms=timeout_ms)
        await stage.clock.advance(ends_ms - 1)
        assert not sending.done()
        await stage.clock.advance(1)
        with pytest.raises(HostError, match="expected an answer"):
            await sending

    play()


@pytest.mark.parametrize("timeout_ms", [0, -1, float("nan"), "5"])
def test_another_timeout_is_refused_in_words(timeout_ms: Any) -> None:
    @on_stage
    async def play(stage: Stage) -> None:
        with pytest.raises(ConfigError, match="timeout_ms: expected milliseconds above 0"):
            await stage.send(API, timeout_ms=timeout_ms)

    play()


@on_stage
async def test_an_answer_that_is_too_large_is_refused(stage: Stage) -> None:
    stage.network.files[API] = bytes(RECEIVED_BYTES + 1)

    with pytest.raises(HostError, match=f"at most {RECEIVED_BYTES} bytes"):
        await stage.send(API)


@on_stage
async def test_a_few_go_at_once_and_time_in_the_line_counts(stage: Stage) -> None:
    stage.network.files[API] = b"x"
    stage.network.delays_ms[API] = 600
    sending = [stage.send(API) for _ in range(AT_ONCE + 1)]

    await stage.clock.advance(0)
    assert len(stage.network.sent) == AT_ONCE
    await stage.clock.advance(600)
    assert len(stage.network.sent) == AT_ONCE + 1
    await stage.clock.advance(400)
    with pytest.raises(HostError):
        await sending.pop()
    assert [(await each).body for each in sending] == [b"x"] * AT_ONCE


@on_stage
async def test_what_is_on_its_way_ends_with_the_run(stage: Stage) -> None:
    stage.network.delays_ms[API] = 600
    sending = stage.send(API)
    await stage.clock.advance(1)

    stage.fetches.end()
    await asyncio.wait([sending])

    assert sending.cancelled()
    assert len(asyncio.all_tasks()) == 1


@on_stage
async def test_what_waits_for_a_place_is_not_sent_behind_the_runs_end(stage: Stage) -> None:
    heard: list[Request] = []
    stage.network.servers[API] = lambda request: (heard.append(request), Response(200, {}, b""))[1]
    sending = [stage.send(f"{API}{number}") for number in range(AT_ONCE + 3)]
    await asyncio.sleep(0)

    stage.fetches.end()
    ends = await asyncio.gather(*sending, return_exceptions=True)

    assert heard == []
    assert [type(end).__name__ for end in ends[AT_ONCE:]] == ["RefusedError"] * 3
