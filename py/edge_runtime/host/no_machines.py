"""A host without VMs: tasks run in the interpreter of the core."""

from collections.abc import Callable, Sequence

from ..errors import HostError
from .ports.machines import Machine, Receive, Wheel


class NoMachines:
    """Implements ``Machines``: there are none."""

    is_available = False

    async def start(
        self, *, memory_bytes: int, receive: Receive, ended: Callable[[str], None]
    ) -> Machine:
        """Refuse."""
        raise _refused()

    async def shipped(self, name: str) -> Sequence[Wheel]:
        """Refuse."""
        raise _refused()


def _refused() -> HostError:
    message = "VM: expected a host that has workers, got one without. Set vms to 0."
    return HostError("feature-missing", message)
