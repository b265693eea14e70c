"""A device for tests of the store: a disk and a clock that outlive the stores started on them."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

from edge_runtime.config import DataConfig, Limits
from edge_runtime.pure.head import KEY_LIMITS, KeyLimits
from edge_runtime.services.store import Store
from edge_runtime.services.store_disk import DATABASE
from edge_runtime.testing.fake_host import FakeHost, create_fake_host
from edge_runtime.testing.manual_clock import START_MS

DAY_MS = 86_400_000.0


def row(name: str, *, ts: float = START_MS, page: str = "Home", **props: Any) -> list[Any]:
    return [name, ts, "mta", page, "item", 0, props]


def batch(*rows: list[Any]) -> str:
    return json.dumps(rows)


def named(*names: str) -> str:
    return batch(*(row(name) for name in names))


class Device:
    """Starts stores one after the other, on what the one before left."""

    def __init__(
        self,
        data: DataConfig | None = None,
        limits: Limits | None = None,
        key_limits: KeyLimits = KEY_LIMITS,
    ) -> None:
        self.host = create_fake_host()
        self.data = data or DataConfig()
        self.limits = limits or Limits()
        self.key_limits = key_limits
        self.store: Store
        self.changes: list[str] = []

    @property
    def disk(self) -> Any:
        return self.host.disk

    def records(self, store: str = "sealed") -> dict[str, bytes]:
        found: dict[str, bytes] = self.disk.databases[DATABASE][store]
        return found

    async def start(self) -> Store:
        return await self.start_on(create_fake_host(self.host.disk, self.host.clock))

    async def start_on(self, host: FakeHost) -> Store:
        self.host = host
        self.store = Store(
            host.clock,
            host.storage,
            host.crypto,
            self.data,
            self.limits,
            self.key_limits,
            on_change=self._changed,
        )
        await self.store.start()
        return self.store

    async def restart(self) -> Store:
        await self.store.stop()
        return await self.start()

    async def crash(self) -> Store:
        """Start again from what is on the disk now; what was not written is gone."""
        disk = self.host.disk.copy()
        await self.store.stop()
        self.host = create_fake_host(disk, self.host.clock)
        return await self.start()

    async def checkpoint(self) -> None:
        """Make a checkpoint now, as the keeper does when one is due."""
        durable = self.store._writer.durable
        assert durable is not None
        await durable.checkpoints.write(self.store._tables, keep_spare=True)

    async def add(self, *names: str) -> None:
        """Make events durable, in one segment."""
        self.store.add_batch(named(*names))
        await self.store.flush()

    def _changed(self) -> None:
        self.changes.append(self.store.mode.value)


def on_device(
    scenario: Callable[[Device], Awaitable[None]],
    data: DataConfig | None = None,
    limits: Limits | None = None,
    key_limits: KeyLimits = KEY_LIMITS,
) -> None:
    """Run a scenario on a device whose first store has started."""

    async def run() -> None:
        device = Device(data, limits, key_limits)
        await device.start()
        try:
            await scenario(device)
        finally:
            await device.store.stop()

    asyncio.run(run())


def ids(store: Store) -> list[str]:
    return [found["id"] for found in store.query("select id from events order by ts, id")]


def problem_codes(store: Store) -> list[str]:
    return [problem.code for problem in store.problems]


def ranges(store: Store) -> list[tuple[str, str, str, str]]:
    """Return what the start left out, as (store, first, last, reason)."""
    return [
        (each["store"], each["first"], each["last"], each["reason"])
        for each in store.statistics()["quarantined"]
    ]
