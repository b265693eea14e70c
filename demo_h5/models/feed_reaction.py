"""Does the demo react: what three clicks on a category do to its place in the demo feed."""

from typing import Any

import numpy as np

from demo_h5.models.evaluate import Scorer, reaction
from demo_h5.models.feed import FEED
from demo_h5.models.sessions import HISTORY_LENGTH, Ints, ItemTable

SEED = 11
REPEATS = 60
RANDOM_HISTORIES = 300


def demo_reaction(scorer: Scorer, table: ItemTable, histories: Ints) -> dict[str, Any]:
    """Measure every demo category, as a new visitor and from test shoppers' histories.

    The numbers are mean places in the feed (1 = top; five items cannot do better than 3) of a
    category's items before and after three clicks on three of them, and after / before.
    """
    feed, groups = feed_groups(table)
    rng = np.random.default_rng(SEED)
    newcomers = np.zeros((REPEATS, HISTORY_LENGTH), np.int64)
    rows = np.sort(rng.permutation(len(histories))[:RANDOM_HISTORIES])
    return {
        "feedItems": len(feed),
        "clicks": 3,
        "emptyHistory": reaction(scorer, feed, groups, newcomers, rng),
        "shopperHistory": reaction(scorer, feed, groups, histories[rows], rng),
    }


def feed_groups(table: ItemTable) -> tuple[Ints, dict[str, list[int]]]:
    """Return the feed's item ids and, for each category, the places of its items in the feed."""
    products: list[int] = []
    groups: dict[str, list[int]] = {}
    for (category, _), items in FEED.items():
        groups[category] = list(range(len(products), len(products) + len(items)))
        products.extend(item.product_id for item in items)
    return table.items_of(np.array(products, np.int64)), groups
