"""What outlives the fake hosts of one device, and how tests step into what they do to it."""

import asyncio
import copy
import functools
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

Records = dict[str, dict[str, bytes]]


class SimulatedCrash(BaseException):
    """For ``on_step`` to raise: the worker ends there, and no ``except Exception`` goes on."""


@dataclass(slots=True)
class FakeDisk:
    """What survives a restart: ``databases[database][store][key]``, root keys and notes.

    Attributes:
        turn: Held by the transaction that writes; others wait for their turn.
    """

    databases: dict[str, Records] = field(default_factory=dict)
    roots: dict[str, bytes] = field(default_factory=dict)
    notes: dict[str, bytes] = field(default_factory=dict)
    turn: asyncio.Lock = field(default_factory=asyncio.Lock, compare=False, repr=False)

    def flip_byte(self, database: str, store: str, key: str, offset: int) -> None:
        """Damage one byte of a record."""
        damaged = bytearray(self.databases[database][store][key])
        damaged[offset] ^= 0xFF
        self.databases[database][store][key] = bytes(damaged)

    def size_bytes(self) -> int:
        """Return how much data there is in the databases."""
        stores = [each for database in self.databases.values() for each in database.values()]
        return sum(len(data) for records in stores for data in records.values())

    def copy(self) -> "FakeDisk":
        """Return what is on the disk now, on a disk of its own."""
        return FakeDisk(copy.deepcopy(self.databases), dict(self.roots), dict(self.notes))


@dataclass(slots=True)
class Steps:
    """Where tests step in; storage and crypto of one host share it.

    Attributes:
        on_step: Called with ``write:before``, ``write:after`` and so on, around the effect of each
            operation. What it raises ends the operation there; an effect that was done remains.
        hold_at: Waits there for as long as the worker is frozen.
    """

    on_step: Callable[[str], None] | None = None
    hold_at: Callable[[str], Awaitable[None]] | None = None

    async def reach(self, name: str) -> None:
        """Tell of a step."""
        if self.on_step is not None:
            self.on_step(name)
        if self.hold_at is not None:
            await self.hold_at(name)


class Stepping(Protocol):
    """Has operations that :func:`stepped` wraps."""

    steps: Steps


_Fake = TypeVar("_Fake", bound=Stepping)
_P = ParamSpec("_P")
_T = TypeVar("_T")


def stepped(
    operation: Callable[Concatenate[_Fake, _P], Awaitable[_T]],
) -> Callable[Concatenate[_Fake, _P], Coroutine[Any, Any, _T]]:
    """Let others run before the effect, as a real host does, and tell of both its sides."""

    @functools.wraps(operation)
    async def stepping(fake: _Fake, /, *args: _P.args, **kwargs: _P.kwargs) -> _T:
        name = stepping.__name__
        await asyncio.sleep(0)
        await fake.steps.reach(f"{name}:before")
        value = await operation(fake, *args, **kwargs)
        await fake.steps.reach(f"{name}:after")
        return value

    return stepping
