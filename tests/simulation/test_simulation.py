"""A thousand simulated hours with faults; a failure names the seed that repeats it."""

from contextlib import closing

import pytest

from .__main__ import again
from .world import World

SEEDS = 40
HOURS = 25


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_doubled_or_stuck_whatever_goes_wrong(seed: int) -> None:
    with closing(World(seed)) as world:
        try:
            world.play(HOURS)
        except Exception as error:
            raise AssertionError(f"seed {seed}: {error!r}. Again: {again(seed, HOURS)}") from error
    assert world.ledger.lives > HOURS / 4
    ended = {"ok", "task-raised", "task-timeout", "circuit-open", "run-cancelled"}
    assert ended <= world.ledger.outcomes.keys()
    # Not every life is so busy.
    assert seed or "queue-full" in world.ledger.outcomes
