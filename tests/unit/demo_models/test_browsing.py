"""Simulated browsing adds clicks of the target's category at the end of histories."""

import numpy as np

from demo_h5.models.browsing import Aisles, browse
from demo_h5.models.sessions import HISTORY_LENGTH, item_table
from tests.unit.demo_models.shop_data import made_up_shop

TABLE = item_table(*made_up_shop(), test_from_s=10**9, min_purchases=5)
AISLES = Aisles.of(TABLE)


def test_a_drawn_item_is_of_the_category_asked_for() -> None:
    categories = np.random.default_rng(0).integers(1, len(TABLE.category_names), 500)

    drawn = AISLES.draw(categories, np.random.default_rng(1))

    assert (drawn > 0).all()
    assert (TABLE.category[drawn] == categories).all()


def test_every_item_of_a_category_is_drawn_sooner_or_later() -> None:
    drawn = AISLES.draw(np.full(2_000, 1), np.random.default_rng(1))

    assert set(drawn) == set(np.flatnonzero(TABLE.category == 1))


def test_browsing_ends_histories_with_the_targets_category_and_keeps_the_rest() -> None:
    history = np.zeros((300, HISTORY_LENGTH), np.int64)
    history[:, -2:] = 1
    target = np.random.default_rng(2).integers(1, len(TABLE), 300)

    browsed = browse(history, target, AISLES, share=1.0, rng=np.random.default_rng(3))

    assert (TABLE.category[browsed[:, -1]] == TABLE.category[target]).all()
    assert set((browsed > 0).sum(1)) == {3, 4, 5}
    seen = (browsed == target[:, None]).any(1).mean()
    assert 0.4 < seen < 0.95


def test_without_browsing_histories_stay_as_they_are() -> None:
    history = np.ones((5, HISTORY_LENGTH), np.int64)

    same = browse(history, np.ones(5, np.int64), AISLES, share=0.0, rng=np.random.default_rng(3))

    assert same.tolist() == history.tolist()
