"""The demo's tasks with their real models, run by the real core under CPython."""

import io
import json
from typing import Any

import pytest
from edge_runtime.errors import ConfigError
from PIL import Image

from demo_h5.model_files import MODELS

from .shop import CATALOGUE, CATEGORY_OF, Shop, Visit

PETS = [row["item"] for row in CATALOGUE if row["category"] == "Pets"]
PHOTOS: list[dict[str, Any]] = json.loads((MODELS / "photos" / "photos.json").read_text())


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
