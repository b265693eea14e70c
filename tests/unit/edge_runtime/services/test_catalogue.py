"""Bundles become tasks: at once, in order, each on its own."""

import asyncio
from dataclasses import dataclass

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.errors import ConfigError, TaskError
from edge_runtime.pure.manifest import Manifest, OpenedBundle
from edge_runtime.services.catalogue import Catalogue
from edge_runtime.testing.fake_host import FakeHost, create_fake_host

from ..task_bundles import bundle


@dataclass(frozen=True)
class Loaded:
    manifest: Manifest


async def load(opened: OpenedBundle, url: str, is_tried: bool) -> Loaded:
    if opened.manifest.name == "Bad":
        raise TaskError("task-raised", "task Bad: raised at import")
    return Loaded(opened.manifest)


async def opened(data: bytes) -> OpenedBundle:
    return open_bundle(data)


class Stage:
    """A catalogue of bundles by name, in the order given."""

    def __init__(self, *names: str) -> None:
        self.host: FakeHost = create_fake_host()
        self.urls = [f"{name}.edge" for name in names]
        for name in names:
            self.host.network.files[f"https://shop.test/{name}.edge"] = bundle(name)
        self.catalogue = Catalogue(
            self.host.network, lambda url: f"https://shop.test/{url}", opened, load
        )


def test_bundles_are_fetched_together_and_kept_in_order() -> None:
    async def play() -> None:
        stage = Stage("A", "B")
        stage.host.network.delays_ms["https://shop.test/A.edge"] = 100
        loading = asyncio.create_task(stage.catalogue.load(stage.urls))
        await stage.host.clock.advance(99)
        assert len(stage.host.network.requests) == 2
        await stage.host.clock.advance(1)
        assert await loading == []
        assert [task.manifest.name for task in stage.catalogue] == ["A", "B"]

    asyncio.run(play())


def test_a_task_is_found_by_name_and_by_codes() -> None:
    async def play() -> None:
        stage = Stage("A", "B")
        await stage.catalogue.load(stage.urls)
        assert stage.catalogue.by_name("B") is stage.catalogue.by_codes("demo", "b")
        with pytest.raises(ConfigError, match="expected the codes of a loaded task") as unknown:
            stage.catalogue.by_codes("demo", "c")
        assert unknown.value.details["known"] == [["demo", "a"], ["demo", "b"]]

    asyncio.run(play())


def test_a_task_that_cannot_be_loaded_is_a_problem_of_its_own() -> None:
    async def play() -> None:
        stage = Stage("A", "Bad", "B")
        stage.host.network.unreachable.add("https://shop.test/A.edge")
        problems = await stage.catalogue.load(stage.urls)
        assert [problem.code for problem in problems] == ["network-failed", "task-raised"]
        assert [task.manifest.name for task in stage.catalogue] == ["B"]

    asyncio.run(play())


def test_of_two_bundles_for_one_task_the_first_is_used() -> None:
    async def play() -> None:
        stage = Stage("A", "Copy")
        stage.host.network.files["https://shop.test/Copy.edge"] = bundle("A", version="2.0.0")
        (problem,) = await stage.catalogue.load(stage.urls)
        assert problem.message.startswith("config at bundles: expected each task name")
        assert stage.catalogue.by_name("A").manifest.version == "1.0.0"

    asyncio.run(play())
