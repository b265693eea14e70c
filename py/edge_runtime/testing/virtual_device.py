"""A device on virtual time: its workers come and go, what they made durable stays."""

import hashlib
import itertools
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from typing import TypeVar

from ..host.no_machines import NoMachines
from ..host.ports import Host
from ..pure.trace import Journal, Unheard
from ..types import JsonValue
from .fake_disk import FakeDisk, Steps
from .fake_host import FakeImages, FakeInterpreter, FakeNetwork, FakePage
from .fake_inference import FakeInference
from .fake_storage import FakeCrypto, FakeStorage
from .manual_clock import START_MS
from .virtual_clock import VirtualClock
from .virtual_loop import create_virtual_loop

T = TypeVar("T")


class SeededCrypto(FakeCrypto):
    """Random bytes that repeat; sealing stays as the fake does it."""

    def __init__(self, disk: FakeDisk, steps: Steps, numbers: "itertools.count[int]") -> None:
        super().__init__(disk, steps)
        self._numbers = numbers

    def random_bytes(self, count: int) -> bytes:
        """Return the digest of how many were asked for before."""
        return hashlib.shake_128(str(next(self._numbers)).encode()).digest(count)


class OneLife:
    """Passes on what one worker notes, until its end."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self.is_over = False

    def note(self, kind: str, **fields: JsonValue) -> None:
        """Pass it on."""
        if not self.is_over:
            self._journal.note(kind, **fields)


class VirtualDevice:
    """Owns the loop on which one worker lives; :meth:`reload` ends it and all its tasks.

    Args:
        seed: Order of ready callbacks, see :class:`VirtualLoop`.
        now_ms: Unix time at the beginning.

    Attributes:
        loop: Virtual time.
        clock: The device's clock.
        disk: What survives.
        files: What the network has, by URL.
        page, storage: The ports of the worker that lives.
        context: What actions run in.
    """

    def __init__(self, seed: int | None = None, now_ms: float = START_MS) -> None:
        self._seed = seed
        self._numbers = itertools.count()
        self.context = copy_context()
        self.files: dict[str, bytes] = {}
        self._life = OneLife(Unheard())
        self.loop = create_virtual_loop(seed)
        self.clock = VirtualClock(self.loop, now_ms)
        self.disk = FakeDisk()
        self._connect()

    def host(self) -> Host:
        """Return the ports of the worker that lives."""
        network = FakeNetwork(self.clock)
        network.files = self.files
        return Host(
            clock=self.clock,
            storage=self.storage,
            crypto=SeededCrypto(self.disk, self.steps, self._numbers),
            network=network,
            inference=FakeInference(self.clock, network),
            images=FakeImages(),
            machines=NoMachines(),
            interpreter=FakeInterpreter(),
            page=self.page,
            description={"userAgent": "virtual"},
        )

    def do(self, action: Callable[[], object]) -> None:
        """Run ``action`` on the loop, and all that follows from it in this instant."""
        self.loop.call_soon(action, context=self.context)
        self.rest(self.loop.now_ms)

    def wait_for(self, awaitable: Awaitable[T]) -> T:
        """Run until ``awaitable`` is done; return its result."""
        result: T = self.loop.run_until_complete(awaitable)
        return result

    def rest(self, at_ms: float) -> None:
        """Let time pass.

        Raises:
            RuntimeError: Something raised that nobody handled.
        """
        self.loop.run_until_idle(at_ms)
        if self.loop.unhandled:
            context = self.loop.unhandled[0]
            text = f"virtual time {self.loop.now_ms:g} ms: {context['message']}"
            raise RuntimeError(text) from context.get("exception")

    def journal(self, journal: Journal) -> Journal:
        """Return one that passes on to ``journal`` what the worker that lives notes."""
        self._life = OneLife(journal)
        return self._life

    def reload(self, stop: Callable[[], Awaitable[None]]) -> None:
        """End the worker in the middle of whatever it does; the next one finds the disk.

        Args:
            stop: Stops the worker's runtime. It is done where nobody sees it, so that no coroutine
                is left for the garbage collector to end at a time of its own.
        """
        now_ms, ended = self.clock.now_ms(), self.loop
        self._life.is_over = True
        self.loop = create_virtual_loop(self._seed, ended.now_ms)
        self.clock = VirtualClock(self.loop, 0)
        self.clock.set_now(now_ms)
        # A copy: who wrote in that moment still holds the disk's turn.
        self.disk = self.disk.copy()
        self._connect()
        ended.run_until_complete(stop())
        ended.run_forever()

    def _connect(self) -> None:
        self.steps = Steps()
        self.page = FakePage()
        self.storage = FakeStorage(self.disk, self.steps)
