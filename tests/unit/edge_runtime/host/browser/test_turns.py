"""Turns of the browser's event loop, on a message channel whose messages the test delivers."""

import asyncio
import importlib.util
import sys
from collections.abc import Callable, Iterator
from contextvars import Context, ContextVar
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from edge_runtime.pure.urgency import context_of

TURNS = Path(__file__).parents[5] / "py" / "edge_runtime" / "host" / "browser" / "turns.py"


class Channel:
    """A message channel: what is posted waits for :meth:`deliver`."""

    def __init__(self) -> None:
        self.posted = 0
        self.port1 = SimpleNamespace(onmessage=None)
        self.port2 = SimpleNamespace(postMessage=self._post)

    def _post(self, _message: None) -> None:
        self.posted += 1

    def deliver(self) -> None:
        self.posted -= 1
        self.port1.onmessage(None)


class Bench:
    """Turns on a channel and a clock of their own, and what the callbacks did."""

    def __init__(
        self, turns: ModuleType, loop: asyncio.AbstractEventLoop, channel: Channel
    ) -> None:
        self.channel = channel
        self.now_s = 0.0
        self.done: list[int] = []
        self._turns = turns.Turns(loop, lambda: self.now_s)

    def schedule(
        self, number: int, takes_s: float = 0.0, context: Context | None = None
    ) -> asyncio.Handle:
        def callback() -> None:
            self.now_s += takes_s
            self.done.append(number)

        handle: asyncio.Handle = self._turns.call_soon(callback, context=context)
        return handle

    def schedule_call(self, callback: Callable[[], Any], context: Context | None = None) -> None:
        self._turns.call_soon(callback, context=context)


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    channel = Channel()
    js = ModuleType("js")
    js.MessageChannel = SimpleNamespace(new=lambda: channel)  # type: ignore[attr-defined]
    ffi = ModuleType("pyodide.ffi")
    ffi.create_proxy = lambda function: function  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "js", js)
    monkeypatch.setitem(sys.modules, "pyodide.ffi", ffi)
    spec = importlib.util.spec_from_file_location("edge_runtime.host.browser.turns", TURNS)
    assert spec is not None and spec.loader is not None
    turns = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(turns)
    loop = asyncio.new_event_loop()
    yield Bench(turns, loop, channel)
    loop.close()


def test_one_message_runs_all_that_is_ready_in_order(bench: Bench) -> None:
    for number in range(5):
        bench.schedule(number)
    assert bench.channel.posted == 1

    bench.channel.deliver()

    assert bench.done == [0, 1, 2, 3, 4]
    assert bench.channel.posted == 0


def test_a_turn_that_took_long_lets_messages_come_before_the_rest(bench: Bench) -> None:
    for number in range(5):
        bench.schedule(number, takes_s=0.003)

    bench.channel.deliver()

    assert bench.done == [0, 1]
    assert bench.channel.posted == 1
    # Behind what came while that turn went on, and then behind what came while that was served.
    bench.channel.deliver()
    assert (bench.done, bench.channel.posted) == ([0, 1], 1)
    bench.channel.deliver()
    assert bench.done == [0, 1, 2, 3]


def test_what_is_urgent_gives_way_to_no_message(bench: Bench) -> None:
    bench.schedule(0, takes_s=0.005)
    bench.channel.deliver()
    bench.schedule(1, context=context_of(is_urgent=True))
    bench.schedule(2)

    bench.channel.deliver()

    assert bench.done == [0, 1, 2]


def test_after_a_long_turn_there_is_one_detour(bench: Bench) -> None:
    bench.schedule(0, takes_s=0.005)
    bench.channel.deliver()
    assert bench.channel.posted == 0
    bench.schedule(1)
    bench.channel.deliver()
    bench.channel.deliver()
    bench.schedule(2)

    bench.channel.deliver()

    assert bench.done == [0, 1, 2]
    assert bench.channel.posted == 0


def test_a_turn_ends_after_a_hundred_callbacks_that_take_no_time(bench: Bench) -> None:
    for number in range(150):
        bench.schedule(number)

    bench.channel.deliver()

    assert len(bench.done) == 100
    assert bench.channel.posted == 1


def test_what_a_callback_makes_ready_runs_in_the_same_turn(bench: Bench) -> None:
    bench.schedule_call(lambda: bench.schedule(1))

    bench.channel.deliver()

    assert bench.done == [1]


def test_a_cancelled_callback_does_not_run(bench: Bench) -> None:
    bench.schedule(0).cancel()
    bench.schedule(1)

    bench.channel.deliver()

    assert bench.done == [1]


def test_a_callback_that_raises_does_not_stop_the_others(bench: Bench) -> None:
    def interrupted() -> None:
        raise KeyboardInterrupt

    bench.schedule_call(interrupted)
    bench.schedule(1)

    with pytest.raises(KeyboardInterrupt):
        bench.channel.deliver()

    assert bench.channel.posted == 1
    bench.channel.deliver()
    assert bench.done == [1]


def test_urgent_callbacks_go_first_and_pass_their_mark_on(bench: Bench) -> None:
    urgent = context_of(is_urgent=True)
    bench.schedule(0)
    urgent.run(bench.schedule, 1)
    bench.schedule(2, context=urgent)
    bench.schedule(3, context=context_of(is_urgent=False))

    bench.channel.deliver()

    assert bench.done == [1, 2, 0, 3]


def test_what_is_not_urgent_gets_a_turn_between_any_number_of_urgent_callbacks(
    bench: Bench,
) -> None:
    bench.schedule(-1)
    bench.schedule(-2)
    for number in range(20):
        bench.schedule(number, context=context_of(is_urgent=True))

    bench.channel.deliver()

    assert bench.done[8] == -1 and bench.done[17] == -2
    assert [number for number in bench.done if number >= 0] == list(range(20))


def test_a_callback_runs_in_its_own_context_even_where_that_is_empty(bench: Bench) -> None:
    context = Context()
    mark: ContextVar[int] = ContextVar("mark")

    bench.schedule_call(lambda: mark.set(1), context)
    bench.channel.deliver()

    assert context[mark] == 1
