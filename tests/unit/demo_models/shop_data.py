"""A small made-up shop: enough purchases to split, count and train on."""

import numpy as np

from demo_h5.models.purchases import Product, Purchases, one_row_per_product

CATEGORIES = ("APPLES", "BERRIES", "COFFEE", "EGGS")
DAY_S = 86_400


def made_up_shop(
    seed: int = 1, households: int = 20, baskets: int = 15, products: int = 24
) -> tuple[Purchases, dict[int, Product]]:
    """Return random baskets of 2–5 products, one basket a day for each household."""
    rng = np.random.default_rng(seed)
    rows: list[tuple[int, int, int, int, float]] = []
    for household in range(1, households + 1):
        for day in range(baskets):
            chosen = rng.choice(products, size=int(rng.integers(2, 6)), replace=False)
            basket = household * 1_000 + day
            rows += [(household, basket, 100 + int(p), day * DAY_S, 1.0 + int(p)) for p in chosen]
    household_column, basket_column, product, time_s, price = zip(*rows, strict=True)
    columns = (np.array(c) for c in (household_column, basket_column, product, time_s))
    purchases = one_row_per_product(Purchases(*columns, np.array(price, np.float64)))
    return purchases, {100 + p: made_up_product(100 + p) for p in range(products)}


def made_up_product(product_id: int) -> Product:
    category = CATEGORIES[product_id % len(CATEGORIES)]
    return Product(product_id, "GROCERY", "National", category, "TYPE", "1 OZ")
