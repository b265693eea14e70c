"""How many VMs a device gets, and what they may use."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ..config_container import ContainerConfig

MEBIBYTE: Final = 2**20
ENOUGH_GB: Final = 4
"""Memory from which a device has VMs where nobody says; browsers that do not tell have none."""
PLENTY_GB: Final = 8
"""Memory from which a device keeps a spare one where nobody says."""


@dataclass(frozen=True, slots=True)
class VmPlan:
    """How many VMs run tasks (0: none, tasks run beside the core), and whether one more is kept.

    ``is_choice`` says that the device decided: where VMs do not start, tasks run beside the core.
    """

    count: int
    has_spare: bool
    is_choice: bool
    memory_bytes: int
    recycle_bytes: int
    recycle_runs: int
    idle_ms: float

    def is_worn(self, runs: int, heap_bytes: int) -> bool:
        """Say whether a VM that took so many runs and has such a heap is to be replaced."""
        return runs >= self.recycle_runs or heap_bytes >= self.recycle_bytes


def plan_vms(config: ContainerConfig, device: Mapping[str, Any], *, available: bool) -> VmPlan:
    """Return the plan for a device.

    Args:
        config: What the site says.
        device: The host's description: ``deviceMemoryGb``, None where the browser does not tell.
        available: Whether the host can start VMs at all.
    """
    memory_gb = device.get("deviceMemoryGb") or 0
    count = (1 if memory_gb >= ENOUGH_GB else 0) if config.vms is None else config.vms
    count = count if available else 0
    spare = memory_gb >= PLENTY_GB if config.spare is None else config.spare
    return VmPlan(
        count=count,
        has_spare=bool(count) and spare,
        is_choice=config.vms is None,
        memory_bytes=int(config.memory_mb * MEBIBYTE),
        recycle_bytes=int(config.recycle_mb * MEBIBYTE),
        recycle_runs=config.recycle_runs,
        idle_ms=config.idle_ms,
    )
