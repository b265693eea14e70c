"""The simulation is no better than what it finds: faults are planted, and each must be found."""

from contextlib import closing

import pytest

from tests.unit.edge_runtime.pure.findings import Broken

from .faults import FAULTS, planted
from .test_simulation import HOURS
from .world import World

SEEDS = 3


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault: str) -> None:
    assert any(is_found(fault, seed) for seed in range(SEEDS)), (
        f"{fault}: expected seeds 0 to {SEEDS - 1} to find it in {HOURS} hours each, got none"
    )


def is_found(fault: str, seed: int) -> bool:
    with planted(fault), closing(World(seed)) as world:
        try:
            world.play(HOURS)
        except Broken:
            return True
    return False
