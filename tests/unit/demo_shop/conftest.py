"""A packed demo without pages, and a runtime on it."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from demo_h5.build import DEMO, pack_tasks
from demo_h5.model_files import copy_models, make_missing

from .shop import CATALOGUE, Shop, Visit


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    make_missing()
    copy_models(json.loads((DEMO / "config.json").read_text()), folder)
    pack_tasks(folder, CATALOGUE)
    return folder


@pytest.fixture
def visit(site: Path) -> Iterator[Visit]:
    """Run an async story on a started shop and stop it."""

    async def play(story: Callable[[Shop], Awaitable[None]]) -> None:
        shop = Shop(site)
        assert await shop.runtime.start() == []
        await story(shop)
        await shop.runtime.stop()

    yield lambda story: asyncio.run(play(story))
