"""A worker that ends anywhere: every step of every write, one after the other.

Each script is run once for every step there is and ended there; what was acknowledged must be
there afterwards, and nothing may be torn.
"""

import asyncio

import pytest
from edge_runtime.testing.fake_host import FakeHost, create_fake_host
from edge_runtime.testing.fake_storage import FakeDisk, SimulatedCrash
from edge_runtime.testing.manual_clock import ManualClock

from tests.contract.store_scripts import SCRIPTS, Life, Script, Size, look

SIZE = Size(rounds=4, events=60, piece_bytes=8 * 1024, reserve_uses=4)


class Device:
    """A disk whose workers end at the given step of all steps; None: they live."""

    def __init__(self, last_step: int | None) -> None:
        self.steps: list[str] = []
        self._disk, self._clock = FakeDisk(), ManualClock()
        self._last_step = last_step

    def begin(self) -> FakeHost:
        host = create_fake_host(self._disk, self._clock)
        host.storage.steps.on_step = self._on_step
        return host

    def live_on(self) -> None:
        self._last_step = None

    def _on_step(self, name: str) -> None:
        self.steps.append(name)
        if self._last_step is not None and len(self.steps) > self._last_step:
            raise SimulatedCrash(name)


async def run_until_its_end(script: Script, life: Life) -> None:
    """Run a script to its end, or until its worker ends."""
    try:
        await script(life)
    except SimulatedCrash:
        pass
    finally:
        # The dead worker's own tasks: none of them may reach the disk any more.
        for task in asyncio.all_tasks() - {asyncio.current_task()}:
            task.cancel()
            await asyncio.wait([task])


def steps_of(script: Script, last_step: int | None = None, where: str = "") -> list[str]:
    """Run a script until ``last_step``, look at what is left, and return the script's steps."""

    async def run() -> list[str]:
        # A keeper that ended with its worker: nobody asks for its exception.
        asyncio.get_running_loop().set_exception_handler(lambda _loop, _context: None)
        device = Device(last_step)
        life = Life(SIZE, device.begin)
        await run_until_its_end(script, life)
        steps = list(device.steps)
        device.live_on()
        await look(life, f"{script.__name__} ended at step {last_step} {where}")
        return steps

    return asyncio.run(run())


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda script: script.__name__)
def test_a_worker_may_end_at_any_step(script: Script) -> None:
    for last, name in enumerate(steps_of(script)):
        steps_of(script, last, name)


def test_the_scripts_have_more_steps_than_anyone_would_try_by_hand() -> None:
    assert sum(len(steps_of(script)) for script in SCRIPTS) >= 400
