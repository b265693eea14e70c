"""A defect in what runs by itself: told once, tried again after a pause, over when it is."""

from collections.abc import Callable
from typing import Any

import pytest
from edge_runtime.config import Limits
from edge_runtime.services.store import Store

from ..store_device import Device, ids, named, on_device, problem_codes

LIMITS = Limits()
# Much longer than each pause: who spins or tells again and again is found out.
A_WHILE_MS = 60_000.0

DEFECTS = [ZeroDivisionError("a defect"), RecursionError("too deep"), MemoryError()]


class Defect:
    """Raises instead of what it stands for, until it is mended."""

    def __init__(self, error: Exception) -> None:
        self.error: Exception | None = error
        self.calls = 0

    def instead_of(self, target: Any, name: str) -> None:
        real = getattr(target, name)

        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls += 1
            if self.error is not None:
                raise self.error
            return real(*args, **kwargs)

        setattr(target, name, call)


def last_error(store: Store) -> Any:
    return store.statistics().get("lastError")


def in_the_checkpoint(store: Store, defect: Defect) -> None:
    store._keeper._is_due = True
    defect.instead_of(store._writer.durable.checkpoints, "write")  # type: ignore[union-attr]


def in_the_cleaning(store: Store, defect: Defect) -> None:
    defect.instead_of(store._cleaner, "slices")


@pytest.mark.parametrize("error", DEFECTS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("place", [in_the_checkpoint, in_the_cleaning])
def test_the_keeper_outlives_a_defect(
    place: Callable[[Store, Defect], None], error: Exception
) -> None:
    async def scenario(device: Device) -> None:
        store, defect = device.store, Defect(error)
        await device.add("a")
        place(store, defect)
        await device.host.clock.advance(LIMITS.clean_ms + A_WHILE_MS + 1_000)

        assert 2 <= defect.calls <= (LIMITS.clean_ms + A_WHILE_MS) / LIMITS.memory_retry_ms + 1
        assert problem_codes(store) == ["storage-failed"]
        assert device.changes.count("durable") == 2
        assert type(error).__name__ in store.problems[0].details["traceback"]
        assert store._keeper.last_error is not None
        assert store._keeper.last_error.message == store.problems[0].message

        defect.error = None
        await device.host.clock.advance(LIMITS.clean_ms + A_WHILE_MS)
        assert last_error(store) is None
        store._keeper._is_due = True
        await device.host.clock.advance(2_000)
        assert not store._keeper._is_due
        assert (ids(await device.crash()), device.store.problems) == (["a"], [])

    on_device(scenario)


@pytest.mark.parametrize("error", DEFECTS, ids=lambda error: type(error).__name__)
def test_the_commits_outlive_a_defect(error: Exception) -> None:
    async def scenario(device: Device) -> None:
        store, defect = device.store, Defect(error)
        defect.instead_of(store._writer.durable.log, "append")  # type: ignore[union-attr]
        heard: list[int] = []
        store.add_batch(named("a"), lambda: heard.append(1))
        await device.host.clock.advance(A_WHILE_MS)

        assert 2 <= defect.calls <= A_WHILE_MS / LIMITS.commit_retry_ms + 1
        assert last_error(store)["code"] == "storage-failed"
        assert problem_codes(store) == ["storage-failed"]
        assert heard == []

        defect.error = None
        await device.host.clock.advance(2 * LIMITS.commit_retry_ms)
        assert (heard, last_error(store)) == ([1], None)
        assert (ids(await device.crash()), device.store.problems) == (["a"], [])

    on_device(scenario)


def test_no_more_events_wait_behind_a_defect_than_the_store_may_hold() -> None:
    async def scenario(device: Device) -> None:
        store, defect = device.store, Defect(ZeroDivisionError())
        store._commits._max_events = 10
        defect.instead_of(store._writer.durable.log, "append")  # type: ignore[union-attr]
        for number in range(30):
            store.add_batch(named(f"{number:02}"))
        await device.host.clock.advance(A_WHILE_MS)

        assert store.statistics()["pendingOps"] == 10
        assert store.statistics()["droppedEvents"] == 20
        defect.error = None

    on_device(scenario)


def test_two_defects_are_told_one_that_comes_back_is_not() -> None:
    async def scenario(device: Device) -> None:
        store = device.store
        for error in (ZeroDivisionError(), KeyError("x"), ZeroDivisionError("again")):
            defect = Defect(error)
            in_the_checkpoint(store, defect)
            await device.host.clock.advance(LIMITS.memory_retry_ms + 1_000)
            defect.error = None
            await device.host.clock.advance(LIMITS.memory_retry_ms + 1_000)

        told = [problem.details["traceback"].splitlines()[-1] for problem in store.problems]
        assert told == ["ZeroDivisionError", "KeyError: 'x'"]

    on_device(scenario)


@pytest.mark.parametrize("name", ["_commits", "_keeper"])
def test_stopping_ends_what_is_in_the_middle_of_a_defect(name: str) -> None:
    async def scenario(device: Device) -> None:
        store, defect = device.store, Defect(ZeroDivisionError())
        in_the_checkpoint(store, defect)
        await device.host.clock.advance(A_WHILE_MS)
        defect.error = None
        loop = getattr(store, name)
        await loop.stop()

        assert (loop._background if name == "_commits" else loop._task).cancelled()

    on_device(scenario)
