"""Runs the store's scripts on IndexedDB and WebCrypto and strikes at a chosen call.

Runs in a page's worker, on ports whose other ends are in a worker of their own: the victim.
"""

import asyncio
import itertools
import json
import traceback
from dataclasses import dataclass
from typing import Any, NamedTuple

from edge_runtime.host.browser.storage_ports import BrowserCrypto, BrowserStorage
from edge_runtime.testing.manual_clock import ManualClock

from tests.contract.store_scripts import SCRIPTS, Life, Script, Size, look, migration

KNOWN: dict[str, Script] = {script.__name__: script for script in (*SCRIPTS, migration)}
_VICTIMS: list[Any] = []
_numbers = itertools.count()


@dataclass(frozen=True, slots=True)
class Blow:
    """What happens at which call of a script; see victims.js."""

    script: str
    call: int
    when: str
    kind: str
    delay_ms: float = 0

    def __str__(self) -> str:
        delay = f", {self.delay_ms} ms" if self.delay_ms else ""
        return f"{self.script}, {self.kind} {self.when} call {self.call}{delay}"


class Ports(NamedTuple):
    """What a store needs."""

    clock: ManualClock
    storage: BrowserStorage
    crypto: BrowserCrypto


class Device:
    """Databases of their own, and the victim that has them open."""

    def __init__(self, js_victims: Any) -> None:
        self._js = js_victims
        self._name = f"{next(_numbers)}"
        self.clock = ManualClock()
        self.victim = _VICTIMS.pop() if _VICTIMS else js_victims.take()

    async def plant(self, name: str, old: str) -> None:
        """Make what a script begins with."""
        if name == migration.__name__:
            await self._js.plant(self._name, old)

    def begin(self) -> Ports:
        """Return the ports of another runtime in the victim."""
        js = self.victim.begin(self._name)
        return Ports(self.clock, BrowserStorage(js.storage), BrowserCrypto(js.crypto))

    def change_victim(self) -> None:
        """Go on with another worker."""
        self.victim.kill()
        self.victim = self._js.take()

    def part(self) -> None:
        """Leave the victim to the next device; many databases would make each slower."""
        self.victim.expect()
        self._js.forget(self._name)
        _VICTIMS.append(self.victim)


async def run(js_victims: Any, order_json: str) -> str:
    """Run the scripts of an order and return what came of it, as JSON.

    The order: ``size``, ``old`` (a database of schema 1), and either ``blows`` or ``count``,
    names of scripts whose calls are to be counted.
    """
    order = json.loads(order_json)
    size, old = Size(**order["size"]), json.dumps(order["old"])
    if "count" in order:
        names = order["count"]
        return json.dumps({name: await calls_of(js_victims, name, size, old) for name in names})
    missed, failures = [], []
    for blow in (Blow(**each) for each in order["blows"]):
        try:
            if not await struck(js_victims, blow, size, old):
                missed.append(str(blow))
        except Exception:  # Whatever a script raises is its outcome.
            failures.append(f"{blow}: {traceback.format_exc()}")
    return json.dumps({"missed": missed, "failures": failures})


async def calls_of(js_victims: Any, name: str, size: Size, old: str) -> list[str]:
    """Run a script undisturbed and return its calls."""
    device = Device(js_victims)
    life = Life(size, device.begin)
    await device.plant(name, old)
    await KNOWN[name](life)
    calls: list[str] = device.victim.calls.to_py()
    await _abandon()
    device.change_victim()
    await look(life, f"{name}, undisturbed")
    device.part()
    return calls


async def struck(js_victims: Any, blow: Blow, size: Size, old: str) -> bool:
    """Run a script with a blow, look at what is there, and say whether the blow fell."""
    device = Device(js_victims)
    life = Life(size, device.begin)
    await device.plant(blow.script, old)
    device.victim.expect(blow.call, blow.when, blow.kind, blow.delay_ms)
    script = asyncio.ensure_future(KNOWN[blow.script](life))
    died = asyncio.ensure_future(device.victim.died)
    await asyncio.wait([script, died], return_when=asyncio.FIRST_COMPLETED)
    if script.done():
        script.result()
    has_fallen = len(device.victim.calls) > blow.call
    await _abandon()
    device.change_victim()
    await look(life, str(blow), is_whole=script.done() and not script.cancelled())
    device.part()
    return has_fallen


async def _abandon() -> None:
    """End what a dead worker's store still does: nothing of it may be written any more."""
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
        await asyncio.wait([task])
