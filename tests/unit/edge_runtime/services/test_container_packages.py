"""Wheels come from beside the bundle, once, and only as they were locked."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.config import LIMITS
from edge_runtime.errors import HostError, TrustError
from edge_runtime.host.ports.machines import Wheel
from edge_runtime.pure.manifest import Manifest
from edge_runtime.pure.manifest_fields import Package
from edge_runtime.services.container_packages import Packages
from edge_runtime.testing.fake_host import create_fake_host

from ..task_bundles import bundle

SITE = "https://shop.test/"
FOLDER = f"{SITE}tasks/packages/"
BUNDLE = f"{SITE}tasks/rank.edge?v=2"


def locked(name: str, data: bytes) -> Package:
    file = f"{name}-1.0-py3-none-any.whl"
    return Package(name, "1.0", file, hashlib.sha256(data).hexdigest(), len(data))


UNITS, TEXT = locked("units", b"units"), locked("text", b"text")


def task(*packages: Package, name: str = "Rank") -> Manifest:
    return replace(open_bundle(bundle(name)).manifest, packages=packages)


class Stage:
    """A site with two wheels."""

    def __init__(self) -> None:
        self.host = create_fake_host()
        self.network, self.clock = self.host.network, self.host.clock
        self.files = self.network.files
        self.files[f"{FOLDER}{UNITS.file}"] = b"units"
        self.files[f"{FOLDER}{TEXT.file}"] = b"text"
        self.packages = Packages(self.network)

    def wheels(self, *packages: Package) -> "asyncio.Task[list[tuple[str, Wheel | None]]]":
        return asyncio.ensure_future(self.packages.wheels(task(*packages), BUNDLE))


def on_stage(test: Callable[[Stage], Awaitable[None]]) -> Callable[[], None]:
    def run() -> None:
        async def play() -> None:
            await test(Stage())

        asyncio.run(play(), debug=False)

    run.__name__ = test.__name__
    return run


@on_stage
async def test_wheels_come_in_the_order_of_the_manifest(stage: Stage) -> None:
    found = await stage.wheels(TEXT, Package("numpy"), UNITS)

    wheels = [Wheel(str(TEXT.file), b"text"), None, Wheel(str(UNITS.file), b"units")]
    assert found == list(zip(["text", "numpy", "units"], wheels, strict=True))
    assert stage.network.requests == [f"{FOLDER}{TEXT.file}", f"{FOLDER}{UNITS.file}"]


@on_stage
async def test_a_file_is_fetched_once_for_all_tasks_and_vms(stage: Stage) -> None:
    stage.network.delays_ms[f"{FOLDER}{UNITS.file}"] = 50
    stage.packages.prefetch(task(UNITS), BUNDLE)
    waiting = [stage.wheels(UNITS), stage.wheels(TEXT, UNITS)]
    await stage.clock.advance(50)

    assert [(await each)[-1] for each in waiting] == [
        ("units", Wheel(str(UNITS.file), b"units"))
    ] * 2
    stage.files.clear()
    assert (await stage.wheels(UNITS))[0][1] is not None
    assert len(stage.network.requests) == 2


@on_stage
async def test_who_is_cancelled_leaves_the_download_to_others(stage: Stage) -> None:
    stage.network.delays_ms[f"{FOLDER}{UNITS.file}"] = 50
    first, second = stage.wheels(UNITS), stage.wheels(UNITS)
    await stage.clock.advance(1)

    first.cancel()
    await stage.clock.advance(50)

    assert (await second)[0][1] is not None
    assert first.cancelled() and len(stage.network.requests) == 1


@on_stage
async def test_a_missing_wheel_is_refused_and_tried_again(stage: Stage) -> None:
    data = stage.files.pop(f"{FOLDER}{UNITS.file}")
    stage.packages.prefetch(task(UNITS), BUNDLE)
    await stage.clock.advance(0)
    with pytest.raises(HostError) as refused:
        await stage.wheels(UNITS)

    error = refused.value
    assert (error.code, error.details["status"]) == ("network-failed", 404)
    assert error.message.startswith("task Rank, package units: expected its wheel, got none")
    stage.files[f"{FOLDER}{UNITS.file}"] = data
    assert (await stage.wheels(UNITS))[0][1] is not None


@on_stage
async def test_a_wheel_that_does_not_come_is_refused_in_time(stage: Stage) -> None:
    stage.network.delays_ms[f"{FOLDER}{UNITS.file}"] = 1e9
    waiting = stage.wheels(UNITS)
    await stage.clock.advance(LIMITS.fetch_timeout_ms)

    with pytest.raises(HostError, match="package units"):
        await waiting


@pytest.mark.parametrize(
    "other",
    [b"unitz", b"units\n", b""],
    ids=["changed", "longer", "empty"],
)
def test_another_wheel_is_never_handed_on(other: bytes) -> None:
    @on_stage
    async def play(stage: Stage) -> None:
        stage.files[f"{FOLDER}{UNITS.file}"] = other
        with pytest.raises(
            TrustError, match=r"task Rank, package units: expected units-1\.0"
        ) as no:
            await stage.wheels(UNITS)
        assert no.value.code == "digest-mismatch"

    play()


@on_stage
async def test_a_size_that_was_not_locked_is_refused(stage: Stage) -> None:
    with pytest.raises(TrustError, match="of 4 bytes"):
        await stage.wheels(replace(UNITS, bytes=4))


@on_stage
async def test_what_no_task_names_any_more_is_ended_and_dropped(stage: Stage) -> None:
    stage.network.delays_ms[f"{FOLDER}{UNITS.file}"] = 50
    stage.packages.prefetch(task(UNITS), BUNDLE)
    await stage.wheels(TEXT)

    stage.packages.keep([task(TEXT)])
    await stage.clock.advance(0)
    assert stage.clock.sleepers == 0
    await stage.wheels(TEXT)
    assert stage.network.requests.count(f"{FOLDER}{TEXT.file}") == 1

    stage.packages.keep([])
    await stage.wheels(TEXT)
    assert stage.network.requests.count(f"{FOLDER}{TEXT.file}") == 2
