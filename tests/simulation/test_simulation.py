"""A thousand simulated hours with faults; a failure names the seed that repeats it."""

import pytest

from .world import World

SEEDS = 40
HOURS = 25


@pytest.mark.parametrize("seed", range(SEEDS))
def test_nothing_is_lost_doubled_or_stuck_whatever_goes_wrong(seed: int) -> None:
    try:
        world = World(seed)
        world.play(HOURS)
    except Exception as error:
        again = f"make simulate SEED={seed} SEEDS=1 HOURS={HOURS}"
        raise AssertionError(f"seed {seed}: {error!r}. Again: {again}") from error
    assert world.ledger.lives > HOURS / 2
    assert {"ok", "task-raised", "task-timeout"} <= world.ledger.outcomes.keys()
    # Not every life is so busy.
    assert seed or "queue-full" in world.ledger.outcomes
