"""Bundles are fetched again: what changed is used, what does not work is left alone."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from edge_runtime.bundle_writer import open_bundle
from edge_runtime.errors import ConfigError, RefusedError, TaskError
from edge_runtime.pure.manifest import Manifest, OpenedBundle
from edge_runtime.services.catalogue import Catalogue
from edge_runtime.testing.fake_host import create_fake_host

from ..task_bundles import bundle

SITE = "https://shop.test/"


@dataclass(frozen=True, eq=False)
class Loaded:
    manifest: Manifest
    resources: dict[str, bytes] = field(default_factory=dict)

    def resource(self, path: str) -> bytes:
        return self.resources[path]


async def opened(data: bytes) -> OpenedBundle:
    return open_bundle(data)


class Shop:
    """A catalogue of bundles named after their tasks, which notes what it loads and unloads."""

    def __init__(self, *names: str) -> None:
        self.host = create_fake_host()
        self.loaded: list[str] = []
        self.unloaded: list[str] = []
        self.loading: Callable[[], Awaitable[None]] | None = None
        for name in names:
            self.offer(name, name)
        self.urls = [f"{name}.edge" for name in names]
        self.catalogue: Catalogue[Loaded] = Catalogue(
            self.host.network, lambda url: SITE + url, opened, self._load, self._unload
        )

    def offer(self, file: str, name: str, version: str = "1", **manifest: Any) -> None:
        self.host.network.files[f"{SITE}{file}.edge"] = bundle(name, version=version, **manifest)

    def spoil(self, file: str) -> None:
        self.host.network.files[f"{SITE}{file}.edge"] = b"no bundle"

    async def reload(
        self, *files: str
    ) -> tuple[list[tuple[str, str | None, str | None]], list[str]]:
        urls = [f"{file}.edge" for file in files] or None
        change = await self.catalogue.reload(urls)
        changed = [(each.task_name, each.before, each.after) for each in change.changed]
        return changed, [problem.code for problem in change.problems]

    def versions(self) -> dict[str, str]:
        return {task.manifest.name: task.manifest.version for task in self.catalogue}

    async def _load(self, opened: OpenedBundle, url: str, is_tried: bool) -> Loaded:
        if self.loading:
            await self.loading()
        if opened.manifest.version == "bad":
            raise TaskError("task-raised", "raised at import")
        self.loaded.append(_name(opened.manifest))
        return Loaded(opened.manifest)

    def _unload(self, task: Loaded) -> None:
        self.unloaded.append(_name(task.manifest))


def _name(manifest: Manifest) -> str:
    return f"{manifest.name} {manifest.version}"


def in_shop(*names: str) -> Callable[[Callable[[Shop], Awaitable[None]]], Callable[[], None]]:
    def decorate(test: Callable[[Shop], Awaitable[None]]) -> Callable[[], None]:
        async def play() -> None:
            shop = Shop(*names)
            assert await shop.catalogue.load(shop.urls) == []
            await test(shop)

        def run() -> None:
            asyncio.run(play())

        run.__name__ = test.__name__
        return run

    return decorate


@in_shop("A", "B")
async def test_only_what_has_other_bytes_is_loaded_and_used(shop: Shop) -> None:
    kept = shop.catalogue.by_name("B")
    shop.offer("A", "A", "2")

    assert await shop.reload() == ([("A", "1", "2")], [])

    assert (shop.loaded, shop.unloaded) == (["A 1", "B 1", "A 2"], ["A 1"])
    assert shop.catalogue.by_codes("demo", "a").manifest.version == "2"
    assert shop.catalogue.by_name("B") is kept
    assert list(shop.catalogue.names) == ["A", "B"]
    assert await shop.reload() == ([], [])


@in_shop("A")
async def test_a_cache_on_the_way_is_passed_by(shop: Shop) -> None:
    shop.host.network.cached[f"{SITE}A.edge"] = shop.host.network.files[f"{SITE}A.edge"]
    shop.offer("A", "A", "2")

    await shop.reload()

    assert shop.versions() == {"A": "2"}


@in_shop("A", "B", "C", "D")
async def test_what_does_not_arrive_or_work_keeps_the_version_it_had(shop: Shop) -> None:
    shop.host.network.unreachable.add(f"{SITE}A.edge")
    shop.spoil("B")
    shop.offer("C", "C", "bad")
    shop.offer("D", "D", "2")

    changed, problems = await shop.reload()

    assert changed == [("D", "1", "2")]
    assert sorted(problems) == ["bundle-invalid", "network-failed", "task-raised"]
    assert shop.versions() == {"A": "1", "B": "1", "C": "1", "D": "2"}
    # As long as it is so, it is told again; then it is made good.
    assert len((await shop.reload())[1]) == 3
    shop.host.network.unreachable.clear()
    shop.offer("B", "B")
    shop.offer("C", "C", "2")
    assert await shop.reload() == ([("C", "1", "2")], [])


def test_what_a_start_could_not_load_is_tried_again() -> None:
    async def play() -> None:
        shop = Shop("A", "B")
        shop.spoil("A")
        (problem,) = await shop.catalogue.load(shop.urls)
        shop.offer("A", "A")
        assert (problem.code, problem.details["bundle"]) == ("bundle-invalid", "A.edge")
        assert await shop.reload() == ([("A", None, "1")], [])
        assert list(shop.catalogue.names) == ["A", "B"]

    asyncio.run(play())


@in_shop("A")
async def test_a_version_that_is_held_is_unloaded_by_the_last_to_let_it_go(shop: Shop) -> None:
    first, second = shop.catalogue.hold("A"), shop.catalogue.hold("A")
    shop.offer("A", "A", "2")
    await shop.reload()
    third = shop.catalogue.hold("A")
    shop.offer("A", "A", "3")
    await shop.reload()

    shop.catalogue.release(first)
    assert (second, third.manifest.version, shop.unloaded) == (first, "2", [])
    shop.catalogue.release(third)
    shop.catalogue.release(second)

    assert shop.unloaded == ["A 2", "A 1"]


@in_shop("A")
async def test_what_is_in_force_stays_loaded_when_nothing_runs_it(shop: Shop) -> None:
    shop.catalogue.release(shop.catalogue.hold("A"))
    assert shop.unloaded == []


@in_shop("A", "B")
async def test_a_bundle_may_take_another_name_and_other_codes(shop: Shop) -> None:
    shop.offer("A", "New", "2")
    shop.offer("B", "B", "2", businessCode="other")

    changed, problems = await shop.reload()

    assert changed == [("A", "1", None), ("B", "1", "2"), ("New", None, "2")]
    assert problems == []
    for codes in ("a", "b"):
        with pytest.raises(ConfigError, match="demo/new, demo/other"):
            shop.catalogue.by_codes("demo", codes)
    with pytest.raises(ConfigError) as gone:
        shop.catalogue.hold("A")
    assert gone.value.code == "task-unknown"


@in_shop("A", "B", "C")
async def test_bundles_may_swap_their_names_but_not_take_anothers(shop: Shop) -> None:
    shop.offer("A", "B", "2")
    shop.offer("B", "A", "2")
    assert await shop.reload() == ([("A", "1", "2"), ("B", "1", "2")], [])

    for taken in ({"name": "C", "businessCode": "free"}, {"name": "Free", "businessCode": "c"}):
        shop.offer("A", version="3", **taken)
        assert await shop.reload() == ([], ["config-invalid"])

    assert shop.versions() == {"B": "2", "A": "2", "C": "1"}
    assert shop.unloaded == ["A 1", "B 1", "C 3", "Free 3"]


@in_shop("A", "B")
async def test_a_swap_of_which_one_half_does_not_work_changes_nothing(shop: Shop) -> None:
    shop.offer("A", "B", "2")
    shop.spoil("B")

    changed, problems = await shop.reload()

    assert (changed, sorted(problems)) == ([], ["bundle-invalid", "config-invalid"])
    assert shop.versions() == {"A": "1", "B": "1"}


@in_shop("A", "B")
async def test_another_list_adds_replaces_and_drops(shop: Shop) -> None:
    shop.offer("A-2", "A", "2")
    shop.offer("C", "C")

    changed, problems = await shop.reload("C", "A-2")

    assert (changed, problems) == ([("A", "1", "2"), ("B", "1", None), ("C", None, "1")], [])
    assert list(shop.catalogue.names) == ["C", "A"]
    assert shop.catalogue.lists(["C.edge", "A-2.edge"]) and not shop.catalogue.lists(["C.edge"])


@in_shop("A", "B")
async def test_while_something_of_another_list_does_not_work_nothing_is_dropped(shop: Shop) -> None:
    shop.offer("B-2", "B", "2")
    shop.spoil("A-2")

    assert await shop.reload("A-2", "B-2") == ([("B", "1", "2")], ["bundle-invalid"])
    assert shop.versions() == {"B": "2", "A": "1"}
    assert not shop.catalogue.lists(["A-2.edge", "B-2.edge"])

    shop.offer("A-2", "A", "2")
    assert await shop.reload("A-2", "B-2") == ([("A", "1", "2")], [])
    assert shop.catalogue.lists(["A-2.edge", "B-2.edge"])


@in_shop("A", "B")
async def test_a_stop_ends_a_reload_with_nothing_changed(shop: Shop) -> None:
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def wait() -> None:
        arrived.set()
        await go_on.wait()

    shop.offer("A", "A", "2")
    shop.offer("B", "B", "2")
    shop.loading = wait
    reloading = asyncio.create_task(shop.reload())
    await arrived.wait()
    shop.catalogue.stop()
    go_on.set()

    with pytest.raises(RefusedError) as refused:
        await reloading
    assert refused.value.code == "runtime-stopped"
    assert (shop.versions(), shop.unloaded) == ({"A": "1", "B": "1"}, ["A 2"])
