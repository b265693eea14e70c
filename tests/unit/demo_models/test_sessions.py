"""Training cases come from the past; nothing of the test period leaks into it."""

from dataclasses import replace

import numpy as np
import pytest

from demo_h5.models.purchases import Product, Purchases
from demo_h5.models.sessions import (
    HISTORY_LENGTH,
    Cases,
    ItemTable,
    forget,
    item_table,
    make_cases,
    split_time_s,
)
from tests.unit.demo_models.shop_data import made_up_product, made_up_shop

MIN_PURCHASES = 5


def split(purchases: Purchases, products: dict[int, Product]) -> tuple[ItemTable, Cases, Cases]:
    start = split_time_s(purchases, 0.2)
    table = item_table(purchases, products, start, MIN_PURCHASES)
    return table, *make_cases(purchases, table, start, np.random.default_rng(3))


def with_another_test_period(purchases: Purchases, start: int) -> Purchases:
    """Replace what is bought in the test period, and at what price; keep the times."""
    late = purchases.time_s >= start
    product = np.where(late, 100 + (purchases.product * 7 + 3) % 24, purchases.product)
    price = np.where(late, 99.0, purchases.unit_price)
    return replace(purchases, product=product, unit_price=price)


def test_another_test_period_changes_nothing_the_model_learns_from() -> None:
    purchases, products = made_up_shop()
    start = split_time_s(purchases, 0.2)
    other = with_another_test_period(purchases, start)

    table, train, test = split(purchases, products)
    other_table, other_train, other_test = split(other, products)

    for name in ("product_id", "category", "purchases", "price"):
        np.testing.assert_array_equal(getattr(table, name), getattr(other_table, name))
    np.testing.assert_array_equal(train.history, other_train.history)
    np.testing.assert_array_equal(train.target, other_train.target)
    assert baskets_of(test) != baskets_of(other_test)


def baskets_of(cases: Cases) -> set[tuple[int, ...]]:
    return {(*basket,) for basket in cases.baskets}


def test_training_and_test_baskets_lie_on_their_side_of_the_split() -> None:
    purchases, products = made_up_shop()
    start = split_time_s(purchases, 0.2)
    table = item_table(purchases, products, start, MIN_PURCHASES)
    train, test = make_cases(purchases, table, start, np.random.default_rng(3))
    early = {
        tuple(table.items_of(purchases.product[purchases.basket == basket]))
        for basket in np.unique(purchases.basket[purchases.time_s < start])
    }

    assert len(test) > 0
    assert baskets_of(train) <= early


def test_a_product_that_sells_only_in_the_test_period_is_unknown() -> None:
    purchases, products = made_up_shop()
    start = split_time_s(purchases, 0.2)
    late = np.flatnonzero(purchases.time_s >= start)
    product = purchases.product.copy()
    product[late] = 999
    products[999] = made_up_product(999)

    table = item_table(replace(purchases, product=product), products, start, MIN_PURCHASES)

    assert len(late) > MIN_PURCHASES
    assert 999 not in table.product_id
    assert table.items_of(np.array([999, 100])).tolist()[0] == 0


def test_items_are_counted_priced_and_categorised() -> None:
    purchases, products = made_up_shop()
    table = item_table(purchases, products, 10**9, MIN_PURCHASES)
    item = int(table.items_of(np.array([102]))[0])

    assert table.purchases[item] == (purchases.product == 102).sum()
    assert table.price[item] == pytest.approx(3.0)
    assert table.category_names[table.category[item]] == "coffee and tea"
    assert table.category_names[table.category[1]] == "fruit"


def test_a_target_is_in_its_basket_but_not_among_the_clicks_of_its_session() -> None:
    _, train, _ = split(*made_up_shop())

    for history, target, basket in zip(train.history, train.target, train.baskets, strict=True):
        assert target in basket
        assert history[-1] in basket
        assert history[-1] != target


def test_forgetting_keeps_the_newest_items() -> None:
    full = np.tile(np.arange(1, HISTORY_LENGTH + 1), (200, 1))

    cut = forget(full, share=1.0, rng=np.random.default_rng(0))

    lengths = (cut > 0).sum(1)
    assert set(lengths) == set(range(HISTORY_LENGTH + 1))
    for row, length in zip(cut, lengths, strict=True):
        assert row[row > 0].tolist() == full[0][HISTORY_LENGTH - length :].tolist()
    assert forget(full, share=0.0, rng=np.random.default_rng(0)).tolist() == full.tolist()
