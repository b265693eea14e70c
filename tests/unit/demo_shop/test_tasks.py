"""The demo's tasks with their real models, run by the real core under CPython."""

import asyncio
import io
import json
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.config import parse_config
from edge_runtime.errors import ConfigError
from edge_runtime.host.native import create_native_host
from edge_runtime.runtime import InferRequest, Runtime
from PIL import Image

from demo_h5.build import DEMO, pack_tasks
from demo_h5.model_files import MODELS, copy_models, make_missing

CATALOGUE: list[dict[str, Any]] = json.loads((MODELS / "catalogue.json").read_text())
PETS = [row["item"] for row in CATALOGUE if row["category"] == "Pets"]
QUERIES: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "search-queries.json").read_text()
)
CATEGORY_OF = {row["item"]: row["category"] for row in CATALOGUE}
PHOTOS: list[dict[str, Any]] = json.loads((MODELS / "photos" / "photos.json").read_text())


class Shop:
    """The demo's configuration, tasks and models on a runtime without a page."""

    def __init__(self, site: Path) -> None:
        self.results: list[dict[str, Any]] = []
        self.changed = asyncio.Event()
        config = parse_config(json.loads((DEMO / "config.json").read_text()))
        host = create_native_host(root=site, on_notice=self.notice)
        self.runtime = Runtime(host, config, site.as_uri() + "/config.json")
        self.events = 0

    def notice(self, name: str, body: Any) -> None:
        assert name == "result", body
        self.results.append(body["value"])
        self.changed.set()

    async def click(self, page: str, sku: object) -> dict[str, Any]:
        """Click a product and return what the triggered run says."""
        self.events += 1
        self.changed.clear()
        row = [f"e{self.events}", 1.8e12, "mta", page, "item", 0, {"sku": sku}]
        self.runtime.track(json.dumps([row]))
        await asyncio.wait_for(self.changed.wait(), 20)
        return self.results[-1]

    async def infer(self, code: str, **ext_data: Any) -> Any:
        request = InferRequest(1, "demo-shop", code, ext_data=ext_data)
        return (await self.runtime.infer(request)).value


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    make_missing()
    copy_models(json.loads((DEMO / "config.json").read_text()), folder)
    pack_tasks(folder, CATALOGUE)
    return folder


@pytest.fixture
def visit(site: Path) -> Iterator[Callable[[Callable[[Shop], Awaitable[None]]], None]]:
    """Run an async story on a started shop and stop it."""

    async def play(story: Callable[[Shop], Awaitable[None]]) -> None:
        shop = Shop(site)
        assert await shop.runtime.start() == []
        await story(shop)
        await shop.runtime.stop()

    yield lambda story: asyncio.run(play(story))


Visit = Callable[[Callable[[Shop], Awaitable[None]]], None]


def mean_rank(order: list[int]) -> float:
    return sum(order.index(item) + 1 for item in PETS) / len(PETS)


def test_three_clicks_bring_their_category_up(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        before = await shop.infer("rank", hist=[])
        for item, page in zip(PETS[:3], ("Home", "Item", "Home"), strict=True):
            after = await shop.click(page, item)

        assert after["hist"] == PETS[:3]
        assert mean_rank(after["order"]) <= mean_rank(before["order"]) / 2

    visit(story)


def test_scores_belong_to_the_order_and_fall(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        value = await shop.infer("rank", hist=PETS[:2], cand=PETS)

        assert sorted(value["order"]) == sorted(PETS)
        assert value["scores"] == sorted(value["scores"], reverse=True)

    visit(story)


def test_clicks_on_products_the_shop_does_not_have_are_skipped(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        for sku in (10**9, "text", None, 1.5):
            await shop.click("Home", sku)

        assert (await shop.click("Home", PETS[0]))["hist"] == [PETS[0]]

    visit(story)


def test_no_candidates_are_no_reason_to_fail(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        assert await shop.infer("rank", hist=[], cand=[]) == {"order": [], "scores": [], "hist": []}

    visit(story)


@pytest.mark.parametrize("wrong", ["12", [1, "2"], [True], None])
def test_a_wrong_history_is_refused_with_what_was_given(visit: Visit, wrong: object) -> None:
    async def story(shop: Shop) -> None:
        with pytest.raises(ConfigError, match=r"extData\.hist: expected a list of item numbers"):
            await shop.infer("rank", hist=wrong)

    visit(story)


@pytest.mark.parametrize("photo", PHOTOS[:2], ids=lambda photo: photo["file"])
def test_a_sample_photo_is_recognised(visit: Visit, photo: dict[str, Any]) -> None:
    async def story(shop: Shop) -> None:
        data = (MODELS / "photos" / photo["file"]).read_bytes()
        labels = (await shop.infer("recognise", photo=data))["labels"]

        assert labels[0]["label"] == photo["expected"]["name"]
        assert len(labels) == 5
        assert [one["probability"] for one in labels] == sorted(
            (one["probability"] for one in labels), reverse=True
        )

    visit(story)


@pytest.mark.parametrize(
    ("file", "category", "look"),
    [
        ("coffee.jpg", "Coffee & Tea", "espresso"),
        ("cat.jpg", "Pets", "tabby"),
        ("palace.jpg", None, None),
        ("rocket.jpg", None, None),
        ("flower.jpg", None, None),
    ],
)
def test_products_near_a_photo_are_of_its_kind_or_there_are_none(
    visit: Visit, file: str, category: str | None, look: str | None
) -> None:
    async def story(shop: Shop) -> None:
        photo = (MODELS / "photos" / file).read_bytes()
        near = (await shop.infer("recognise", photo=photo))["nearest"]

        assert [CATEGORY_OF[one["item"]] for one in near[:3]] == [category] * 3 * bool(category)
        assert [one["score"] for one in near] == sorted(
            (one["score"] for one in near), reverse=True
        )
        if look == "tabby":
            assert near[0]["look"] in {"tabby", "tiger cat", "Egyptian cat"}
        elif look:
            assert near[0]["look"] == look

    visit(story)


def test_a_black_picture_is_near_to_nothing(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        black = io.BytesIO()
        Image.new("RGB", (8, 8)).save(black, "PNG")

        assert (await shop.infer("recognise", photo=black.getvalue()))["nearest"] == []

    visit(story)


def test_a_photo_that_is_text_is_refused(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        with pytest.raises(
            ConfigError, match=r"extData\.photo: expected a picture's bytes, got str"
        ):
            await shop.infer("recognise", photo="cat.jpg")

    visit(story)


def test_a_query_finds_what_it_means_and_nothing_else(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        right = 0
        for row in QUERIES["fits"]:
            found = (await shop.infer("search", query=row["query"]))["results"]
            right += bool(found) and CATEGORY_OF[found[0]["item"]] == row["category"]
        for query in QUERIES["nothing"]:
            assert (await shop.infer("search", query=query))["results"] == [], query

        # The README says 31 of 39; one may turn with how a processor rounds.
        assert len(QUERIES["fits"]) == 39
        assert right >= 30

    visit(story)


def test_literal_hits_come_first_and_the_rest_falls_with_the_score(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        found = (await shop.infer("search", query="dog"))["results"]
        literal = [one["score"] for one in found if one["literal"]]
        meant = [one["score"] for one in found if not one["literal"]]

        assert [one["literal"] for one in found] == [True] * len(literal) + [False] * len(meant)
        assert literal == sorted(literal, reverse=True)
        assert meant == sorted(meant, reverse=True)
        # Cat treats are nearer than hot dog buns, and still no dog's.
        assert meant[0] > literal[-1]
        assert meant[-1] >= 0.38

    visit(story)


@pytest.mark.parametrize(
    ("typed", "category"), [("straw", "Fruit"), ("鲜牛", "Milk"), ("PÉTS ca", "Pets")]
)
def test_beginnings_of_words_and_chinese_names_are_found(
    visit: Visit, typed: str, category: str
) -> None:
    async def story(shop: Shop) -> None:
        best = (await shop.infer("search", query=typed))["results"][0]

        assert CATEGORY_OF[best["item"]] == category
        assert best["literal"]

    visit(story)


def test_a_query_without_words_finds_nothing(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        assert await shop.infer("search", query=" \u200b\n") == {"results": []}

    visit(story)


@pytest.mark.parametrize(
    ("wrong", "got"), [("x" * 257, "257 characters"), (7, "int"), (None, "NoneType")]
)
def test_a_query_that_is_no_short_text_is_refused(visit: Visit, wrong: object, got: str) -> None:
    async def story(shop: Shop) -> None:
        with pytest.raises(ConfigError, match=f"extData.query: expected text .* got {got}"):
            await shop.infer("search", query=wrong)

    visit(story)
