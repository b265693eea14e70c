"""CPython as an interpreter of tasks' code: it is interrupted, and has what is installed."""

import asyncio
import ctypes
import threading
import time
from collections.abc import Iterator

import pytest
from edge_runtime.errors import HostError
from edge_runtime.host.native.interpreter import NativeInterpreter

LONG_S = 30


@pytest.fixture
def cell() -> Iterator[ctypes.Array[ctypes.c_double]]:
    """A deadline and a cap that outlive the test: a thread goes on looking at them."""
    kept = (ctypes.c_double * 2)(0, 0)
    CELLS.append(kept)
    yield kept
    kept[0] = 0


CELLS: list[ctypes.Array[ctypes.c_double]] = []


def spin() -> None:
    end = time.monotonic() + LONG_S
    while time.monotonic() < end:
        pass


def test_a_loop_is_interrupted_when_its_time_has_passed(
    cell: ctypes.Array[ctypes.c_double],
) -> None:
    NativeInterpreter().watch(ctypes.addressof(cell), 5_000)

    with pytest.raises(KeyboardInterrupt):
        cell[0] = 5_001
        spin()
    cell[0] = 0


def test_another_watch_replaces_the_first(cell: ctypes.Array[ctypes.c_double]) -> None:
    interpreter, first = NativeInterpreter(), (ctypes.c_double * 2)(0, 0)
    CELLS.append(first)
    before = set(threading.enumerate())
    interpreter.watch(ctypes.addressof(first), 0)
    [thread] = set(threading.enumerate()) - before

    interpreter.watch(ctypes.addressof(cell), 0)

    thread.join(LONG_S)
    assert not thread.is_alive()


def test_in_another_thread_there_is_nothing_to_interrupt(
    cell: ctypes.Array[ctypes.c_double],
) -> None:
    before = threading.active_count()
    watching = threading.Thread(target=lambda: NativeInterpreter().watch(ctypes.addressof(cell), 0))
    watching.start()
    watching.join()

    assert threading.active_count() == before


def test_a_package_is_there_or_refused() -> None:
    interpreter = NativeInterpreter()

    asyncio.run(interpreter.install("json", None))
    with pytest.raises(HostError, match="package nowhere: expected an installed one"):
        asyncio.run(interpreter.install("nowhere", None))
