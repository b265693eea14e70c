"""VMs and interpreters over the worker's JavaScript host."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from pyodide.ffi import create_proxy, jsnull

from ..ports.machines import Buffer, Machine, Receive, Wheel
from .conversions import all_bytes, as_bytes, as_js, converted


class BrowserMachine:
    """A VM in a worker, with the proxies that it calls."""

    def __init__(self, js_machines: Any, memory_bytes: int, receive: Any, ended: Any) -> None:
        def hear(json: str, buffers: Sequence[Any]) -> None:
            receive(json, all_bytes(buffers))

        def end(reason: str) -> None:
            self._let_go()
            ended(reason)

        self._proxies = [create_proxy(hear), create_proxy(end)]
        self._js = js_machines.start(memory_bytes, *self._proxies)

    async def ready(self) -> None:
        """Wait until it takes messages; cancelled or failed, it is ended."""
        try:
            await self._js.ready
        except BaseException:
            self.kill()
            raise

    def post(self, json: str, buffers: Sequence[Buffer]) -> None:
        """Send a message."""
        self._js.post(json, as_js(list(buffers)))

    def kill(self) -> None:
        """End it at once."""
        self._js.kill()
        self._let_go()

    def _let_go(self) -> None:
        # One of them may be what is running: it is destroyed when it has returned.
        for proxy in self._proxies:
            asyncio.get_running_loop().call_soon(proxy.destroy)
        self._proxies = []


class BrowserMachines:
    """``Machines`` over ``js_shim/host/machines.js``."""

    def __init__(self, js_machines: Any) -> None:
        self._js = js_machines

    @property
    def is_available(self) -> bool:
        """Whether workers can start workers here."""
        return bool(self._js.isAvailable)

    async def start(
        self, *, memory_bytes: int, receive: Receive, ended: Callable[[str], None]
    ) -> Machine:
        """Start a worker with an interpreter of its own."""
        with converted("boot-failed", "VM"):
            machine = BrowserMachine(self._js, memory_bytes, receive, ended)
            await machine.ready()
        return machine

    async def shipped(self, name: str) -> Sequence[Wheel]:
        """Fetch a package that is served beside Pyodide, and what it needs."""
        with converted("feature-missing", f"package {name}"):
            wheels = await self._js.shipped(name)
            return [Wheel(each.file, as_bytes(each.bytes)) for each in wheels]


class BrowserInterpreter:
    """``Interpreter`` over ``js_shim/host/interpreter.js``."""

    is_shared = False

    def __init__(self, js_interpreter: Any) -> None:
        self._js = js_interpreter

    def watch(self, address: int, now_ms: float) -> None:
        """Watch a deadline and a cap."""
        self._js.watch(address, now_ms)

    def heap_bytes(self) -> int:
        """Return the size of the heap."""
        return int(self._js.heapBytes())

    async def install(self, name: str, wheel: Wheel | None) -> None:
        """Unpack a wheel, or load one that is served beside Pyodide."""
        file, data = (jsnull, jsnull) if wheel is None else (wheel.file, as_js(wheel.data))
        with converted("feature-missing", f"package {name}"):
            await self._js.install(name, file, data)
