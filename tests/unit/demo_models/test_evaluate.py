"""Ranking metrics, candidate lists and the reaction to clicks, on cases small enough to check."""

import numpy as np
import pytest

from demo_h5.models.evaluate import (
    CANDIDATES,
    Sampler,
    append_clicks,
    baselines,
    candidate_lists,
    places,
    ranking_metrics,
    reaction,
)
from demo_h5.models.sessions import HISTORY_LENGTH, Cases, Floats, Ints, item_table
from tests.unit.demo_models.shop_data import made_up_shop

TABLE = item_table(*made_up_shop(products=120), test_from_s=10**9, min_purchases=1)
EMPTY = np.zeros((1, HISTORY_LENGTH), np.int64)


def last_click_first(history: Ints, candidates: Ints) -> Floats:
    """Put candidates of the category of the last click first."""
    last = TABLE.category[history[:, -1:]]
    return (TABLE.category[candidates] == last).astype(np.float64)


def test_metrics_of_known_ranks() -> None:
    first, third = [3.0, 2, 1, 0], [1.0, 3, 2, 0]

    metrics = ranking_metrics(np.array([first, third]))

    assert metrics["auc"] == pytest.approx((1 + 1 / 3) / 2, abs=1e-4)
    assert metrics["hr10"] == 1
    assert metrics["mrr"] == pytest.approx((1 + 1 / 3) / 2, abs=1e-4)
    assert metrics["ndcg10"] == pytest.approx((1 + 0.5) / 2, abs=1e-4)


def test_a_scorer_that_cannot_tell_items_apart_has_an_auc_of_one_half() -> None:
    assert ranking_metrics(np.zeros((4, CANDIDATES)))["auc"] == 0.5


@pytest.mark.parametrize("sampler", [Sampler.by_popularity(TABLE), Sampler.uniform(TABLE)])
def test_candidates_are_the_target_and_49_other_items_not_in_its_basket(sampler: Sampler) -> None:
    basket = np.array([5, 6, 7])
    cases = Cases(EMPTY, np.array([5]), (basket,))

    (candidates,) = candidate_lists(cases, sampler, np.random.default_rng(0))

    assert candidates[0] == 5
    assert len(set(candidates)) == CANDIDATES
    assert not set(candidates[1:]) & {0, *basket}


def test_popular_items_are_drawn_more_often_by_one_sampler_only() -> None:
    rng = np.random.default_rng(0)
    top = int(TABLE.purchases.argmax())
    draws = {
        name: (sampler.draw((20_000,), rng) == top).mean()
        for name, sampler in [
            ("popular", Sampler.by_popularity(TABLE)),
            ("uniform", Sampler.uniform(TABLE)),
        ]
    }

    assert draws["popular"] > 1.1 * draws["uniform"]


def test_baselines_follow_their_rules() -> None:
    history = EMPTY.copy()
    history[0, -1] = 3
    candidates = np.array([[3, 4, int(TABLE.purchases.argmax())]])
    rules = baselines(TABLE)

    assert rules["re-buy"](history, candidates)[0].argmax() == 0
    assert rules["popularity"](history, candidates)[0].argmax() == 2
    assert rules["same category"](history, np.array([[7, 4]]))[0].argmax() == 0


def test_reaction_reports_places_before_and_after_the_clicks() -> None:
    feed = np.arange(1, 21)
    groups = {"coffee": [2, 6, 10, 14, 18]}

    table = reaction(last_click_first, feed, groups, EMPTY, np.random.default_rng(0))

    assert table["coffee"] == {"before": 11.0, "after": 3.0, "ratio": 0.273}


def test_places_count_from_one_and_clicks_push_out_the_oldest() -> None:
    full = np.arange(1, HISTORY_LENGTH + 1)[None]

    assert places(lambda history, items: -items, EMPTY, np.array([3, 1, 2])).tolist() == [[3, 1, 2]]
    assert append_clicks(full, np.array([[50, 51]]))[0, -3:].tolist() == [20, 50, 51]
    assert append_clicks(full, np.array([[50, 51]])).shape == full.shape
