"""VMs in this process: the guest's own code behind a border of messages, for tests of the core.

They share the interpreter, so nothing is contained; what they show is what the core makes of
answers, silence and ends. Deadlines are watched by nobody.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from ..errors import HostError
from ..guest.vm import Vm
from ..host.ports.machines import Buffer, Interpreter, Machine, Receive, Wheel


class FakeMachine:
    """One VM.

    Attributes:
        is_frozen: It takes nothing and says nothing, as code that blocks it would have it.
        is_dead: It was ended.
    """

    def __init__(
        self, interpreter: Interpreter, receive: Receive, ended: Callable[[str], None]
    ) -> None:
        self._receive = receive
        self._ended = ended
        self._vm = Vm(interpreter, self._say)
        self._waiting: list[Callable[[], None]] = []
        self.is_frozen = False
        self.is_dead = False

    def post(self, json: str, buffers: Sequence[Buffer]) -> None:
        """Send a message; it arrives in the loop's next turn."""
        copies = [bytes(each) for each in buffers]
        self._pass_on(lambda: self._vm.take(json, copies))

    def kill(self) -> None:
        """End it."""
        self.is_dead = True
        self._vm.abandon()

    def thaw(self) -> None:
        """Let it go on."""
        self.is_frozen = False
        waiting, self._waiting = self._waiting, []
        for each in waiting:
            self._pass_on(each)

    def break_down(self, reason: str) -> None:
        """End by itself."""
        self.kill()
        self._ended(reason)

    def say_raw(self, json: str) -> None:
        """Say what the guest would not: code that got hold of the port might."""
        self._receive(json, [])

    def _say(self, json: str, buffers: Sequence[Buffer]) -> None:
        copies = [bytes(each) for each in buffers]
        self._pass_on(lambda: self._receive(json, copies))

    def _pass_on(self, action: Callable[[], None]) -> None:
        if self.is_frozen:
            self._waiting.append(action)
        else:
            asyncio.get_running_loop().call_soon(self._unless_dead, action)

    def _unless_dead(self, action: Callable[[], None]) -> None:
        if self.is_frozen:
            self._waiting.append(action)
        elif not self.is_dead:
            action()


@dataclass(eq=False)
class FakeMachines:
    """Implements ``Machines``.

    Attributes:
        interpreter: Given to every VM.
        started: All VMs so far.
        refusals: Starts that will fail.
        gate: If set, starts wait for it.
    """

    interpreter: Interpreter
    started: list[FakeMachine] = field(default_factory=list)
    refusals: int = 0
    gate: asyncio.Event | None = None
    is_available: bool = True

    async def start(
        self, *, memory_bytes: int, receive: Receive, ended: Callable[[str], None]
    ) -> Machine:
        """Start a VM."""
        if self.gate is not None:
            await self.gate.wait()
        if self.refusals:
            self.refusals -= 1
            raise HostError("boot-failed", "VM: expected it to start, got a refusal. Try again.")
        machine = FakeMachine(self.interpreter, receive, ended)
        self.started.append(machine)
        return machine

    async def shipped(self, name: str) -> Sequence[Wheel]:
        """Return a wheel of that name if the interpreter has it."""
        if name in getattr(self.interpreter, "available", ()):
            return [Wheel(f"{name}-1-py3-none-any.whl", b"")]
        text = f"package {name}: expected one that is shipped, got another. Pack its wheel."
        raise HostError("feature-missing", text, {"packages": [name]})
