"""The product search with its real model, run by the real core under CPython."""

import json
from pathlib import Path
from typing import Any

import pytest
from edge_runtime.errors import ConfigError

from .shop import CATEGORY_OF, Shop, Visit

QUERIES: dict[str, Any] = json.loads(
    (Path(__file__).parents[2] / "vectors" / "search-queries.json").read_text()
)


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
        assert meant[-1] >= max(0.38, found[0]["score"] - 0.1)

    visit(story)


@pytest.mark.parametrize(
    ("typed", "category"), [("straw", "Fruit"), ("鲜牛", "Milk"), ("PÉTS ca!", "Pets")]
)
def test_beginnings_of_words_and_chinese_names_are_found(
    visit: Visit, typed: str, category: str
) -> None:
    async def story(shop: Shop) -> None:
        best = (await shop.infer("search", query=typed))["results"][0]

        assert CATEGORY_OF[best["item"]] == category
        assert best["literal"]

    visit(story)


def test_marks_alone_match_no_title(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        found = (await shop.infer("search", query="?!"))["results"]

        assert not any(one["literal"] for one in found)

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


def test_what_is_far_behind_the_best_is_left_out(visit: Visit) -> None:
    async def story(shop: Shop) -> None:
        found = (await shop.infer("search", query="my cat is hungry"))["results"]

        # Dog food scores 0.43, enough for a result were there nothing for cats.
        assert len(found) == 3
        assert {CATEGORY_OF[one["item"]] for one in found} == {"Pets"}

    visit(story)
