"""Bundles with packages: tasks in force at the same time lock one version of each."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.pure.manifest import OpenedBundle
from edge_runtime.services.catalogue import Catalogue
from edge_runtime.services.catalogue_versions import Change
from edge_runtime.services.container import LoadedTask

from ..task_bundles import bundle
from .container_stage import Stage, play_on
from .test_container_vms import GATED, QUICK, patient, turns
from .test_container_wheels import SITE, wheel

RAISES = "raise LookupError('at import')\n"


async def opened(data: bytes) -> OpenedBundle:
    return open_bundle(data)


class Shop:
    """A catalogue of tasks that need ``units`` in some version, and may run."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        load, unload = stage.container.load, stage.container.unload
        self.catalogue: Catalogue[LoadedTask] = Catalogue(
            stage.host.network, lambda url: SITE + url, opened, load, unload
        )

    def offer(self, name: str, version: str, units: str = "", source: str = QUICK) -> None:
        packages = [wheel(self.stage, "units", units)] if units else []
        packed = bundle(name, source, version=version, packages=packages)
        self.stage.host.network.files[f"{SITE}{name}.edge"] = packed

    async def load(self, *names: str) -> list[str]:
        problems = await self.catalogue.load(f"{name}.edge" for name in names)
        return [problem.message for problem in problems]

    async def reload(self) -> tuple[str, list[str]]:
        """Return the names of the tasks that changed, and the codes of what did not."""
        change: Change = await self.catalogue.reload()
        changed = "".join(each.task_name for each in change.changed)
        return changed, [problem.code for problem in change.problems]

    def versions(self) -> dict[str, str]:
        return {task.manifest.name: task.manifest.version for task in self.catalogue}


def in_shop(test: Callable[[Shop], Awaitable[None]]) -> Callable[[], None]:
    async def play(stage: Stage) -> None:
        await test(Shop(stage))

    def run() -> None:
        play_on(lambda: patient(Stage(1)), play)

    run.__name__ = test.__name__
    return run


async def two_tasks(shop: Shop) -> None:
    shop.offer("A", "1", "1.0")
    shop.offer("C", "1", "1.0")
    assert await shop.load("A", "C") == []


@in_shop
async def test_tasks_that_move_together_may_move_to_another_version(shop: Shop) -> None:
    await two_tasks(shop)
    shop.offer("A", "2", "2.0")
    shop.offer("C", "2", "2.0")

    assert await shop.reload() == ("AC", [])

    for name in "AC":
        assert (await shop.stage.run(shop.catalogue.by_name(name), name)).value == name


@in_shop
async def test_one_that_moves_alone_waits_for_the_other(shop: Shop) -> None:
    await two_tasks(shop)
    shop.offer("A", "2", "2.0")

    assert await shop.reload() == ("", ["config-invalid"])
    assert shop.versions() == {"A": "1", "C": "1"}

    shop.offer("C", "2", "2.0")
    assert await shop.reload() == ("AC", [])


@in_shop
async def test_one_whose_other_half_does_not_work_stays_as_it_was(shop: Shop) -> None:
    await two_tasks(shop)
    shop.offer("A", "2", "2.0")
    shop.offer("C", "2", "2.0", RAISES)

    changed, problems = await shop.reload()

    assert (changed, sorted(problems)) == ("", ["config-invalid", "task-raised"])
    assert shop.versions() == {"A": "1", "C": "1"}


@in_shop
async def test_a_version_that_only_an_old_run_holds_is_in_nobodys_way(shop: Shop) -> None:
    shop.offer("A", "1", "1.0", GATED)
    shop.offer("D", "1")
    await shop.load("A", "D")
    run = asyncio.create_task(shop.stage.run(shop.catalogue.hold("A"), "long"))
    await turns()
    shop.offer("A", "2", "2.0")
    assert await shop.reload() == ("A", [])

    shop.offer("D", "2")
    assert await shop.reload() == ("D", [])

    shop.stage.data.values["open"] = True
    assert (await run).value == "long"


@in_shop
async def test_of_two_versions_at_a_start_the_first_ones_is_used(shop: Shop) -> None:
    for name, units in (("First", "1.0"), ("Second", "2.0"), ("Third", "1.0")):
        shop.offer(name, "1", units)

    (problem,) = await shop.load("First", "Second", "Third")

    assert "for First" in problem and "for Second" in problem and "2.0" in problem
    assert shop.versions() == {"First": "1", "Third": "1"}


@pytest.mark.parametrize("moved", ["A", "AC"])
def test_beside_the_core_another_version_takes_another_page(moved: str) -> None:
    async def play(stage: Stage) -> None:
        shop = Shop(stage)
        await two_tasks(shop)
        for name in moved:
            shop.offer(name, "2", "2.0")

        change = await shop.catalogue.reload()

        assert (change.changed, len(change.problems)) == ([], len(moved))
        assert "beside the core start the page again" in change.problems[0].message

    play_on(lambda: Stage(0), play)
