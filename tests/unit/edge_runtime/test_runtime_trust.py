"""A device's lives on signed bundles: what it refuses, and what it knows of the life before."""

import asyncio
from collections.abc import Sequence

from edge_runtime.bundle_writer import write_bundle
from edge_runtime.config import parse_config
from edge_runtime.pure.manifest import parse_manifest
from edge_runtime.runtime import Runtime
from edge_runtime.testing.fake_disk import FakeDisk
from edge_runtime.testing.fake_host import create_fake_host

from web_runtime.keys import SealKey, Signature, SigningKey, signing_of

from .task_bundles import plain_manifest

BASE = "https://shop.test/edge/config.json"
KEY = SigningKey("shop", b"\1" * 32, b"\2" * 32)
SEAL = SealKey("s1", b"\3" * 32)
TRUST = {"keys": [KEY.trusted()], "seals": {"s1": SEAL.to_dict()["key"]}}
ECHO = b"async def run(ctx, activation):\n    return 1\n"


class Device:
    """A disk, and a server with one task; each life is a new runtime."""

    def __init__(self) -> None:
        self.disk = FakeDisk()

    def runtime(
        self, version: str, source: bytes = ECHO, signing: Sequence[Signature] | None = None
    ) -> Runtime:
        host = create_fake_host(self.disk)
        files = {"main.py": source}
        manifest = parse_manifest(plain_manifest("Rank", files, version=version))
        signing = signing_of(KEY) if signing is None else signing
        bundle = write_bundle(manifest, files, signing=signing, sealing=SEAL)
        host.network.files["https://shop.test/edge/rank.edge"] = bundle
        return Runtime(host, parse_config({"bundles": ["rank.edge"], "trust": TRUST}), BASE)

    async def life(self, version: str, source: bytes = ECHO, *, erases: bool = False) -> list[str]:
        """Start, stop at once, and return what was wrong."""
        runtime = self.runtime(version, source)
        problems = await runtime.start()
        if erases:
            await runtime.erase()
        await runtime.stop()
        return [each.code for each in problems]


def test_a_later_life_refuses_what_is_older_than_what_ran() -> None:
    async def play() -> None:
        device = Device()
        assert await device.life("1.10.0") == []
        assert await device.life("1.9.0") == ["bundle-outdated"]
        assert await device.life("1.10.1") == []
        assert await device.life("1.10.0") == ["bundle-outdated"]

    asyncio.run(play())


def test_a_version_that_could_not_be_loaded_is_no_obstacle_to_the_one_before() -> None:
    async def play() -> None:
        device = Device()
        assert await device.life("1.0.0") == []
        assert await device.life("2.0.0", b"raise ValueError") == ["task-raised"]
        assert await device.life("1.0.0") == []

    asyncio.run(play())


def test_what_is_erased_is_known_no_more() -> None:
    async def play() -> None:
        device = Device()
        assert await device.life("2.0.0") == []
        assert await device.life("2.0.0", erases=True) == []
        assert await device.life("1.0.0") == []

    asyncio.run(play())


def test_a_bundle_of_nobody_is_a_problem_and_names_its_address() -> None:
    async def play() -> None:
        runtime = Device().runtime("1.0.0", signing=[])
        (problem,) = await runtime.start()
        assert (problem.code, problem.details) == (
            "bundle-untrusted",
            {"reason": "unsigned", "bundle": "rank.edge"},
        )
        await runtime.stop()

    asyncio.run(play())
