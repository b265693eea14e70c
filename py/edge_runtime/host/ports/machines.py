"""Where tasks' code runs: VMs of their own, and what holds for any interpreter that runs tasks."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

Buffer = bytes | bytearray | memoryview
Receive = Callable[[str, Sequence[Buffer]], None]
"""Gets a VM's message: JSON text and the buffers beside it, see :mod:`edge_runtime.pure.plain`."""


@dataclass(frozen=True, slots=True)
class Wheel:
    """A package as a file, checked by whoever hands it on."""

    file: str
    data: bytes


class Machine(Protocol):
    """One VM: an interpreter of its own, which can be ended at any time."""

    def post(self, json: str, buffers: Sequence[Buffer]) -> None:
        """Send a message; never raises. What comes after the end is dropped."""

    def kill(self) -> None:
        """End it at once, whatever it does; its ``ended`` is not called."""


class Machines(Protocol):
    """Starts VMs."""

    @property
    def is_available(self) -> bool:
        """Whether there are any; without, tasks run in the interpreter of the core."""

    async def start(
        self, *, memory_bytes: int, receive: Receive, ended: Callable[[str], None]
    ) -> Machine:
        """Start a VM.

        Args:
            memory_bytes: What its heap may reach; above that its code meets a MemoryError.
            receive: Gets its messages.
            ended: Told why, once, when it ended by itself: its interpreter broke, or its script
                failed. A VM that hangs or closes itself says nothing.

        Returns:
            The VM, which takes messages from now on.

        Raises:
            HostError: ``boot-failed``, ``boot-timeout``, ``feature-missing`` or ``worker-lost``.
        """

    async def shipped(self, name: str) -> Sequence[Wheel]:
        """Return a package that the runtime ships and what it needs, to be installed in this order.

        Raises:
            HostError: ``feature-missing``: it ships no such package.
        """


class Interpreter(Protocol):
    """What the interpreter at hand can do for tasks' code: the core's own, or a VM's."""

    @property
    def is_shared(self) -> bool:
        """Whether others live in it than the runtime and tasks: its library is theirs, too."""

    def watch(self, address: int, now_ms: float) -> None:
        """Watch two float64 in this interpreter's memory, for ever.

        The first is a time on the clock that says ``now_ms`` at this moment: when it has passed,
        SIGINT is raised in running Python code, again and again; 0 is no time. The second is the
        heap's size in bytes that growing must not pass; 0 is no limit.
        Another call replaces what is watched.
        """

    def heap_bytes(self) -> int:
        """Return the size of this interpreter's heap, which never shrinks; 0 where unknown."""

    async def install(self, name: str, wheel: Wheel | None) -> None:
        """Make a package importable: from its wheel, or the one that the runtime ships.

        Raises:
            HostError: ``feature-missing``: there is none, or it cannot be used.
        """
